"""Comparison of predictions of spending: scores with intervals, deciles, purchase counts, and the longer horizon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import DataError
from shopwright.evaluation.coverage import coverage_score, pit_histogram
from shopwright.evaluation.scores import Score, amount_scores, paired_difference
from shopwright.evaluation.verdicts import check_gate
from shopwright.models.lifetime_value.baselines import BASELINES
from shopwright.models.lifetime_value.boosting import known_by
from shopwright.models.lifetime_value.btyd_model import BtydModel
from shopwright.models.lifetime_value.candidates import amount_metrics, at_snapshot, fit_candidates
from shopwright.models.lifetime_value.features import future_purchases, future_value
from shopwright.models.protocol import CHAMPION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from shopwright.evaluation.leaks import Finding
    from shopwright.evaluation.scores import Difference
    from shopwright.evaluation.verdicts import Gate
    from shopwright.models.lifetime_value.candidates import Selection
    from shopwright.models.lifetime_value.config import LifetimeValueConfig
    from shopwright.models.lifetime_value.prediction import Candidate
    from shopwright.models.training_set import TrainingSet

    Floats = NDArray[np.float64]

SCORE = "gini"
"""Metric that decides: which customers are worth a campaign is a question of rank. The mean absolute error would favor a model
that predicts 0 for all customers wherever few come back, and one big spender decides the squared error."""
_NO_INTERVAL = "it has no intervals"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Predictions of candidates, champion and baselines for the customers of one snapshot."""

    rows: TrainingSet
    days: int
    """The horizon."""
    config: LifetimeValueConfig
    seed: int
    """Seed of the bootstrap."""
    values: dict[str, Floats]
    """Name to predicted values, (rows,); the evaluated candidate comes first."""
    cdfs: dict[str, tuple[Floats, Floats]]
    """Name to the predictive distribution at the actual values, of candidates with intervals."""

    @classmethod
    def from_candidates(
        cls,
        rows: TrainingSet,
        snapshot: np.datetime64,
        candidates: Mapping[str, Candidate],
        config: LifetimeValueConfig,
        *,
        days: int,
        seed: int,
    ) -> Comparison:
        """Let all candidates and baselines predict a horizon.

        Args:
            rows: customers at all snapshots; baselines use those whose outcome was known at the snapshot.
            snapshot: a snapshot whose outcome is known now.
            candidates: name to candidate, the evaluated one first; those that did not learn the horizon are left out.
            config: horizons, interval level and tolerance.
            days: the horizon.
            seed: seed of the bootstrap.
        """
        customers, training = at_snapshot(rows, snapshot), known_by(rows, snapshot, config)[days]
        predicted = {name: candidate.expected(customers, days)[1] for name, candidate in candidates.items()}
        learned = {name: value for name, value in predicted.items() if not np.isnan(value).any()}
        actual = future_value(customers, days)
        cdfs = {name: candidates[name].predictive_cdf(customers, days, actual) for name in learned}
        baselines = {name: predict(training, customers, days) for name, predict in BASELINES.items()}
        return cls(customers, days, config, seed, learned | baselines, cdfs)

    @property
    def actual(self) -> Floats:
        """Actual net value within the horizon, (rows,), in currency."""
        return future_value(self.rows, self.days)

    def scores(self) -> dict[str, dict[str, Score]]:
        """Return every metric of every name, with intervals."""
        return {
            name: amount_scores(self.actual, value, rng=self._rng())
            | {"interval_coverage": self._coverage(name)}
            for name, value in self.values.items()
        }

    def _coverage(self, name: str) -> Score:
        """Return the share of actual values in the interval; a probability mass counts with its part within."""
        level = self.config.interval_level
        if name not in self.cdfs:
            return Score("interval_coverage", None, None, None, "ideal", _NO_INTERVAL, level)
        below, up_to = self.cdfs[name]
        return coverage_score(below, up_to, interval_level=level, rng=self._rng())

    def baseline_differences(self) -> dict[str, Difference]:
        """Return the difference of the evaluated candidate's score from each baseline's."""
        return {name: self._difference(name) for name in BASELINES}

    def check_gate(
        self, scores: Mapping[str, Score], baselines: Mapping[str, Difference], findings: Sequence[Finding]
    ) -> Gate:
        """Decide whether the evaluated candidate may go live.

        Args:
            scores: the candidate's scores.
            baselines: differences from the baselines.
            findings: findings of the leak audit.
        """
        champion = self._difference(CHAMPION) if CHAMPION in self.values else None
        return check_gate(
            scores[SCORE], champion, baselines, scores["bias"], findings, tolerance=self.config.bias_tolerance
        )

    def deciles(self) -> list[dict[str, Any]]:
        """Return customers by tenths of the prediction, the highest first, with means of predicted and actual values."""
        predicted = self.values[self._evaluated]
        order = np.argsort(-predicted, kind="stable")
        return [
            {
                "decile": index + 1,
                "customers": len(members),
                "mean_predicted": float(predicted[members].mean()),
                "mean_actual": float(self.actual[members].mean()),
                "share_of_actual": _share(self.actual[members].sum(), self.actual.sum()),
            }
            for index, members in enumerate(np.array_split(order, 10))
            if len(members)
        ]

    def cdf_histogram(self) -> list[dict[str, Any]]:
        """Return the histogram of the predictive distribution at actual values: flat if the intervals are right.

        Source: probability integral transform, Dawid (1984), "Statistical theory: the prequential approach".
        """
        if self._evaluated not in self.cdfs:
            return []
        shares = pit_histogram(*self.cdfs[self._evaluated], bins=10)
        return [
            {"from": index / 10, "to": (index + 1) / 10, "share": float(share)}
            for index, share in enumerate(shares)
        ]

    @property
    def _evaluated(self) -> str:
        return next(iter(self.values))

    def _difference(self, other: str) -> Difference:
        values = self.values[self._evaluated]
        return paired_difference(self.actual, values, self.values[other], score=SCORE, rng=self._rng())

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)


