"""Buy-till-you-die models with Gamma-Gamma: how often a customer comes back, times what a purchase is worth."""

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
from shopwright.models.btyd.forecast import count_chances
from shopwright.models.lifetime_value.features import JUDGED, history, purchases
from shopwright.models.lifetime_value.prediction import LEVEL, Parts, Prediction

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from shopwright.models.btyd import Forecast, ParameterMixture, PurchaseModel
    from shopwright.models.training_set import TrainingSet

    Floats = NDArray[np.float64]

FACTORS = ("probability_alive", "purchases_if_alive", "value_per_purchase")
"""The expected value is their product."""
FILE = "repeat_buying.json"
_REACH = 0.9999
_TINY = 1e-300


class EveryPurchase(GammaGamma):
    """Gamma-Gamma on all purchases of a customer, where the literature leaves the first one out.

    Who bought once has shown what they pay too, and in shops where few come back that is nearly all there is to
    rank customers by. That first orders are another sort of order is left to one number for all: ``RepeatBuying.level``.
    """

    __slots__ = ()
    NAME = "gamma_gamma_of_every_purchase"

    @classmethod
    def fit(cls, history: PurchaseHistory, *, penalty: float = 0.0) -> Self:
        """Find the parameters under which the mean values of all purchases are likeliest."""
        counted = PurchaseHistory(
            frequency=history.frequency + 1,
            recency=np.maximum(history.recency, history.age / 2),
            age=history.age,
            value=history.value,
            unit_days=history.unit_days,
        )
        return super().fit(counted, penalty=penalty)

    def posterior(self, history: PurchaseHistory) -> tuple[Floats, Floats]:
        """Shape and rate of each customer's nu; everyone's for who spent nothing, net of returns. (rows,) each."""
        valued = np.nan_to_num(history.value, nan=0.0) > 0
        count = np.where(valued, history.frequency + 1, 0.0)
        return self.q + self.p * count, self.v + count * np.where(valued, history.value, 0.0)


