"""Forecasts that account for the uncertainty of the parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from shopwright.models.btyd.model import PurchaseModel
    from shopwright.models.btyd.summary import Floats, PurchaseHistory

_MAX_LOG_STANDARD_ERROR = 1.5
"""Standard error of a log parameter beyond which the normal approximation says nothing."""


@dataclass(frozen=True, slots=True)
class ParameterMixture:
    """Several equally likely versions of a model; a forecast is the mean of theirs."""

    models: tuple[PurchaseModel, ...]

    @property
    def unit_days(self) -> float:
        """Days in a unit of time of histories and horizons."""
        return self.models[0].unit_days

    def probability_alive(self, history: PurchaseHistory) -> Floats:
        """Return the probability that each customer will ever come back; shape (n_customers,)."""
        return self._mean([model.probability_alive(history) for model in self.models])

    def expected_purchases(self, history: PurchaseHistory, horizon: float) -> Floats:
        """Return the mean number of purchases within the horizon; shape (n_customers,)."""
        return self._mean([model.expected_purchases(history, horizon) for model in self.models])

    def purchase_probabilities(self, history: PurchaseHistory, horizon: float, max_count: int) -> Floats:
        """Return the probabilities of 0, 1, ..., ``max_count`` purchases; shape (n_customers, max_count + 1)."""
        total = self.models[0].purchase_probabilities(history, horizon, max_count)
        for model in self.models[1:]:
            total += model.purchase_probabilities(history, horizon, max_count)
        return total / len(self.models)

    def _mean(self, forecasts: list[Floats]) -> Floats:
        return np.asarray(np.mean(forecasts, axis=0), dtype=np.float64)


def with_uncertainty(model: PurchaseModel) -> ParameterMixture:
    """Spread a model over the parameters that its data leave plausible.

    The log parameters are assumed to be normal around the estimate. Two points per parameter, at the square root of
    their number of standard deviations along the columns of the covariance's Cholesky factor, give means that
    are exact for polynomials of the third degree, without random numbers.

    Returns:
        A mixture of eight models; of the model alone where it has no covariance, or one too wide to be usable
        (see the report's warnings and standard errors).

    Source: third-degree spherical-radial rule, Arasaratnam and Haykin (2009), "Cubature Kalman filters", IEEE
    Transactions on Automatic Control 54(6), section IV.
    """
    if model.report.covariance is None:
        return ParameterMixture((model,))
    covariance = np.array(model.report.covariance)
    if np.sqrt(np.diag(covariance)).max() > _MAX_LOG_STANDARD_ERROR:
        return ParameterMixture((model,))
    sides = np.sqrt(len(covariance)) * np.linalg.cholesky(covariance).T
    logs = np.log(model.parameters)
    return ParameterMixture(
        tuple(model.with_parameters(np.exp(logs + sign * side)) for side in sides for sign in (1, -1))
    )
