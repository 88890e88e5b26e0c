"""Zero-inflated gradient boosting: whether a customer buys at all, times how often and for how much buyers buy.

Source: J. G. Cragg, "Some statistical models for limited dependent variables with application to the demand for
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
from shopwright.models.lifetime_value.features import future_purchases, future_value
from shopwright.models.lifetime_value.prediction import Contributions, Prediction
from shopwright.models.lifetime_value.trees import HURDLE_PARTS, LIBRARIES, fit_part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from shopwright.models.lifetime_value.config import LifetimeValueConfig
    from shopwright.models.lifetime_value.trees import Trees
    from shopwright.models.training_set import TrainingSet

    Floats = NDArray[np.float64]

FILE = "boosting.json"
_PROBABILITIES = np.linspace(0.005, 0.995, 199)


@dataclass(frozen=True, slots=True)
class HurdleModel:
    """The three parts for one horizon."""

    buys: Trees
    counts: Trees
    spends: Trees
    ratios: Floats
    """Quantiles (199,) of buyers' actual over expected spending, by trees fitted on other customers."""

    @classmethod
    def fit(
        cls,
        kind: str,
        matrix: NDArray[np.float32],
        rows: TrainingSet,
        days: int,
        *,
        parameters: Mapping[str, Any],
        seed: int,
    ) -> HurdleModel:
        """Fit all parts on rows whose outcome is known.

        Args:
            kind: key of ``LIBRARIES``.
            matrix: features of the rows, (rows, columns).
            rows: the rows with their outcomes.
            days: the horizon.
            parameters: hyperparameters of the library.
            seed: seed of the fits.
        """
        count, value = future_purchases(rows, days), future_value(rows, days)
        buyers = count > 0
        buyer_matrix, buyer_value = matrix[buyers], np.maximum(value[buyers], 0.0)
        trees = {
            name: fit_part(kind, name, features, outcome, parameters=parameters, seed=seed)
            for name, features, outcome in (
                ("buys", matrix, buyers.astype(np.float64)),
                ("counts", buyer_matrix, count[buyers]),
                ("spends", buyer_matrix, buyer_value),
            )
        }
        ratios = _spending_ratios(
            kind, buyer_matrix, value[buyers], rows.entity[buyers], parameters=parameters, seed=seed
        )
        return cls(**trees, ratios=np.quantile(ratios, _PROBABILITIES))

    def predict(self, matrix: NDArray[np.float32], *, interval_level: float) -> Prediction:
        """Predict purchases and value with its interval for each row of a matrix (rows, columns)."""
        probability, value = self.buy_probability(matrix), self.buyer_value(matrix)
        count = np.exp(self.counts.log_odds(matrix))
        lower, upper = (
            value * self._quantile(probability, tail)
            for tail in ((1 - interval_level) / 2, (1 + interval_level) / 2)
        )
        return Prediction(probability * count, probability * value, lower, upper)

    def buy_probability(self, matrix: NDArray[np.float32]) -> Floats:
        """Return the probability of any purchase, (rows,)."""
        return expit(self.buys.log_odds(matrix))

    def buyer_value(self, matrix: NDArray[np.float32]) -> Floats:
        """Return the expected value of a buyer, (rows,), in currency."""
        value: Floats = np.exp(self.spends.log_odds(matrix))
        return value

    def predictive_cdf(self, matrix: NDArray[np.float32], actual: Floats) -> tuple[Floats, Floats]:
        """Return the predicted probabilities of less than the actual value and of at most that; each (rows,)."""
        probability, ratio = self.buy_probability(matrix), actual / self.buyer_value(matrix)
        among_buyers = np.interp(ratio, self.ratios, _PROBABILITIES, left=0.0, right=1.0)
        below = probability * among_buyers + np.where(actual > 0, 1 - probability, 0.0)
        return below, np.where(actual == 0, below + 1 - probability, below)

    def _quantile(self, probability: Floats, tail: float) -> Floats:
        """Return a quantile of spending over a buyer's expected value, (rows,).

        The distribution has three parts: buyers with a negative value, customers without a purchase (a mass at 0), and
        buyers with a positive value.
        """
        negative = float(np.interp(0.0, self.ratios, _PROBABILITIES, left=0.0, right=1.0))
        low = np.interp(tail / probability, _PROBABILITIES, self.ratios)
        high = np.interp((tail - (1 - probability)) / probability, _PROBABILITIES, self.ratios)
        return np.where(
            tail < probability * negative,
            np.minimum(low, 0.0),
            np.where(tail <= probability * negative + 1 - probability, 0.0, np.maximum(high, 0.0)),
        )

    def contributions(self, matrix: NDArray[np.float32]) -> tuple[Floats, Floats, float]:
        """Return tree SHAP contributions on the scale of the log value.

        Contributions to the log odds of buying are scaled by one positive number per row, so that they add up to the
        logarithm of the probability.

        Returns:
            Contributions to the probability and to a buyer's value, each (rows, columns), and the base.
        """
        odds, value = self.buys.contributions(matrix), self.spends.contributions(matrix)
        base, change = float(odds[0, -1]), odds[:, :-1].sum(axis=1)
        log_change = _log_expit(base + change) - _log_expit(np.full(len(change), base))
        slope = np.divide(
            log_change,
            change,
            out=np.full(len(change), 1 - float(expit(np.array(base)))),
            where=np.abs(change) > 1e-9,
        )
        total_base = float(_log_expit(np.array([base]))[0] + value[0, -1])
        return odds[:, :-1] * slope[:, None], value[:, :-1], total_base

    def save(self, folder: Path, days: int) -> dict[str, Any]:
        """Write the trees in their library's format.

        Returns:
            What else must be stored, as values that JSON can hold.
        """
        for name in HURDLE_PARTS:
            getattr(self, name).write(folder / _file_name(self.buys.kind, name, days))
        return {"ratios": self.ratios.tolist()}

    @classmethod
    def load(cls, kind: str, folder: Path, days: int, data: Mapping[str, Any]) -> HurdleModel:
        """Read the trees that ``save`` wrote.

        Args:
            kind: key of ``LIBRARIES``.
            folder: the folder of the files.
            days: the horizon.
            data: return value of ``save``.
        """
        trees = {name: LIBRARIES[kind].read(folder / _file_name(kind, name, days)) for name in HURDLE_PARTS}
        return cls(**trees, ratios=np.array(data["ratios"], dtype=np.float64))


