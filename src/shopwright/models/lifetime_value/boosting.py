"""Zero-inflated gradient boosting: who buys at all, times how often and for how much who buys does.

Source of the shape: J. G. Cragg, "Some statistical models for limited dependent variables with application to the demand for
durable goods", Econometrica 39, 1971 (the hurdle); the parts are trees by XGBoost or LightGBM.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import DataError
from shopwright.models.classifiers.encoding import Encoder
from shopwright.models.classifiers.predictor import expit
from shopwright.models.lifetime_value.features import HORIZONS, JUDGED, purchases, spent
from shopwright.models.lifetime_value.prediction import LEVEL, Parts, Prediction
from shopwright.models.lifetime_value.trees import LIBRARIES, PARTS, grow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from shopwright.models.lifetime_value.trees import Trees
    from shopwright.models.training_set import TrainingSet

    Floats = NDArray[np.float64]

FILE = "boosting.json"
FEWEST_BUYERS = 200
"""Decisions with a purchase, and as many without, that are needed to learn from."""
_PLACES = np.linspace(0.005, 0.995, 199)


@dataclass(frozen=True, slots=True)
class Hurdle:
    """The three parts for one horizon."""

    buys: Trees
    counts: Trees
    spends: Trees
    ratios: Floats
    """Quantiles (199,) of what buyers spent over what was expected of them, by trees that had not seen them."""

    @classmethod
    def fit(
        cls,
        kind: str,
        matrix: NDArray[np.float32],
        frame: TrainingSet,
        days: int,
        *,
        settings: Mapping[str, Any],
        seed: int,
    ) -> Hurdle:
        """Learn from rows whose outcome is known.

        Args:
            kind: of ``LIBRARIES``.
            matrix: the rows' features, (rows, columns).
            frame: the rows.
            days: the horizon.
            settings: of that kind.
            seed: of the fits.
        """
        count, value = purchases(frame, days), spent(frame, days)
        buyers = count > 0
        own, worth = matrix[buyers], np.maximum(value[buyers], 0.0)
        fitted = {
            name: grow(kind, name, rows, outcome, settings=settings, seed=seed)
            for name, rows, outcome in (
                ("buys", matrix, buyers.astype(np.float64)),
                ("counts", own, count[buyers]),
                ("spends", own, worth),
            )
        }
        ratios = _ratios(kind, own, value[buyers], frame.entity[buyers], settings=settings, seed=seed)
        return cls(**fitted, ratios=np.quantile(ratios, _PLACES))

    def predict(self, matrix: NDArray[np.float32]) -> Prediction:
        """Of each row of a matrix (rows, columns)."""
        chance, worth = self.chance(matrix), self.worth(matrix)
        often = np.exp(self.counts.log_odds(matrix))
        lower, upper = (worth * self._quantile(chance, tail) for tail in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        return Prediction(chance * often, chance * worth, lower, upper)

    def chance(self, matrix: NDArray[np.float32]) -> Floats:
        """Of any purchase, (rows,)."""
        return expit(self.buys.log_odds(matrix))

    def worth(self, matrix: NDArray[np.float32]) -> Floats:
        """Expected value of a buyer, (rows,)."""
        found: Floats = np.exp(self.spends.log_odds(matrix))
        return found

    def standing(self, matrix: NDArray[np.float32], actual: Floats) -> tuple[Floats, Floats]:
        """Predicted chance of less than the actual value, and of at most that."""
        chance, ratio = self.chance(matrix), actual / self.worth(matrix)
        among = np.interp(ratio, self.ratios, _PLACES, left=0.0, right=1.0)
        below = chance * among + np.where(actual > 0, 1 - chance, 0.0)
        return below, np.where(actual == 0, below + 1 - chance, below)

    def _quantile(self, chance: Floats, tail: float) -> Floats:
        """Of spending over what is expected of a buyer: buyers below 0, then nobody's purchase, then buyers above 0."""
        negative = float(np.interp(0.0, self.ratios, _PLACES, left=0.0, right=1.0))
        low = np.interp(tail / chance, _PLACES, self.ratios)
        high = np.interp((tail - (1 - chance)) / chance, _PLACES, self.ratios)
        return np.where(
            tail < chance * negative,
            np.minimum(low, 0.0),
            np.where(tail <= chance * negative + 1 - chance, 0.0, np.maximum(high, 0.0)),
        )

    def parts(self, matrix: NDArray[np.float32]) -> tuple[Floats, Floats, float]:
        """Tree SHAP of both parts on the scale of the log value: of the chance and of the worth, (rows, columns), and the base.

        What the chance's columns add to its log odds is scaled by one positive number a row, so that it adds up to the
        logarithm of the chance.
        """
        odds, worth = self.buys.contributions(matrix), self.spends.contributions(matrix)
        base, added = float(odds[0, -1]), odds[:, :-1].sum(axis=1)
        moved = _log_expit(base + added) - _log_expit(np.full(len(added), base))
        slope = np.divide(
            moved,
            added,
            out=np.full(len(added), 1 - float(expit(np.array(base)))),
            where=np.abs(added) > 1e-9,
        )
        together = float(_log_expit(np.array([base]))[0] + worth[0, -1])
        return odds[:, :-1] * slope[:, None], worth[:, :-1], together

    def save(self, folder: Path, days: int) -> dict[str, Any]:
        """The trees in their own format.

        Returns:
            What JSON can hold.
        """
        for name in PARTS:
            getattr(self, name).write(folder / _file(self.buys.kind, name, days))
        return {"ratios": self.ratios.tolist()}

    @classmethod
    def load(cls, kind: str, folder: Path, days: int, written: Mapping[str, Any]) -> Hurdle:
        """The inverse of ``save``."""
        trees = {name: LIBRARIES[kind].read(folder / _file(kind, name, days)) for name in PARTS}
        return cls(**trees, ratios=np.array(written["ratios"], dtype=np.float64))


