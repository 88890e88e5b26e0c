"""BTYD candidates: how often a customer comes back, times what a purchase is worth (Gamma-Gamma)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.special import betainc

from shopwright.core.errors import DataError
from shopwright.models.btyd import (
    PURCHASE_MODELS,
    GammaGamma,
    PurchaseHistory,
    forecast,
    interval_coverage,
    value_distribution,
    with_uncertainty,
)
from shopwright.models.btyd.forecast import count_distributions
from shopwright.models.lifetime_value.features import future_purchases, purchase_history
from shopwright.models.lifetime_value.prediction import Contributions, Prediction

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from shopwright.models.btyd import Forecast, ParameterMixture, PurchaseModel
    from shopwright.models.lifetime_value.config import LifetimeValueConfig
    from shopwright.models.training_set import TrainingSet

    Floats = NDArray[np.float64]

FACTORS = ("probability_alive", "purchases_if_alive", "value_per_purchase")
"""Factors whose product is the expected value."""
FILE = "repeat_buying.json"
_REACH = 0.9999
_TINY = 1e-300


class AllPurchasesGammaGamma(GammaGamma):
    """Gamma-Gamma on all purchases of a customer, where the literature leaves the first one out.

    A customer who bought once has shown what they pay, and in shops where few come back, there is little else to rank
    customers by. That first orders differ from later ones is left to one number for all customers:
    ``BtydModel.repeat_value_ratio``.
    """

    __slots__ = ()
    NAME = "gamma_gamma_of_every_purchase"

    @classmethod
    def fit(cls, history: PurchaseHistory, *, penalty: float = 0.0) -> Self:
        """Fit the parameters to the mean values of all purchases by maximum likelihood."""
        all_purchases = PurchaseHistory(
            frequency=history.frequency + 1,
            # Purchases count from 1 here, so recency must be above 0 for all; the value model does not use it.
            recency=np.maximum(history.recency, history.age / 2),
            age=history.age,
            value=history.value,
            unit_days=history.unit_days,
        )
        return super().fit(all_purchases, penalty=penalty)

    def posterior(self, history: PurchaseHistory) -> tuple[Floats, Floats]:
        """Return shape and rate of each customer's nu, (rows,) each; the prior without a positive net value."""
        valued = np.nan_to_num(history.value, nan=0.0) > 0
        count = np.where(valued, history.frequency + 1, 0.0)
        return self.q + self.p * count, self.v + count * np.where(valued, history.value, 0.0)