@dataclass(frozen=True, slots=True)
class BoostingModel:
    """Hurdle models for the horizons with enough known outcomes."""

    config: LifetimeValueConfig
    kind: str
    """Key of ``LIBRARIES``."""
    encoder: Encoder
    hurdles: Mapping[int, HurdleModel]
    """Horizon in days to its model."""
    parameters: dict[str, Any]

    @classmethod
    def fit(
        cls,
        kind: str,
        known_rows: Mapping[int, TrainingSet],
        config: LifetimeValueConfig,
        *,
        parameters: Mapping[str, Any],
        seed: int,
    ) -> BoostingModel:
        """Fit a model on earlier snapshots.

        Args:
            kind: key of ``LIBRARIES``.
            known_rows: horizon in days to the rows whose outcome is known; those of the first horizon give the ranges of features.
            config: horizons, interval level and minimum number of buyers.
            parameters: hyperparameters of the library.
            seed: seed of the fits.

        Raises:
            DataError: too few customers bought within the first horizon, or too few did not.
        """
        encoder = Encoder.fit(known_rows[config.horizon_days])
        hurdles = {
            days: HurdleModel.fit(
                kind, encoder.matrix(rows.columns), rows, days, parameters=parameters, seed=seed
            )
            for days, rows in known_rows.items()
            if too_few_buyers(rows, days, config.min_buyers) is None
        }
        if config.horizon_days not in hurdles:
            reason = too_few_buyers(known_rows[config.horizon_days], config.horizon_days, config.min_buyers)
            raise DataError(f"{kind}: {reason}")
        return cls(config, kind, encoder, hurdles, dict(parameters))

    def probability_alive(self, rows: TrainingSet) -> Floats:
        """Return NaN for all, (rows,): the model has no notion of customers who left."""
        return np.full(len(rows), np.nan)

    def expected(self, rows: TrainingSet, days: int) -> tuple[Floats, Floats]:
        """Return expected purchases and value in the days from the snapshot on, (rows,) each."""
        prediction = self.predict(rows, days)
        return prediction.purchases, prediction.value

    def predict(self, rows: TrainingSet, days: int) -> Prediction:
        """Predict purchases and value with its interval in the days from the snapshot on."""
        if days not in self.hurdles:
            return Prediction.from_unlearned_horizon(len(rows))
        matrix = self.encoder.matrix(rows.columns)
        return self.hurdles[days].predict(matrix, interval_level=self.config.interval_level)

    def predictive_cdf(self, rows: TrainingSet, days: int, actual: Floats) -> tuple[Floats, Floats]:
        """Return the predicted probabilities of spending less than the actual value and of at most that; each (rows,)."""
        return self.hurdles[days].predictive_cdf(self.encoder.matrix(rows.columns), actual)

    def contributions(self, rows: TrainingSet) -> Contributions:
        """Return contributions of each feature to the log probability of buying and to the log value of a buyer."""
        hurdle = self.hurdles[self.config.horizon_days]
        buys, spends, base = hurdle.contributions(self.encoder.matrix(rows.columns))
        names = [feature.name for feature in self.encoder.features]
        contributions = np.column_stack([self.encoder.by_feature(columns) for columns in (buys, spends)])
        values = np.column_stack([rows.columns[name] for name in names * 2])
        labels = tuple(f"{part}: {name}" for part in ("buys", "spends") for name in names)
        return Contributions(labels, contributions, values, base)

    def reasons(self, rows: TrainingSet) -> tuple[str, ...]:
        """Return sentences on both factors of the expected value."""
        days = self.config.horizon_days
        matrix, hurdle = self.encoder.matrix(rows.columns), self.hurdles[days]
        return (
            f"Probability of a purchase in {days} days: {float(hurdle.buy_probability(matrix)[0]):.1%}",
            f"Expected value if they buy: {float(hurdle.buyer_value(matrix)[0]):,.2f}",
        )

    def save(self, folder: Path) -> None:
        """Write trees in their library's format, and the rest as JSON."""
        hurdles = {str(days): hurdle.save(folder, days) for days, hurdle in self.hurdles.items()}
        data = {
            "kind": self.kind,
            "encoder": self.encoder.to_dict(),
            "settings": self.parameters,
            "hurdles": hurdles,
        }
        (folder / FILE).write_text(json.dumps(data, indent=1, allow_nan=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, config: LifetimeValueConfig) -> BoostingModel:
        """Read the files that ``save`` wrote."""
        data = json.loads((folder / FILE).read_text(encoding="utf-8"))
        kind = data.get("kind", "xgboost")  # the earliest artifacts state no kind and are all by XGBoost
        hurdles = {
            int(days): HurdleModel.load(kind, folder, int(days), hurdle)
            for days, hurdle in data["hurdles"].items()
        }
        return cls(config, kind, Encoder.from_dict(data["encoder"]), hurdles, data["settings"])


def known_by(
    rows: TrainingSet, timestamp: np.datetime64, config: LifetimeValueConfig
) -> dict[int, TrainingSet]:
    """Return each horizon, in days, with the rows whose outcome was known at a timestamp."""
    return {
        days: rows.take(rows.decided_at + np.timedelta64(days, "D") <= timestamp) for days in config.horizons
    }


def too_few_buyers(rows: TrainingSet, days: int, min_buyers: int) -> str | None:
    """Return why there are too few rows to learn from; None where there are enough.

    Args:
        rows: training rows.
        days: the horizon.
        min_buyers: minimum number of rows with a purchase, and of those without one.
    """
    bought = int((future_purchases(rows, days) > 0).sum())
    if min(bought, len(rows) - bought) < min_buyers:
        return (
            f"{bought:,} of {len(rows):,} earlier decisions with a known outcome were followed by a purchase within {days} days, "
            f"and at least {min_buyers} with and {min_buyers} without one are needed"
        )
    paid = int((future_value(rows, days) > 0).sum())
    if paid < min_buyers:
        return f"only {paid:,} decisions were followed by a purchase of positive value within {days} days"
    return None


def _spending_ratios(
    kind: str,
    matrix: NDArray[np.float32],
    value: Floats,
    entity: NDArray[np.object_],
    *,
    parameters: Mapping[str, Any],
    seed: int,
) -> Floats:
    """Return buyers' actual over expected spending, (rows,), by trees fitted on the other half of the customers."""
    number = np.unique(entity.astype(str), return_inverse=True)[1]
    first = np.random.default_rng(seed).random(int(number.max()) + 1)[number] < 0.5
    ratios = np.empty(len(value))
    for half in (first, ~first):
        training_value = np.maximum(value[~half], 0.0)
        trees = fit_part(kind, "spends", matrix[~half], training_value, parameters=parameters, seed=seed)
        ratios[half] = value[half] / np.exp(trees.log_odds(matrix[half]))
    return ratios


def _log_expit(log_odds: Floats) -> Floats:
    log_probability: Floats = -np.logaddexp(0.0, -log_odds)
    return log_probability


def _file_name(kind: str, part: str, days: int) -> str:
    return f"{part}_{days}d{LIBRARIES[kind].suffix}"
