"""What every model of purchase counts does alike: fitting, checks, and mixing the living with the gone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np

from shopwright.core.errors import DataError
from shopwright.models.btyd.fitting import FitReport, Maximum, enough_repeat_buyers, maximise
from shopwright.models.btyd.summary import Distinct, by_distinct, distinct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shopwright.models.btyd.fitting import Objective
    from shopwright.models.btyd.summary import Floats, PurchaseHistory

_REHEARSED = 5_000


class Predicts(Protocol):
    """What forecasts are made from: one model, or several whose parameters might be the true ones."""

    @property
    def unit_days(self) -> float:
        """Days in a unit of time of histories and horizons."""

    def probability_alive(self, history: PurchaseHistory) -> Floats:
        """Chance that each customer will ever come back; shape (n_customers,)."""

    def expected_purchases(self, history: PurchaseHistory, horizon: float) -> Floats:
        """Mean number of purchases within the horizon; shape (n_customers,)."""

    def purchase_probabilities(self, history: PurchaseHistory, horizon: float, most: int) -> Floats:
        """Chance of 0, 1, ..., most purchases within the horizon; shape (n_customers, most + 1)."""


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The likelihood of histories at given parameters."""

    value: Floats
    """Log-likelihood; shape (n,)."""
    alive: Floats
    """Chance of being alive at the end of the history; shape (n,)."""
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
        """The likelihood of histories, with its exact gradient."""

    @abstractmethod
    def _alive_mean(self, history: PurchaseHistory, horizon: float) -> Floats:
        """Mean number of purchases of customers that are alive."""

    @abstractmethod
    def _alive_probabilities(self, history: PurchaseHistory, horizon: float, most: int) -> Floats:
        """Chances of purchase counts of customers that are alive."""

    @classmethod
    def fit(cls, history: PurchaseHistory, *, penalty: float = 0.0) -> Self:
        """Find the parameters under which the histories are likeliest.

        Args:
            history: of all customers, also those who never came back.
            penalty: precision of a normal prior on each log parameter, centred at a value of 1 (for times: at
                the mean age); 0 for plain maximum likelihood. Steadies small shops.

        Raises:
            DataError: too few customers bought again.
        """
        enough_repeat_buyers(history)
        if not penalty >= 0:
            raise ValueError(f"a penalty is 0 or more, not {penalty}")
        groups = distinct(history)
        scale = float(history.age.mean())
        found = maximise(
            cls._objective(groups, scale),
            names=cls.PARAMETERS,
            customers=len(history),
            rehearsal=cls._rehearsal(groups, scale),
            penalty=penalty,
        )
        return cls._fitted(found, groups, scale)

    @classmethod
    def _objective(cls, groups: Distinct, scale: float) -> Objective:
        x, t_x, age = groups.history.frequency, groups.history.recency / scale, groups.history.age / scale
        weight = groups.count / groups.count.sum()

        def objective(theta: Floats) -> tuple[float, Floats]:
            found = cls.likelihood(np.exp(theta), x, t_x, age)
            return float(weight @ found.value), weight @ found.slope

        return objective

    @classmethod
    def _rehearsal(cls, groups: Distinct, scale: float) -> Objective | None:
        """Every so many-th history, where there are many: enough to tell which start is best."""
        step = len(groups.count) // _REHEARSED
        if step < 2:
            return None
        kept = np.arange(0, len(groups.count), step)
        return cls._objective(Distinct(groups.history.only(kept), groups.count[kept], kept), scale)

    @classmethod
    def _fitted(cls, found: Maximum, groups: Distinct, scale: float) -> Self:
        scales = np.array([scale if name in cls.TIMES else 1.0 for name in cls.PARAMETERS])
        parameters = np.exp(found.theta) * scales
        data = groups.history
        value = cls.likelihood(parameters, data.frequency, data.recency, data.age).value
        errors = None
        if found.covariance is not None:
            spread = parameters * np.sqrt(np.diag(found.covariance))
            errors = dict(zip(cls.PARAMETERS, map(float, spread), strict=True))
        report = FitReport(
            log_likelihood=float(groups.count @ value),
            customers=int(groups.count.sum()),
            converged=found.converged,
            unit_days=data.unit_days,
            standard_errors=errors,
            covariance=None if found.covariance is None else tuple(map(tuple, found.covariance.tolist())),
            warnings=found.warnings,
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
        """The same model at other parameters."""
        return self._at(parameters, self.report)

    def log_likelihood(self, history: PurchaseHistory) -> Floats:
        """Log-likelihood of each customer's history; shape (n_customers,)."""
        return by_distinct(self._checked(history), lambda each: self._likelihood(each).value)

    def probability_alive(self, history: PurchaseHistory) -> Floats:
        """Chance that each customer will ever come back; shape (n_customers,)."""
        return by_distinct(self._checked(history), lambda each: self._likelihood(each).alive)

    def expected_purchases(self, history: PurchaseHistory, horizon: float) -> Floats:
        """Mean number of purchases within the horizon.

        Args:
            history: of customers, in the unit of the model.
            horizon: time from now on, in units, above 0.

        Raises:
            DataError: the history has another unit of time.
        """
        _check_horizon(horizon)
        return by_distinct(
            self._checked(history),
            lambda each: self._likelihood(each).alive * self._alive_mean(each, horizon),
        )

    def purchase_probabilities(self, history: PurchaseHistory, horizon: float, most: int) -> Floats:
        """Chance of 0, 1, ..., ``most`` purchases within the horizon.

        Returns:
            Shape (n_customers, most + 1). What a row lacks to 1 is the chance of more than ``most``.

        Raises:
            DataError: the history has another unit of time.
            ArithmeticError: the chances of a customer exceed 1; a fault of this code.
        """
        _check_horizon(horizon)
        if most < 0:
            raise ValueError(f"most is a number of purchases, not {most}")
        return by_distinct(self._checked(history), lambda each: self._probabilities(each, horizon, most))

    def _probabilities(self, history: PurchaseHistory, horizon: float, most: int) -> Floats:
        alive = self._likelihood(history).alive
        found = self._alive_probabilities(history, horizon, most) * alive[:, None]
        found[:, 0] += 1 - alive
        if not (found.sum(axis=1) < 1 + 1e-9).all():
            raise ArithmeticError(f"{self.NAME}: chances of purchase counts do not add up to 1: {self}")
        return found

    def _likelihood(self, history: PurchaseHistory) -> Likelihood:
        return self.likelihood(self.parameters, history.frequency, history.recency, history.age)

    def _checked(self, history: PurchaseHistory) -> PurchaseHistory:
        if history.unit_days != self.unit_days:
            raise DataError(
                f"the history counts in units of {history.unit_days:g} days, the model in units of "
                f"{self.unit_days:g}; summarise with unit_days={self.unit_days:g}"
            )
        return history

    def to_dict(self) -> dict[str, Any]:
        """Values that JSON can hold."""
        parameters = dict(zip(self.PARAMETERS, map(float, self.parameters), strict=True))
        return {"model": self.NAME, "parameters": parameters, "report": self.report.to_dict()}

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> Self:
        """The inverse of ``to_dict``.

        Raises:
            DataError: another model was written.
        """
        if written["model"] != cls.NAME:
            raise DataError(f"this is a {written['model']} model, expected {cls.NAME}")
        parameters = (written["parameters"][name] for name in cls.PARAMETERS)
        return cls._at(parameters, FitReport.from_dict(written["report"]))


def _check_horizon(horizon: float) -> None:
    if not (np.isfinite(horizon) and horizon > 0):
        raise ValueError(f"a horizon is a time above 0, not {horizon}")