@dataclass(frozen=True, slots=True)
class BtydModel:
    """A model of purchase counts and one of purchase values, both fitted on the histories at one snapshot."""

    config: LifetimeValueConfig
    model: PurchaseModel
    value_model: AllPurchasesGammaGamma
    repeat_value_ratio: float
    """Actual value of repeat purchases over the value that all purchases lead to expect."""
    typical: Mapping[str, float]
    """Geometric mean of each of ``FACTORS`` over the customers that the model was fitted on."""

    @classmethod
    def fit(
        cls,
        model: type[PurchaseModel],
        value_model: AllPurchasesGammaGamma,
        rows: TrainingSet,
        config: LifetimeValueConfig,
    ) -> BtydModel:
        """Fit a model of counts on the histories of one snapshot; outcomes are not used.

        Args:
            model: kind of model to fit.
            value_model: fitted on the same histories.
            rows: customers at the snapshot.
            config: horizons and interval level.

        Raises:
            DataError: too few customers bought again, or the values have no mean.
        """
        history = purchase_history(rows)
        expected = value_model.expected_value(history)
        if np.isnan(expected).any():
            raise DataError(
                f"The values of purchases vary too much to have a mean (Gamma-Gamma with q = {value_model.q:.3g})"
            )
        ratio = _repeat_value_ratio(rows, expected)
        unscaled = cls(config, model.fit(history), value_model, ratio, dict.fromkeys(FACTORS, 1.0))
        typical = {
            name: float(np.exp(np.log(factor).mean())) for name, factor in unscaled.factors(rows).items()
        }
        return cls(config, unscaled.model, value_model, ratio, typical)

    @property
    def kind(self) -> str:
        """Name of the model of purchase counts."""
        return self.model.NAME

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of both models, times in weeks."""
        counts = dict(zip(self.model.PARAMETERS, map(float, self.model.parameters), strict=True))
        values = {"p": self.value_model.p, "q": self.value_model.q, "v": self.value_model.v}
        return {**counts, **values, "repeat_value_ratio": self.repeat_value_ratio}

    @property
    def counts(self) -> ParameterMixture:
        """The model of counts, spread over the parameters that its data leave plausible."""
        return with_uncertainty(self.model)

    def probability_alive(self, rows: TrainingSet) -> Floats:
        """Return the probability that each customer will ever come back, (rows,)."""
        return self.counts.probability_alive(purchase_history(rows))

    def factors(self, rows: TrainingSet) -> dict[str, Floats]:
        """Return each of ``FACTORS`` at the first horizon, (rows,)."""
        history, counts = purchase_history(rows), self.counts
        horizon = self.config.horizon_days / history.unit_days
        alive = np.maximum(counts.probability_alive(history), _TINY)
        expected = np.maximum(counts.expected_purchases(history, horizon), _TINY)
        value = self.value_model.expected_value(history) * self.repeat_value_ratio
        return dict(zip(FACTORS, (alive, expected / alive, value), strict=True))

    def expected(self, rows: TrainingSet, days: int) -> tuple[Floats, Floats]:
        """Return expected purchases and value in the days from the snapshot on, (rows,) each."""
        history = purchase_history(rows)
        count = self.counts.expected_purchases(history, days / history.unit_days)
        return count, count * self.value_model.expected_value(history) * self.repeat_value_ratio

    def predict(self, rows: TrainingSet, days: int) -> Prediction:
        """Predict purchases and value with its interval in the days from the snapshot on."""
        history = purchase_history(rows)
        interval = value_distribution(
            self.counts,
            self.value_model,
            history,
            days / history.unit_days,
            level=self.config.interval_level,
        )
        count, value = self.expected(rows, days)
        ratio = self.repeat_value_ratio
        return Prediction(count, value, interval.lower * ratio, interval.upper * ratio)

    def purchase_forecast(self, rows: TrainingSet, days: int) -> Forecast:
        """Forecast purchase counts, with the point forecast of least absolute error and intervals."""
        history = purchase_history(rows)
        return forecast(self.counts, history, days / history.unit_days, level=self.config.interval_level)

    def purchase_coverage(self, rows: TrainingSet, days: int) -> float:
        """Return the share of customers whose actual count is in its interval, randomised for counts."""
        history = purchase_history(rows)
        return interval_coverage(
            self.counts,
            history,
            days / history.unit_days,
            future_purchases(rows, days),
            level=self.config.interval_level,
        )

    def predictive_cdf(self, rows: TrainingSet, days: int, actual: Floats) -> tuple[Floats, Floats]:
        """Return the predicted probabilities of spending less than the actual value and of at most that; each (rows,).

        A value of 0 has the probability of no purchase. A negative value (more returned than bought) has probability 0.
        """
        history = purchase_history(rows)
        horizon = days / history.unit_days
        no_purchase = self.counts.purchase_probabilities(history, horizon, 0)[:, 0]
        below, up_to = np.zeros(len(no_purchase)), np.where(actual == 0, no_purchase, 0.0)
        bought = np.flatnonzero(actual > 0)
        if len(bought):
            values = actual[bought] / self.repeat_value_ratio
            below[bought] = self._cumulative_probability(history.take(bought), horizon, values)
            up_to[bought] = below[bought]
        return below, up_to

    def _cumulative_probability(self, history: PurchaseHistory, horizon: float, values: Floats) -> Floats:
        """Return the predicted probability of spending at most each value: the mixture of ``value_distribution``."""
        shape, rate = self.value_model.posterior(history)
        mean = self.counts.expected_purchases(history, horizon)
        share = values / (values + rate)
        probability = np.empty(len(values))
        for batch in count_distributions(self.counts, history, horizon, mean=mean, reach=_REACH):
            rows = batch.rows
            by_count = np.diff(batch.cumulative, axis=1)
            by_count[:, -1] += 1 - batch.cumulative[:, -1]
            shapes = self.value_model.p * np.arange(1.0, by_count.shape[1] + 1)
            table = betainc(shapes[None, :], shape[rows, None], share[rows, None])
            probability[rows] = batch.cumulative[:, 0] + (by_count * table).sum(axis=1)
        return np.clip(probability, 0.0, 1.0)

    def contributions(self, rows: TrainingSet) -> Contributions:
        """Return how far each factor is from the typical customer's, in logarithms."""
        factors = self.factors(rows)
        values = np.column_stack([factors[name] for name in FACTORS])
        typical = np.log([self.typical[name] for name in FACTORS])
        return Contributions(FACTORS, np.log(values) - typical, values, float(typical.sum()))

    def reasons(self, rows: TrainingSet) -> tuple[str, ...]:
        """Return sentences on the customer's history and the predictions of both models."""
        features = {name: float(values[0]) for name, values in rows.columns.items()}
        alive, count, value = (float(values[0]) for values in self.factors(rows).values())
        parameters = ", ".join(f"{name} {number:.4g}" for name, number in self.parameters.items())
        days = f"recency {features['recency_days']:.0f} of {features['age_days']:.0f} days of age"
        mean = f"their mean of {features['mean_value']:.2f} over {features['repeat_count'] + 1:.0f} purchases"
        typical = f"the typical {self.typical['value_per_purchase']:.2f}"
        return (
            f"Frequency: {features['repeat_count']:.0f} repeat purchases, {days}. Probability of being alive: {alive:.1%}",
            f"{count:.3g} purchases in {self.config.horizon_days} days if alive, so {alive * count:.3g} expected",
            f"Value per purchase: {value:.2f}, from {mean} and {typical}",
            f"Parameters of {self.kind} (in weeks) and Gamma-Gamma: {parameters}",
        )

    def save(self, folder: Path) -> None:
        """Write the model as JSON."""
        (folder / FILE).write_text(json.dumps(self.to_dict(), indent=1, allow_nan=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, config: LifetimeValueConfig) -> BtydModel:
        """Read a model from JSON."""
        return cls.from_dict(json.loads((folder / FILE).read_text(encoding="utf-8")), config)

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted models as values that JSON can hold."""
        return {
            "counts": self.model.to_dict(),
            "values": self.value_model.to_dict(),
            "repeat_value_ratio": self.repeat_value_ratio,
            "typical": dict(self.typical),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], config: LifetimeValueConfig) -> BtydModel:
        """Restore a model from ``to_dict``.

        Raises:
            DataError: the kind of the model of counts is unknown.
        """
        models = {model.NAME: model for model in PURCHASE_MODELS}
        name = data["counts"]["model"]
        if name not in models:
            raise DataError(
                f"Unknown model of purchase counts '{name}', expected one of {', '.join(sorted(models))}"
            )
        counts = models[name].from_dict(data["counts"])
        values = AllPurchasesGammaGamma.from_dict(data["values"])
        ratio = (
            data["repeat_value_ratio"] if "repeat_value_ratio" in data else data["level"]
        )  # its earlier name
        return cls(config, counts, values, float(ratio), data["typical"])


def _repeat_value_ratio(rows: TrainingSet, expected: Floats) -> float:
    """Return the value of all repeat purchases over the expected value of as many; 1 where they brought nothing."""
    count = rows.columns["repeat_count"]
    actual_total = float(np.nansum(count * rows.columns["mean_repeat_value"]))
    expected_total = float(count @ expected)
    return actual_total / expected_total if actual_total > 0 and expected_total > 0 else 1.0
