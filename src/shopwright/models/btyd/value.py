"""Value forecasts: what customers will spend within a horizon, the number of purchases times their value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc, betaincinv, logit

from shopwright.models.btyd.forecast import INTERVAL_LEVEL, count_distributions

if TYPE_CHECKING:
    from shopwright.models.btyd.gamma_gamma import GammaGamma
    from shopwright.models.btyd.model import PurchaseForecaster
    from shopwright.models.btyd.summary import Floats, PurchaseHistory

_POINTS = 384
"""Points of the table of the distribution function."""
_REACH = 0.999
"""Cumulative probability that counts are computed up to, at least."""
_EDGE = 1e-6
"""Probability cut off at both ends of the table."""


@dataclass(frozen=True, slots=True)
class ValueForecast:
    """Spending of each customer within a horizon, in currency. All arrays have shape (n_customers,)."""

    horizon: float
    level: float
    mean: Floats
    """NaN where the value model has no mean."""
    lower: Floats
    upper: Floats


def value_distribution(
    model: PurchaseForecaster,
    value: GammaGamma,
    history: PurchaseHistory,
    horizon: float,
    *,
    level: float = INTERVAL_LEVEL,
) -> ValueForecast:
    """Forecast what each customer will spend, with an interval.

    The sum Z of y purchases of a customer with rate nu ~ Gamma(q', v') is Gamma(p y, nu), so Z / (Z + v') is
    Beta(p y, q'), and the spending is a mixture of these over the count y, with all of P(y = 0) at 0. Its
    distribution is tabulated once for all customers with the same q', and inverted by interpolation between
    384 points (within about 0.1% of the bounds).

    Args:
        model: forecasts purchase counts.
        value: model of purchase values.
        history: the customers' histories.
        horizon: time from the end of the history on, in units.
        level: probability that the spending lies between the bounds, 0 to 1. The lower bound is 0 where the
            probability of no purchase exceeds (1 - level) / 2.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, not {level}")
    mean = model.expected_purchases(history, horizon)
    shape, rate = value.posterior(history)
    odds = np.empty((2, len(history)))
    tails = ((1 - level) / 2, (1 + level) / 2)
    for group_shape in np.unique(shape):
        rows = np.flatnonzero(shape == group_shape)
        for batch in count_distributions(
            model, history.take(rows), horizon, mean=mean[rows], reach=max(_REACH, (1 + tails[1]) / 2)
        ):
            odds[:, rows[batch.rows]] = _quantiles(batch.cumulative, value.p, float(group_shape), tails)
    value_per_purchase = value.expected_value(history)
    return ValueForecast(horizon, level, mean * value_per_purchase, odds[0] * rate, odds[1] * rate)


def _quantiles(cumulative: Floats, p: float, shape: float, tails: tuple[float, float]) -> Floats:
    """Return quantiles of spending divided by v'; shape (2, n_rows).

    The probability beyond the last count is added to that count.
    """
    probability = np.diff(cumulative, axis=1, append=1.0)
    probability[:, -2] += probability[:, -1]
    no_purchase, by_count = cumulative[:, 0], probability[:, :-1]
    count = np.arange(1.0, by_count.shape[1] + 1)
    log_odds = _grid(p, shape, float(count[-1]))
    table = betainc(p * count[:, None], shape, 1 / (1 + np.exp(-log_odds)))
    below = no_purchase[:, None] + by_count @ table
    return np.array([_inverse(below, log_odds, no_purchase, tail) for tail in tails])


def _grid(p: float, shape: float, max_count: float) -> Floats:
    """Return log odds from the smallest value of one purchase to the largest of ``max_count`` purchases."""
    first = betaincinv(p, shape, _EDGE)
    last = 1 - betaincinv(shape, p * max_count, _EDGE)
    low, high = (float(np.clip(logit(edge), -200, 36)) for edge in (first, last))
    return np.linspace(low, high, _POINTS)


def _inverse(below: Floats, log_odds: Floats, no_purchase: Floats, tail: float) -> Floats:
    right = np.clip((below < tail).sum(axis=1), 1, len(log_odds) - 1)
    row = np.arange(len(below))
    low, high = below[row, right - 1], below[row, right]
    share = np.clip((tail - low) / np.maximum(high - low, 1e-300), 0.0, 1.0)
    step = log_odds[1] - log_odds[0]
    quantile = np.exp(log_odds[right - 1] + share * step)
    return np.where(tail <= no_purchase, 0.0, quantile)
