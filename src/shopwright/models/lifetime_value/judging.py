"""How good predictions of spending are: scores with intervals, deciles, purchase counts, and twelve months where known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import DataError
from shopwright.evaluation.coverage import coverage_score, pit_histogram
from shopwright.evaluation.scores import Score, amount_scores, paired_difference
from shopwright.evaluation.verdicts import check_gate
from shopwright.models.lifetime_value.baselines import BASELINES
from shopwright.models.lifetime_value.boosting import known_at
from shopwright.models.lifetime_value.candidates import at, field_at, measures
from shopwright.models.lifetime_value.features import HORIZONS, JUDGED, purchases, spent
from shopwright.models.lifetime_value.prediction import LEVEL
from shopwright.models.lifetime_value.repeat_buying import RepeatBuying
from shopwright.models.protocol import CHAMPION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from shopwright.evaluation.leaks import Finding
    from shopwright.evaluation.scores import Difference
    from shopwright.evaluation.verdicts import Gate
    from shopwright.models.lifetime_value.candidates import Choice
    from shopwright.models.lifetime_value.prediction import Candidate
    from shopwright.models.training_set import TrainingSet

    Floats = NDArray[np.float64]

SCORE = "gini"
"""What is judged by: who is worth a campaign is a question of rank. The mean absolute error would reward a model that foretells
nothing for everybody wherever few come back, and one big spender decides the squared one."""
BIAS_TOLERANCE = 0.1
"""How far the predicted total may be from the actual one to serve, as a share."""
_NO_INTERVAL = "it gives no intervals"


@dataclass(frozen=True, slots=True)
class Judged:
    """Candidates, champion and baselines on the customers of one snapshot."""

    rows: TrainingSet
    days: int
    seed: int
    values: dict[str, Floats]
    """Name to predicted values, (rows,); the chosen one first."""
    standings: dict[str, tuple[Floats, Floats]]
    """Name to where actual values stand, of those that give intervals."""

    @classmethod
    def of(
        cls,
        frame: TrainingSet,
        moment: np.datetime64,
        field: Mapping[str, Candidate],
        *,
        days: int,
        seed: int,
    ) -> Judged:
        """Let all of them predict a horizon.

        Args:
            frame: all snapshots; baselines see those whose outcome was known at the moment.
            moment: snapshot whose outcome is known now.
            field: name to candidate, the chosen one first; those that did not learn the horizon are left out.
            days: the horizon.
            seed: of the bootstrap.
        """
        rows, known = at(frame, moment), known_at(frame, moment)[days]
        predicted = {name: each.expected(rows, days)[1] for name, each in field.items()}
        told = {name: value for name, value in predicted.items() if not np.isnan(value).any()}
        standings = {name: field[name].standing(rows, days, spent(rows, days)) for name in told}
        values = told | {name: give(known, rows, days) for name, give in BASELINES.items()}
        return cls(rows, days, seed, values, standings)

    @property
    def actual(self) -> Floats:
        """Net value in the horizon, (rows,)."""
        return spent(self.rows, self.days)

    def scores(self) -> dict[str, dict[str, Score]]:
        """Every measure of every name, with intervals."""
        return {
            name: amount_scores(self.actual, value, rng=self._rng())
            | {"interval_coverage": self._coverage(name)}
            for name, value in self.values.items()
        }

    def _coverage(self, name: str) -> Score:
        """Share of actual values in the central interval; what has a chance of its own counts with the part within."""
        if name not in self.standings:
            return Score("interval_coverage", None, None, None, "ideal", _NO_INTERVAL, LEVEL)
        below, upto = self.standings[name]
        return coverage_score(below, upto, interval_level=LEVEL, rng=self._rng())

    def against_baselines(self) -> dict[str, Difference]:
        """How much better the chosen one is than each baseline."""
        return {name: self._difference(name) for name in BASELINES}

    def gate(
        self, own: Mapping[str, Score], baselines: Mapping[str, Difference], findings: Sequence[Finding]
    ) -> Gate:
        """Whether the chosen one, with these scores of its own, may serve."""
        champion = self._difference(CHAMPION) if CHAMPION in self.values else None
        return check_gate(own[SCORE], champion, baselines, own["bias"], findings, tolerance=BIAS_TOLERANCE)

    def deciles(self) -> list[dict[str, Any]]:
        """Customers by tenths of the chosen prediction, the highest first: means of what was foretold and of what came."""
        predicted = self.values[self._chosen]
        order = np.argsort(-predicted, kind="stable")
        return [
            {
                "decile": place + 1,
                "customers": len(part),
                "mean_predicted": float(predicted[part].mean()),
                "mean_actual": float(self.actual[part].mean()),
                "share_of_actual": _share(self.actual[part].sum(), self.actual.sum()),
            }
            for place, part in enumerate(np.array_split(order, 10))
            if len(part)
        ]

    def standing_histogram(self) -> list[dict[str, Any]]:
        """Where actual values stand in the chosen one's predictions, by tenths: each holds a tenth if the intervals are right."""
        if self._chosen not in self.standings:
            return []
        shares = pit_histogram(*self.standings[self._chosen], bins=10)
        return [
            {"from": place / 10, "to": (place + 1) / 10, "share": float(share)}
            for place, share in enumerate(shares)
        ]

    @property
    def _chosen(self) -> str:
        return next(iter(self.values))

    def _difference(self, other: str) -> Difference:
        own = self.values[self._chosen]
        return paired_difference(self.actual, own, self.values[other], score=SCORE, rng=self._rng())

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


def purchase_rows(rows: TrainingSet, field: Sequence[Candidate]) -> list[dict[str, Any]]:
    """Purchase counts at the judged horizon: each candidate's mean, and the point forecast of least absolute error."""
    found = []
    for each in field:
        points = {"mean": each.expected(rows, JUDGED)[0]}
        coverage = None
        if isinstance(each, RepeatBuying):
            points["common quantile"] = each.purchase_forecast(rows, JUDGED).point
            coverage = each.purchase_coverage(rows, JUDGED)
        for forecast, point in points.items():
            measured = measures(purchases(rows, JUDGED), point)
            found.append({"kind": each.kind, "forecast": forecast, **measured, "interval_coverage": coverage})
    return found


def twelve_months(frame: TrainingSet, choice: Choice, *, seed: int) -> list[dict[str, Any]]:
    """The longer horizon at the last snapshot where it is known, by what could be learnt then; no rows where there is none."""
    days = HORIZONS[1]
    known = frame.decided_at[~np.isnan(spent(frame, days))]
    if not len(known):
        return []
    moment = known.max()
    try:
        field = {each.kind: each for each in field_at(frame, moment, choice, seed=seed)}
    except DataError as error:
        return [{"snapshot_date": str(moment)[:10], "note": f"nothing could be fitted then: {error}"}]
    scores = Judged.of(frame, moment, field, days=days, seed=seed).scores()
    return [
        {"kind": name, "snapshot_date": str(moment)[:10], "score": score.name}
        | {"value": score.value, "lower": score.lower, "upper": score.upper}
        for name, own in scores.items()
        for score in own.values()
    ]
