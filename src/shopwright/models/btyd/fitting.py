"""Maximum likelihood over positive parameters, and what is told about how it went."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize

from shopwright.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from shopwright.models.btyd.summary import Floats, PurchaseHistory

    Objective = Callable[[Floats], tuple[float, Floats]]
    """From log parameters to the mean log-likelihood of a customer and its gradient."""

FEWEST_REPEAT_BUYERS = 20
LOWEST, HIGHEST = -8.0, 8.0
"""Bounds of the log parameters (about 1/3000 and 3000), times measured in mean ages."""
_STARTS = ((0.0, 0.0, 0.0, 0.0), (-1.5, -1.5, -0.5, 0.5), (1.0, 1.0, -1.5, 1.0))
_STEP = 1e-4
_FLAT = 1e-5


@dataclass(frozen=True, slots=True)
class FitReport:
    """How the parameters of a model were found."""

    log_likelihood: float
    """Of all customers, without the penalty."""
    customers: int
    converged: bool
    unit_days: float
    """Days in a unit of the model's times."""
    standard_errors: Mapping[str, float] | None = None
    """Of each parameter; None where the likelihood has no inner maximum."""
    covariance: tuple[tuple[float, ...], ...] | None = None
    """Of the log parameters, in the model's order."""
    warnings: tuple[str, ...] = field(default=())
    """What makes the parameters doubtful, in words."""

    def to_dict(self) -> dict[str, Any]:
        """Values that JSON can hold."""
        return {
            "log_likelihood": self.log_likelihood,
            "customers": self.customers,
            "converged": self.converged,
            "unit_days": self.unit_days,
            "standard_errors": None if self.standard_errors is None else dict(self.standard_errors),
            "covariance": None if self.covariance is None else [list(row) for row in self.covariance],
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> FitReport:
        """The inverse of ``to_dict``."""
        covariance = written["covariance"]
        return cls(
            **{
                **written,
                "covariance": None if covariance is None else tuple(tuple(row) for row in covariance),
                "warnings": tuple(written["warnings"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where the likelihood is highest, in log parameters."""

    theta: Floats
    converged: bool
    covariance: Floats | None
    warnings: tuple[str, ...]


def enough_repeat_buyers(history: PurchaseHistory) -> None:
    """Refuse data that say nothing about how often customers come back.

    Raises:
        DataError: fewer than ``FEWEST_REPEAT_BUYERS`` customers have a repeat purchase.
    """
    if history.repeat_buyers < FEWEST_REPEAT_BUYERS:
        raise DataError(
            f"{history.repeat_buyers} of {len(history)} customers bought again, expected "
            f"{FEWEST_REPEAT_BUYERS} or more; look at a longer time or at more customers"
        )


def maximise(
    objective: Objective,
    *,
    names: tuple[str, ...],
    customers: int,
    rehearsal: Objective | None = None,
    penalty: float = 0.0,
) -> Maximum:
    """Climb from several starts and keep the best.

    Args:
        objective: mean log-likelihood and its gradient.
        names: of the parameters, for warnings.
        customers: behind the mean; scales the covariance.
        rehearsal: the same over fewer customers, to choose the start cheaply.
        penalty: precision of a normal prior on each log parameter, centred at 0; 0 for none. A penalty of 1
            weighs as much as saying that a parameter is likely within a factor of e of 1.

    Raises:
        DataError: the likelihood cannot be computed at any start.
    """
    weight = penalty / customers
    tried = [_climb(rehearsal or objective, np.array(start[: len(names)]), weight) for start in _STARTS]
    usable = [each for each in tried if np.isfinite(each.fun)]
    if not usable:
        raise DataError("the likelihood of these histories is not a number; look for extreme ages or counts")
    best = min(usable, key=lambda each: float(each.fun))
    if rehearsal is not None:
        best = _climb(objective, best.x, weight)
    theta = np.asarray(best.x, dtype=np.float64)
    at_bound = np.isclose(theta, LOWEST, atol=1e-3) | np.isclose(theta, HIGHEST, atol=1e-3)
    slope = _penalised(objective, weight)(theta)[1]
    converged = bool(np.abs(slope[~at_bound]).max(initial=0.0) < _FLAT)
    covariance = None if at_bound.any() else _covariance(objective, theta, weight, customers)
    return Maximum(
        theta, converged, covariance, _warnings(names, covariance, at_bound=at_bound, converged=converged)
    )


def _penalised(objective: Objective, weight: float) -> Objective:
    def negative(theta: Floats) -> tuple[float, Floats]:
        value, slope = objective(theta)
        return -value + weight * float(theta @ theta) / 2, -slope + weight * theta

    return negative


def _climb(objective: Objective, start: Floats, weight: float) -> Any:
    return minimize(
        _penalised(objective, weight),
        start,
        method="L-BFGS-B",
        jac=True,
        bounds=[(LOWEST, HIGHEST)] * len(start),
        options={"ftol": 1e-13, "gtol": 1e-7, "maxiter": 500},
    )


def _covariance(objective: Objective, theta: Floats, weight: float, customers: int) -> Floats | None:
    """Inverse of the negative Hessian, by central differences of the exact gradient."""
    slope = _penalised(objective, weight)
    steps = _STEP * np.eye(len(theta))
    rows = [(slope(theta + step)[1] - slope(theta - step)[1]) / (2 * _STEP) for step in steps]
    hessian = customers * (np.array(rows) + np.array(rows).T) / 2
    if not np.isfinite(hessian).all() or np.linalg.eigvalsh(hessian).min() <= 1e-9 * np.abs(hessian).max():
        return None
    return np.asarray(np.linalg.inv(hessian), dtype=np.float64)


def _warnings(
    names: tuple[str, ...], covariance: Floats | None, *, at_bound: NDArray[np.bool_], converged: bool
) -> tuple[str, ...]:
    found = [
        f"{name} ended at its bound: these customers do not tell it, and a penalty or a simpler model would help"
        for name, bound in zip(names, at_bound, strict=True)
        if bound
    ]
    if not converged:
        found.append("the search stopped before the top: treat the parameters as a guess")
    if covariance is None and not found:
        found.append("the likelihood is flat at its top: parameters have no standard errors")
    return tuple(found)
