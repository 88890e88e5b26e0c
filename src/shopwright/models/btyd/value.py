"""What customers will spend within a horizon: how often they come, times what a purchase is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc, betaincinv, logit

from shopwright.models.btyd.forecast import LEVEL, count_chances

if TYPE_CHECKING:
    from shopwright.models.btyd.gamma_gamma import GammaGamma
    from shopwright.models.btyd.model import Predicts
    from shopwright.models.btyd.summary import Floats, PurchaseHistory

_POINTS = 384
_REACH = 0.999
_EDGE = 1e-6


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
    model: Predicts,
    value: GammaGamma,
    history: PurchaseHistory,
    horizon: float,
    *,
    level: float = LEVEL,
) -> ValueForecast:
    """Forecast what each customer will spend.

    The sum Z of y purchases of a customer with rate nu ~ Gamma(q', v') is Gamma(p y, nu), so Z / (Z + v') is
    Beta(p y, q'), and the spending is a mixture of these over the count y, with all of P(y = 0) at 0. Its
    distribution is tabulated once for all customers with the same q', and inverted by interpolation between
    384 points (within about 0.1 % of the bounds).

    Args:
        model: of purchase counts.
        value: of purchase values.
        history: of customers.
        horizon: time from now on, in units.
        level: chance that the spending lies between the bounds, 0 to 1; where not buying at all is likelier than
            (1 - level) / 2, the lower bound is 0.
    """
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, not {level}")
    mean = model.expected_purchases(history, horizon)
    shape, rate = value.posterior(history)
    odds = np.empty((2, len(history)))
    tails = ((1 - level) / 2, (1 + level) / 2)
    for each in np.unique(shape):
        rows = np.flatnonzero(shape == each)
        for chances in count_chances(
            model, history.only(rows), horizon, mean=mean[rows], reach=max(_REACH, (1 + tails[1]) / 2)
        ):
            odds[:, rows[chances.rows]] = _quantiles(chances.cumulative, value.p, float(each), tails)
    worth = value.expected_value(history)
    return ValueForecast(horizon, level, mean * worth, odds[0] * rate, odds[1] * rate)


def _quantiles(cumulative: Floats, p: float, shape: float, tails: tuple[float, float]) -> Floats:
    """Quantiles of spending divided by v'; shape (2, n_rows).

    What is left beyond the last count is given to it.
    """
    chance = np.diff(cumulative, axis=1, append=1.0)
    chance[:, -2] += chance[:, -1]
    none, some = cumulative[:, 0], chance[:, :-1]
    count = np.arange(1.0, some.shape[1] + 1)
    log_odds = _grid(p, shape, float(count[-1]))
    table = betainc(p * count[:, None], shape, 1 / (1 + np.exp(-log_odds)))
    below = none[:, None] + some @ table
    return np.array([_inverted(below, log_odds, none, tail) for tail in tails])


def _grid(p: float, shape: float, most: float) -> Floats:
    """Log odds from the least that one purchase brings to the most that all bring."""
    first = betaincinv(p, shape, _EDGE)
    last = 1 - betaincinv(shape, p * most, _EDGE)
    low, high = (float(np.clip(logit(edge), -200, 36)) for edge in (first, last))
    return np.linspace(low, high, _POINTS)


def _inverted(below: Floats, log_odds: Floats, none: Floats, tail: float) -> Floats:
    right = np.clip((below < tail).sum(axis=1), 1, len(log_odds) - 1)
    line = np.arange(len(below))
    low, high = below[line, right - 1], below[line, right]
    share = np.clip((tail - low) / np.maximum(high - low, 1e-300), 0.0, 1.0)
    step = log_odds[1] - log_odds[0]
    found = np.exp(log_odds[right - 1] + share * step)
    return np.where(tail <= none, 0.0, found)
