"""Maximum likelihood over positive parameters, with a report on the fit."""

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

MIN_REPEAT_BUYERS = 20
"""Minimum number of customers with a repeat purchase to fit a model."""
MIN_LOG, MAX_LOG = -8.0, 8.0
"""Bounds of the log parameters (about 1/3000 and 3000), times measured in mean ages."""
# Log parameters: all at 1; few frequent buyers among many rare ones; frequent buyers who rarely leave.
_STARTS = ((0.0, 0.0, 0.0, 0.0), (-1.5, -1.5, -0.5, 0.5), (1.0, 1.0, -1.5, 1.0))
_STEP = 1e-4
"""Step of the central differences, in log parameters."""
_FLAT = 1e-5
"""Slope of the mean log-likelihood below which a fit counts as converged."""


@dataclass(frozen=True, slots=True)
class FitReport:
    """How a fit went."""

    log_likelihood: float
    """Of all customers, without the penalty."""
    customers: int
    converged: bool
    unit_days: float
    """Days in a unit of the model's times."""
    standard_errors: Mapping[str, float] | None = None
    """Standard error of each parameter; None where the likelihood has no inner maximum."""
    covariance: tuple[tuple[float, ...], ...] | None = None
    """Covariance of the log parameters, in the model's order."""
    warnings: tuple[str, ...] = field(default=())
    """Reasons to doubt the parameters, one sentence each."""

    def to_dict(self) -> dict[str, Any]:
        """Return the report as values that JSON can hold."""
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
    def from_dict(cls, data: Mapping[str, Any]) -> FitReport:
        """Restore a report from ``to_dict``."""
        covariance = data["covariance"]
        return cls(
            **{
                **data,
                "covariance": None if covariance is None else tuple(tuple(row) for row in covariance),
                "warnings": tuple(data["warnings"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Maximum:
    """The maximum of a likelihood, in log parameters."""

    theta: Floats
    converged: bool
    covariance: Floats | None
    warnings: tuple[str, ...]


def check_repeat_buyers(history: PurchaseHistory) -> None:
    """Check that enough customers bought again to learn how often they do.

    Raises:
        DataError: fewer than ``MIN_REPEAT_BUYERS`` customers have a repeat purchase.
    """
    if history.repeat_buyers < MIN_REPEAT_BUYERS:
        raise DataError(
            f"{history.repeat_buyers} of {len(history)} customers bought again, expected "
            f"{MIN_REPEAT_BUYERS} or more. Use a longer period or more customers"
        )


def maximise(
    objective: Objective,
    *,
    names: tuple[str, ...],
    customers: int,
    subsample: Objective | None = None,
    penalty: float = 0.0,
) -> Maximum:
    """Maximise a likelihood from several starts and return the best maximum.

    Args:
        objective: mean log-likelihood and its gradient.
        names: names of the parameters, for warnings.
        customers: number of customers behind the mean; scales the covariance.
        subsample: the same objective over fewer customers, to choose the start cheaply.
        penalty: precision of a normal prior on each log parameter, centred at 0; 0 for none. A penalty of 1
    says that a parameter is likely to be within a factor of e of 1.

    Raises:
        DataError: the likelihood cannot be computed at any start.
    """
    weight = penalty / customers
    results = [_climb(subsample or objective, np.array(start[: len(names)]), weight) for start in _STARTS]
    usable = [result for result in results if np.isfinite(result.fun)]
    if not usable:
        raise DataError(
            "The likelihood of these histories is not a number. Check them for extreme ages or counts"
        )
    best = min(usable, key=lambda result: float(result.fun))
    if subsample is not None:
        best = _climb(objective, best.x, weight)
    theta = np.asarray(best.x, dtype=np.float64)
    at_bound = np.isclose(theta, MIN_LOG, atol=1e-3) | np.isclose(theta, MAX_LOG, atol=1e-3)
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
        bounds=[(MIN_LOG, MAX_LOG)] * len(start),
        options={"ftol": 1e-13, "gtol": 1e-7, "maxiter": 500},
    )


def _covariance(objective: Objective, theta: Floats, weight: float, customers: int) -> Floats | None:
    """Return the inverse of the negative Hessian, by central differences of the exact gradient."""
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
    warnings = [
        f"{name} ended at its bound: these customers do not determine it. Try a penalty or a simpler model"
        for name, bound in zip(names, at_bound, strict=True)
        if bound
    ]
    if not converged:
        warnings.append("the fit did not converge: treat the parameters as a guess")
    if covariance is None and not warnings:
        warnings.append("the likelihood is flat at its maximum: the parameters have no standard errors")
    return tuple(warnings)