def _share(part: float, total: float) -> float | None:
    return float(part / total) if total > 0 else None


def purchase_rows(rows: TrainingSet, candidates: Sequence[Candidate], days: int) -> list[dict[str, Any]]:
    """Return metrics of predicted purchase counts: of each candidate's mean, and of BTYD models' point forecasts."""
    table = []
    for candidate in candidates:
        points = {"mean": candidate.expected(rows, days)[0]}
        coverage = None
        if isinstance(candidate, BtydModel):
            points["common quantile"] = candidate.purchase_forecast(rows, days).point
            coverage = candidate.purchase_coverage(rows, days)
        for forecast, point in points.items():
            metrics = amount_metrics(future_purchases(rows, days), point)
            table.append(
                {"kind": candidate.kind, "forecast": forecast, **metrics, "interval_coverage": coverage}
            )
    return table


def long_horizon_rows(
    rows: TrainingSet, selection: Selection, config: LifetimeValueConfig, *, seed: int
) -> list[dict[str, Any]]:
    """Return scores at the longer horizon, at the last snapshot where it is known; no rows where there is none."""
    days = config.long_horizon_days
    known_dates = rows.decided_at[~np.isnan(future_value(rows, days))]
    if not len(known_dates):
        return []
    snapshot = known_dates.max()
    date = str(snapshot)[:10]
    try:
        candidates = fit_candidates(rows, snapshot, selection, config, seed=seed)
    except DataError as error:
        return [{"snapshot_date": date, "note": f"no model could be fitted at that time. {error}"}]
    by_kind = {candidate.kind: candidate for candidate in candidates}
    comparison = Comparison.from_candidates(rows, snapshot, by_kind, config, days=days, seed=seed)
    return [
        {"kind": name, "snapshot_date": date, "score": score.name}
        | {"value": score.value, "lower": score.lower, "upper": score.upper}
        for name, scores in comparison.scores().items()
        for score in scores.values()
    ]
