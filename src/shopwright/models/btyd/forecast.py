"""Forecasts of purchase counts: one number and an interval for each customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.errors import DataError
from shopwright.models.btyd.summary import group_histories

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shopwright.models.btyd.model import PurchaseForecaster
    from shopwright.models.btyd.summary import DistinctHistories, Floats, Indices, PurchaseHistory

INTERVAL_LEVEL = 0.8
"""Default probability that an outcome lies in its interval."""
_ROWS = 2_000
"""Customers per batch: bounds the memory of the tables of probabilities."""
_MAX_COUNT = 50_000
"""Purchase counts beyond which tables of probabilities do not grow, whatever is left of the distribution."""
_REACHES = (0.99, 0.9999, 0.999999)
"""Cumulative probabilities to compute distributions up to, each only if the one before does not suffice."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Purchases of each customer within a horizon. All arrays have shape (n_customers,)."""

    horizon: float
    """In the unit of the history."""
    level: float
    """Minimum probability that a count lies within its interval."""
    mean: Floats
    """Expected count; rank customers by this."""
    point: Floats
    """Point forecast with the least absolute error among those with the same total as the mean."""
    lower: Floats
    """Smallest count whose cumulative probability is (1 - level) / 2 or more."""
    upper: Floats
    """Smallest count whose cumulative probability is (1 + level) / 2 or more."""
    common_quantile: float
    """The quantile that all point forecasts share."""


@dataclass(frozen=True, slots=True)
class CountDistributions:
    """Cumulative count distributions of some customers, cut where almost nothing is left."""

    rows: Indices
    """Positions of the customers."""
    cumulative: Floats
    """Probability of at most 0, 1, 2, ... purchases; shape (n_rows, max_count + 1)."""