@dataclass(frozen=True, slots=True)
class RepeatBuying:
    """A model of purchase counts and one of their values, both fitted on the histories at one snapshot."""

    model: PurchaseModel
    worth: EveryPurchase
    level: float
    """What a repeat purchase is worth beside what all purchases let expect."""
    typical: Mapping[str, float]
    """Geometric mean of each of ``FACTORS`` over the customers that it was fitted on."""

    @classmethod
    def fit(cls, model: type[PurchaseModel], worth: EveryPurchase, frame: TrainingSet) -> RepeatBuying:
        """Fit a model of counts on the histories of one snapshot; no outcome is looked at.

        Args:
            model: to fit.
            worth: fitted on the same histories.
            frame: customers at the snapshot.

        Raises:
            DataError: too few customers bought again, or the values have no mean.
        """
        given = history(frame)
        expected = worth.expected_value(given)
        if np.isnan(expected).any():
            raise DataError(
                f"the values of purchases vary too much to have a mean (Gamma-Gamma with q = {worth.q:.3g})"
            )
        bare = cls(model.fit(given), worth, _level(frame, expected), dict.fromkeys(FACTORS, 1.0))
        typical = {name: float(np.exp(np.log(part).mean())) for name, part in bare.factors(frame).items()}
        return cls(bare.model, worth, bare.level, typical)

    @property
    def kind(self) -> str:
        """Name of the model of purchase counts."""
        return self.model.NAME

    @property
    def settings(self) -> dict[str, Any]:
        """Parameters of both models, times in weeks."""
        counts = dict(zip(self.model.PARAMETERS, map(float, self.model.parameters), strict=True))
        return {**counts, "p": self.worth.p, "q": self.worth.q, "v": self.worth.v, "level": self.level}

    @property
    def counts(self) -> ParameterMixture:
        """The model of counts, spread over the parameters that its data leave possible."""
        return with_uncertainty(self.model)

    def probability_alive(self, frame: TrainingSet) -> Floats:
        """Chance that each customer will ever come back, (rows,)."""
        return self.counts.probability_alive(history(frame))

    def factors(self, frame: TrainingSet) -> dict[str, Floats]:
        """Each of ``FACTORS`` at the judged horizon, (rows,)."""
        given, counts = history(frame), self.counts
        alive = np.maximum(counts.probability_alive(given), _TINY)
        expected = np.maximum(counts.expected_purchases(given, JUDGED / given.unit_days), _TINY)
        worth = self.worth.expected_value(given) * self.level
        return dict(zip(FACTORS, (alive, expected / alive, worth), strict=True))

    def expected(self, frame: TrainingSet, days: int) -> tuple[Floats, Floats]:
        """Purchases and value in the days from the snapshot on, (rows,) each."""
        given = history(frame)
        count = self.counts.expected_purchases(given, days / given.unit_days)
        return count, count * self.worth.expected_value(given) * self.level

    def predict(self, frame: TrainingSet, days: int) -> Prediction:
        """Purchases, value and its interval in the days from the snapshot on."""
        given = history(frame)
        found = value_distribution(self.counts, self.worth, given, days / given.unit_days, level=LEVEL)
        count, value = self.expected(frame, days)
        return Prediction(count, value, found.lower * self.level, found.upper * self.level)

    def purchase_forecast(self, frame: TrainingSet, days: int) -> Forecast:
        """Purchase counts with the point forecast of least absolute error, and intervals."""
        given = history(frame)
        return forecast(self.counts, given, days / given.unit_days, level=LEVEL)

    def purchase_coverage(self, frame: TrainingSet, days: int) -> float:
        """Share of customers whose actual count lies in its interval, randomised for counts."""
        given = history(frame)
        return interval_coverage(
            self.counts, given, days / given.unit_days, purchases(frame, days), level=LEVEL
        )

    def standing(self, frame: TrainingSet, days: int, actual: Floats) -> tuple[Floats, Floats]:
        """Predicted chance of spending less than the actual value, and of at most that; each (rows,).

        Nothing has the chance of no purchase; a negative amount, when more comes back than is bought, has none.
        """
        given = history(frame)
        horizon = days / given.unit_days
        none = self.counts.purchase_probabilities(given, horizon, 0)[:, 0]
        below, upto = np.zeros(len(none)), np.where(actual == 0, none, 0.0)
        bought = np.flatnonzero(actual > 0)
        if len(bought):
            below[bought] = self._chance_upto(given.only(bought), horizon, actual[bought] / self.level)
            upto[bought] = below[bought]
        return below, upto

    def _chance_upto(self, given: PurchaseHistory, horizon: float, actual: Floats) -> Floats:
        """Predicted chance of spending at most so much; the mixture of ``value_distribution`` at one place each."""
        shape, rate = self.worth.posterior(given)
        mean = self.counts.expected_purchases(given, horizon)
        share = actual / (actual + rate)
        found = np.empty(len(actual))
        for chances in count_chances(self.counts, given, horizon, mean=mean, reach=_REACH):
            rows = chances.rows
            some = np.diff(chances.cumulative, axis=1)
            some[:, -1] += 1 - chances.cumulative[:, -1]
            times = self.worth.p * np.arange(1.0, some.shape[1] + 1)
            table = betainc(times[None, :], shape[rows, None], share[rows, None])
            found[rows] = chances.cumulative[:, 0] + (some * table).sum(axis=1)
        return np.clip(found, 0.0, 1.0)

    def parts(self, frame: TrainingSet) -> Parts:
        """How far each factor is from the typical customer's, in logarithms."""
        found = self.factors(frame)
        values = np.column_stack([found[name] for name in FACTORS])
        typical = np.log([self.typical[name] for name in FACTORS])
        return Parts(FACTORS, np.log(values) - typical, values, float(typical.sum()))

    def reasons(self, frame: TrainingSet) -> tuple[str, ...]:
        """The person's history, and what both models make of it."""
        own = {name: float(values[0]) for name, values in frame.columns.items()}
        alive, often, worth = (float(values[0]) for values in self.factors(frame).values())
        parameters = ", ".join(f"{name} {value:.4g}" for name, value in self.settings.items())
        days = f"recency {own['recency_days']:.0f} of {own['age_days']:.0f} days of age"
        mean = f"the own mean of {own['mean_value']:.2f} over {own['repeat_count'] + 1:.0f}"
        return (
            f"frequency {own['repeat_count']:.0f} repeat purchases, {days}: alive with a chance of {alive:.1%}",
            f"{often:.3g} purchases in {JUDGED} days if alive, so {alive * often:.3g} in all",
            f"a purchase is worth {worth:.2f}, by {mean} and the typical {self.typical['value_per_purchase']:.2f}",
            f"parameters of {self.kind} (in weeks) and Gamma-Gamma: {parameters}",
        )

    def save(self, folder: Path) -> None:
        """As JSON."""
        (folder / FILE).write_text(json.dumps(self.to_dict(), indent=1, allow_nan=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> RepeatBuying:
        """From JSON."""
        return cls.from_dict(json.loads((folder / FILE).read_text(encoding="utf-8")))

    def to_dict(self) -> dict[str, Any]:
        """Values that JSON can hold."""
        return {
            "counts": self.model.to_dict(),
            "values": self.worth.to_dict(),
            "level": self.level,
            "typical": dict(self.typical),
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> RepeatBuying:
        """The inverse of ``to_dict``.

        Raises:
            DataError: the model of counts is of no known kind.
        """
        models = {model.NAME: model for model in PURCHASE_MODELS}
        name = written["counts"]["model"]
        if name not in models:
            raise DataError(
                f"there is no model of purchases '{name}' (there are {', '.join(sorted(models))})"
            )
        counts, worth = models[name].from_dict(written["counts"]), EveryPurchase.from_dict(written["values"])
        return cls(counts, worth, float(written["level"]), written["typical"])


def _level(frame: TrainingSet, expected: Floats) -> float:
    """Value of all repeat purchases over what was to be expected of as many; 1 where they brought nothing."""
    count = frame.columns["repeat_count"]
    came = float(np.nansum(count * frame.columns["mean_repeat_value"]))
    foretold = float(count @ expected)
    return came / foretold if came > 0 and foretold > 0 else 1.0
