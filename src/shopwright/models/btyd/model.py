"""The shared part of all models of purchase counts: fitting, checks, and mixing customers who are alive with those who left."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np

from shopwright.core.errors import DataError
from shopwright.models.btyd.fitting import FitReport, Maximum, check_repeat_buyers, maximise
from shopwright.models.btyd.summary import DistinctHistories, group_histories, map_distinct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shopwright.models.btyd.fitting import Objective
    from shopwright.models.btyd.summary import Floats, PurchaseHistory

_SUBSAMPLE_SIZE = 5_000
"""Approximate number of histories on which starts of the fit are compared."""


class PurchaseForecaster(Protocol):
    """Anything that forecasts purchases: one model, or a mixture of models with plausible parameters."""

    @property
    def unit_days(self) -> float:
        """Days in a unit of time of histories and horizons."""

    def probability_alive(self, history: PurchaseHistory) -> Floats:
        """Return the probability that each customer will ever come back; shape (n_customers,)."""

    def expected_purchases(self, history: PurchaseHistory, horizon: float) -> Floats:
        """Return the mean number of purchases within the horizon; shape (n_customers,)."""

    def purchase_probabilities(self, history: PurchaseHistory, horizon: float, max_count: int) -> Floats:
        """Return the probabilities of 0, 1, ..., ``max_count`` purchases; shape (n_customers, max_count + 1)."""


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The likelihood of histories at given parameters."""

    value: Floats
    """Log-likelihood; shape (n,)."""
    alive: Floats
    """Probability of being alive at the end of the history; shape (n,)."""
    slope: Floats
    """Derivatives of the value by the log parameters; shape (n, n_parameters)."""