def forecast(
    model: PurchaseForecaster, history: PurchaseHistory, horizon: float, *, level: float = INTERVAL_LEVEL
) -> Forecast:
    """Forecast purchases of each customer.

    The point forecast p minimises the expected absolute error ``sum of E|y_i - p_i|`` among all forecasts whose
    total is the expected one, ``sum of p_i = M``. With F_i the distribution of y_i,
    ``d/dp E|y_i - p| = 2 F_i(p) - 1``; at the minimum these slopes all equal the multiplier of the constraint, so
    ``F_i(p_i)`` is the same number u for every customer: the common quantile. (Without the constraint u is 1/2,
    and the medians of rare buyers add up to far too few purchases.) Counts are whole numbers and F_i a staircase, so each
    E|y_i - p| is convex and linear between whole numbers: climbing the steps of all customers in the order
    of their F until M steps are made reaches the minimum exactly, and only the last customers to climb
    (those of one shared history) have a fraction.

    Args:
        model: a fitted model, or a mixture of them.
        history: the customers' histories, in the unit of the model.
        horizon: time from the end of the history on, in units.
        level: of the interval, 0 to 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, not {level}")
    groups = group_histories(history)
    mean = model.expected_purchases(groups.history, horizon)
    bounds = np.array([(1 - level) / 2, (1 + level) / 2])
    batches, point, quantile = _point_forecast(
        model, groups, horizon, mean=mean, reaches=[max(reach, bounds[1]) for reach in _REACHES]
    )
    interval = np.empty((2, len(mean)))
    for batch in batches:
        interval[:, batch.rows] = [(batch.cumulative < bound).sum(axis=1) for bound in bounds]
    index = groups.index
    return Forecast(
        horizon, level, mean[index], point[index], interval[0][index], interval[1][index], quantile
    )


def count_distributions(
    model: PurchaseForecaster, history: PurchaseHistory, horizon: float, *, mean: Floats, reach: float
) -> Iterator[CountDistributions]:
    """Yield cumulative count distributions, in batches of customers with similar means.

    Args:
        model: a fitted model, or a mixture of them.
        history: of customers.
        horizon: in units.
        mean: expected purchases of the same customers.
        reach: cumulative probability that every customer's counts must reach, below 1.
    """
    order = np.argsort(mean, kind="stable")
    for begin in range(0, len(order), _ROWS):
        rows = order[begin : begin + _ROWS]
        part = history.take(rows)
        max_count = int(2 * mean[rows[-1]]) + 6
        cumulative = _cumulative(model, part, horizon, max_count)
        while cumulative[:, -1].min() < reach and max_count < _MAX_COUNT:
            max_count *= 2
            cumulative = _cumulative(model, part, horizon, max_count)
        yield CountDistributions(rows, cumulative)


def interval_coverage(
    model: PurchaseForecaster,
    history: PurchaseHistory,
    horizon: float,
    actual: Floats,
    *,
    level: float = INTERVAL_LEVEL,
) -> float:
    """Return the share of customers whose actual count is in the interval, randomised for counts.

    An interval of whole numbers covers more than its level. The randomised probability integral transform draws u
    between F(y-1) and F(y) and asks whether it lies in the central range of the level; this is the average
    over all draws.

    Source: Czado, Gneiting and Held (2009), "Predictive model assessment for count data", Biometrics 65(4),
    section 2.1, in its non-random form.

    Args:
        model: a fitted model, or a mixture of them.
        history: the customers' histories at the time of the forecast.
        horizon: in units.
        actual: purchases that were made within the horizon; shape (n_customers,).
        level: of the interval, 0 to 1.
    """
    if len(actual) != len(history):
        raise DataError(f"Got {len(actual)} actual counts for {len(history)} customers")
    below, up_to = np.empty(len(actual)), np.empty(len(actual))
    order = np.argsort(actual, kind="stable")
    for begin in range(0, len(order), _ROWS):
        rows = order[begin : begin + _ROWS]
        count = actual[rows].astype(np.int64)
        cumulative = _cumulative(model, history.take(rows), horizon, int(count.max()))
        line = np.arange(len(rows))
        up_to[rows] = cumulative[line, count]
        below[rows] = np.where(count > 0, cumulative[line, np.maximum(count - 1, 0)], 0.0)
    tail = (1 - level) / 2
    width = np.maximum(up_to - below, 1e-300)
    inside = (np.minimum(up_to, 1 - tail) - np.maximum(below, tail)) / width
    return float(np.clip(inside, 0.0, 1.0).mean())


def _cumulative(
    model: PurchaseForecaster, history: PurchaseHistory, horizon: float, max_count: int
) -> Floats:
    probabilities = model.purchase_probabilities(history, horizon, max_count)
    return np.minimum(np.cumsum(probabilities, axis=1), 1.0)


def _point_forecast(
    model: PurchaseForecaster,
    groups: DistinctHistories,
    horizon: float,
    *,
    mean: Floats,
    reaches: list[float],
) -> tuple[list[CountDistributions], Floats, float]:
    """Compute as much of the tails as the common quantile needs, which is little unless purchases are rare."""
    reach, *finer = reaches
    batches = list(count_distributions(model, groups.history, horizon, mean=mean, reach=reach))
    point, quantile = _common_quantile(batches, groups.count, float(groups.count @ mean))
    if quantile < reach or not finer:
        return batches, point, quantile
    return _point_forecast(model, groups, horizon, mean=mean, reaches=finer)


def _common_quantile(batches: list[CountDistributions], count: Floats, total: float) -> tuple[Floats, float]:
    """Climb the steps of all customers in order of height until the total is reached."""
    height = np.concatenate([batch.cumulative.ravel() for batch in batches])
    group = np.concatenate([np.repeat(batch.rows, batch.cumulative.shape[1]) for batch in batches])
    order = np.argsort(height, kind="stable")
    total_point_forecast = np.cumsum(count[group[order]])
    last = min(int(np.searchsorted(total_point_forecast, total)), len(order) - 1)
    point = np.bincount(group[order[:last]], minlength=len(count)).astype(np.float64)
    last_group = group[order[last]]
    total_before = float(total_point_forecast[last - 1]) if last else 0.0
    point[last_group] += (total - total_before) / count[last_group]
    return point, float(height[order[last]])