@dataclass(frozen=True, slots=True)
class Boosting:
    """Hurdles for the horizons whose outcomes were known often enough."""

    kind: str
    """Of ``LIBRARIES``."""
    encoder: Encoder
    hurdles: Mapping[int, Hurdle]
    settings: dict[str, Any]

    @classmethod
    def fit(
        cls,
        kind: str,
        frame: TrainingSet,
        known: Mapping[int, TrainingSet],
        *,
        settings: Mapping[str, Any],
        seed: int,
    ) -> Boosting:
        """Learn from earlier snapshots.

        Args:
            kind: of ``LIBRARIES``.
            frame: all rows that may be learnt from; they give the features' ranges.
            known: horizon to its rows with a known outcome.
            settings: of that kind.
            seed: of the fits.

        Raises:
            DataError: too few customers bought within the judged horizon, or too few did not.
        """
        encoder = Encoder.fit(frame)
        hurdles = {
            days: Hurdle.fit(kind, encoder.matrix(rows.columns), rows, days, settings=settings, seed=seed)
            for days, rows in known.items()
            if lacks_buyers(rows, days) is None
        }
        if JUDGED not in hurdles:
            raise DataError(f"{kind}: {lacks_buyers(known[JUDGED], JUDGED)}")
        return cls(kind, encoder, hurdles, dict(settings))

    def probability_alive(self, frame: TrainingSet) -> Floats:
        """Not told, (rows,)."""
        return np.full(len(frame), np.nan)

    def expected(self, frame: TrainingSet, days: int) -> tuple[Floats, Floats]:
        """Purchases and value in the days from the snapshot on, (rows,) each."""
        found = self.predict(frame, days)
        return found.purchases, found.value

    def predict(self, frame: TrainingSet, days: int) -> Prediction:
        """Purchases, value and its interval in the days from the snapshot on."""
        if days not in self.hurdles:
            return Prediction.unknown(len(frame))
        return self.hurdles[days].predict(self.encoder.matrix(frame.columns))

    def standing(self, frame: TrainingSet, days: int, actual: Floats) -> tuple[Floats, Floats]:
        """Predicted chance of spending less than the actual value, and of at most that; each (rows,)."""
        return self.hurdles[days].standing(self.encoder.matrix(frame.columns), actual)

    def parts(self, frame: TrainingSet) -> Parts:
        """What each feature adds to the logarithm of the chance of buying, and to that of a buyer's value."""
        buys, spends, base = self.hurdles[JUDGED].parts(self.encoder.matrix(frame.columns))
        names = [feature.name for feature in self.encoder.features]
        both = np.column_stack([self.encoder.by_feature(each) for each in (buys, spends)])
        values = np.column_stack([frame.columns[name] for name in names * 2])
        return Parts(
            tuple(f"{part}: {name}" for part in ("buys", "spends") for name in names), both, values, base
        )

    def reasons(self, frame: TrainingSet) -> tuple[str, ...]:
        """Both parts of the product."""
        matrix, hurdle = self.encoder.matrix(frame.columns), self.hurdles[JUDGED]
        return (
            f"buys anything in {JUDGED} days with a chance of {float(hurdle.chance(matrix)[0]):.1%}",
            f"spends {float(hurdle.worth(matrix)[0]):.2f} then",
        )

    def save(self, folder: Path) -> None:
        """Trees in their own format, the rest as JSON."""
        hurdles = {str(days): hurdle.save(folder, days) for days, hurdle in self.hurdles.items()}
        written = {
            "kind": self.kind,
            "encoder": self.encoder.to_dict(),
            "settings": self.settings,
            "hurdles": hurdles,
        }
        (folder / FILE).write_text(json.dumps(written, indent=1, allow_nan=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Boosting:
        """The inverse of ``save``."""
        written = json.loads((folder / FILE).read_text(encoding="utf-8"))
        kind = written.get("kind", "xgboost")  # what those are that do not say so
        hurdles = {
            int(days): Hurdle.load(kind, folder, int(days), each) for days, each in written["hurdles"].items()
        }
        return cls(kind, Encoder.from_dict(written["encoder"]), hurdles, written["settings"])


def known_at(frame: TrainingSet, moment: np.datetime64) -> dict[int, TrainingSet]:
    """Horizon to the rows whose outcome was known at a moment."""
    return {days: frame.take(frame.decided_at + np.timedelta64(days, "D") <= moment) for days in HORIZONS}


def lacks_buyers(frame: TrainingSet, days: int) -> str | None:
    """Why there is too little to learn from; None where there is enough."""
    bought = int((purchases(frame, days) > 0).sum())
    if min(bought, len(frame) - bought) >= FEWEST_BUYERS:
        paid = int((spent(frame, days) > 0).sum())
        return (
            None
            if paid >= FEWEST_BUYERS
            else f"only {paid:,} purchases within {days} days were worth anything"
        )
    return (
        f"{bought:,} of {len(frame):,} earlier decisions with a known outcome were followed by a purchase within {days} days; "
        f"at least {FEWEST_BUYERS} with and without one are needed to learn from"
    )


def _ratios(
    kind: str,
    matrix: NDArray[np.float32],
    value: Floats,
    entity: NDArray[np.object_],
    *,
    settings: Mapping[str, Any],
    seed: int,
) -> Floats:
    """What buyers spent over what trees expect that learnt from the other half of the customers; (rows,)."""
    number = np.unique(entity.astype(str), return_inverse=True)[1]
    first = np.random.default_rng(seed).random(int(number.max()) + 1)[number] < 0.5
    found = np.empty(len(value))
    for half in (first, ~first):
        worth = np.maximum(value[~half], 0.0)
        learnt = grow(kind, "spends", matrix[~half], worth, settings=settings, seed=seed)
        found[half] = value[half] / np.exp(learnt.log_odds(matrix[half]))
    return found


def _log_expit(log_odds: Floats) -> Floats:
    found: Floats = -np.logaddexp(0.0, -log_odds)
    return found


def _file(kind: str, part: str, days: int) -> str:
    return f"{part}_{days}d{LIBRARIES[kind].suffix}"