class PurchaseModel(ABC):
    """A fitted model of how many purchases a customer will make.

    Subclasses are frozen dataclasses of their parameters and a ``report``.
    """

    __slots__ = ()
    NAME: ClassVar[str]
    PARAMETERS: ClassVar[tuple[str, ...]]
    """Field names, in the order of log parameters."""
    TIMES: ClassVar[tuple[str, ...]]
    """Parameters that are lengths of time."""
    report: FitReport

    @staticmethod
    @abstractmethod
    def likelihood(parameters: Floats, frequency: Floats, recency: Floats, age: Floats) -> Likelihood:
        """Return the likelihood of histories, with its exact gradient."""

    @abstractmethod
    def _alive_mean(self, history: PurchaseHistory, horizon: float) -> Floats:
        """Return the mean number of purchases of customers who are alive."""

    @abstractmethod
    def _alive_probabilities(self, history: PurchaseHistory, horizon: float, max_count: int) -> Floats:
        """Return the probabilities of purchase counts of customers who are alive."""

    @classmethod
    def fit(cls, history: PurchaseHistory, *, penalty: float = 0.0) -> Self:
        """Fit the parameters by maximum likelihood.

        Args:
            history: of all customers, also those who never came back.
            penalty: precision of a normal prior on each log parameter, centred at a value of 1 (for times: at
                the mean age); 0 for plain maximum likelihood. Steadies small shops.

        Raises:
            DataError: too few customers bought again.
        """
        check_repeat_buyers(history)
        if not penalty >= 0:
            raise ValueError(f"penalty must be 0 or more, not {penalty}")
        groups = group_histories(history)
        scale = float(history.age.mean())
        maximum = maximise(
            cls._objective(groups, scale),
            names=cls.PARAMETERS,
            customers=len(history),
            subsample=cls._subsample(groups, scale),
            penalty=penalty,
        )
        return cls._fitted(maximum, groups, scale)

    @classmethod
    def _objective(cls, groups: DistinctHistories, scale: float) -> Objective:
        x, t_x, age = groups.history.frequency, groups.history.recency / scale, groups.history.age / scale
        weight = groups.count / groups.count.sum()

        def objective(theta: Floats) -> tuple[float, Floats]:
            likelihood = cls.likelihood(np.exp(theta), x, t_x, age)
            return float(weight @ likelihood.value), weight @ likelihood.slope

        return objective

    @classmethod
    def _subsample(cls, groups: DistinctHistories, scale: float) -> Objective | None:
        """Return the objective over every n-th history, if there are many: enough to find the best start."""
        step = len(groups.count) // _SUBSAMPLE_SIZE
        if step < 2:
            return None
        rows = np.arange(0, len(groups.count), step)
        return cls._objective(DistinctHistories(groups.history.take(rows), groups.count[rows], rows), scale)

    @classmethod
    def _fitted(cls, maximum: Maximum, groups: DistinctHistories, scale: float) -> Self:
        scales = np.array([scale if name in cls.TIMES else 1.0 for name in cls.PARAMETERS])
        parameters = np.exp(maximum.theta) * scales
        data = groups.history
        value = cls.likelihood(parameters, data.frequency, data.recency, data.age).value
        errors = None
        if maximum.covariance is not None:
            spread = parameters * np.sqrt(np.diag(maximum.covariance))
            errors = dict(zip(cls.PARAMETERS, map(float, spread), strict=True))
        report = FitReport(
            log_likelihood=float(groups.count @ value),
            customers=int(groups.count.sum()),
            converged=maximum.converged,
            unit_days=data.unit_days,
            standard_errors=errors,
            covariance=None if maximum.covariance is None else tuple(map(tuple, maximum.covariance.tolist())),
            warnings=maximum.warnings,
        )
        return cls._at(parameters, report)

    @classmethod
    def _at(cls, parameters: Iterable[float], report: FitReport) -> Self:
        make: Callable[..., Self] = cls
        return make(**dict(zip(cls.PARAMETERS, map(float, parameters), strict=True)), report=report)

    @property
    def unit_days(self) -> float:
        """Days in a unit of time of histories and horizons."""
        return self.report.unit_days

    @property
    def parameters(self) -> Floats:
        """The parameters, in the order of ``PARAMETERS``."""
        return np.array([getattr(self, name) for name in self.PARAMETERS])

    def with_parameters(self, parameters: Floats) -> Self:
        """Return the same model with other parameters."""
        return self._at(parameters, self.report)

    def log_likelihood(self, history: PurchaseHistory) -> Floats:
        """Return the log-likelihood of each customer's history; shape (n_customers,)."""
        return map_distinct(self._checked(history), lambda group: self._likelihood(group).value)

    def probability_alive(self, history: PurchaseHistory) -> Floats:
        """Return the probability that each customer will ever come back; shape (n_customers,)."""
        return map_distinct(self._checked(history), lambda group: self._likelihood(group).alive)

    def expected_purchases(self, history: PurchaseHistory, horizon: float) -> Floats:
        """Return the mean number of purchases within the horizon.

        Args:
            history: of customers, in the unit of the model.
            horizon: time from the end of the history on, in units, above 0.

        Raises:
            DataError: the history has another unit of time.
        """
        _check_horizon(horizon)
        return map_distinct(
            self._checked(history),
            lambda group: self._likelihood(group).alive * self._alive_mean(group, horizon),
        )

    def purchase_probabilities(self, history: PurchaseHistory, horizon: float, max_count: int) -> Floats:
        """Return the probabilities of 0, 1, ..., ``max_count`` purchases within the horizon.

        Returns:
            Shape (n_customers, max_count + 1). What is missing to a row sum of 1 is the probability of more than
            ``max_count``.

        Raises:
            DataError: the history has another unit of time.
            ArithmeticError: the probabilities of a customer add up to more than 1, a bug in this code.
        """
        _check_horizon(horizon)
        if max_count < 0:
            raise ValueError(f"max_count must be 0 or more, not {max_count}")
        return map_distinct(
            self._checked(history), lambda group: self._probabilities(group, horizon, max_count)
        )

    def _probabilities(self, history: PurchaseHistory, horizon: float, max_count: int) -> Floats:
        alive = self._likelihood(history).alive
        probabilities = self._alive_probabilities(history, horizon, max_count) * alive[:, None]
        probabilities[:, 0] += 1 - alive
        if not (probabilities.sum(axis=1) < 1 + 1e-9).all():
            raise ArithmeticError(f"{self.NAME}: probabilities of purchase counts do not add up to 1: {self}")
        return probabilities

    def _likelihood(self, history: PurchaseHistory) -> Likelihood:
        return self.likelihood(self.parameters, history.frequency, history.recency, history.age)

    def _checked(self, history: PurchaseHistory) -> PurchaseHistory:
        if history.unit_days != self.unit_days:
            raise DataError(
                f"The history is in units of {history.unit_days:g} days, the model in units of "
                f"{self.unit_days:g} days. Pass unit_days={self.unit_days:g} to summarise()"
            )
        return history

    def to_dict(self) -> dict[str, Any]:
        """Return the model as values that JSON can hold."""
        parameters = dict(zip(self.PARAMETERS, map(float, self.parameters), strict=True))
        return {"model": self.NAME, "parameters": parameters, "report": self.report.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore a model from ``to_dict``.

        Raises:
            DataError: the values are those of another kind of model.
        """
        if data["model"] != cls.NAME:
            raise DataError(f"Found a {data['model']} model, expected {cls.NAME}")
        parameters = (data["parameters"][name] for name in cls.PARAMETERS)
        return cls._at(parameters, FitReport.from_dict(data["report"]))


def _check_horizon(horizon: float) -> None:
    if not (np.isfinite(horizon) and horizon > 0):
        raise ValueError(f"horizon must be above 0, not {horizon}")
