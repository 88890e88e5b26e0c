"""From chances of purchase counts to one number and an interval for each customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.errors import DataError
from shopwright.models.btyd.summary import distinct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shopwright.models.btyd.model import Predicts
    from shopwright.models.btyd.summary import Distinct, Floats, Places, PurchaseHistory

LEVEL = 0.8
_ROWS = 2_000
_MOST = 50_000
_REACHES = (0.99, 0.9999, 0.999999)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Purchases of each customer within a horizon. All arrays have shape (n_customers,)."""

    horizon: float
    """In the unit of the history."""
    level: float
    """Chance that a count lies within its interval, at least."""
    mean: Floats
    """Rank customers by this."""
    point: Floats
    """Least absolute error among forecasts with the same total as the mean."""
    lower: Floats
    """Smallest count whose chance to be reached from below is (1 - level) / 2 or more."""
    upper: Floats
    """Smallest count whose chance to be reached from below is (1 + level) / 2 or more."""
    common_quantile: float
    """The quantile that all points share."""


@dataclass(frozen=True, slots=True)
class CountChances:
    """Cumulative chances of some customers, cut where next to nothing is left."""

    rows: Places
    """Positions of the customers."""
    cumulative: Floats
    """Chance of at most 0, 1, 2, ... purchases; shape (n_rows, most + 1)."""


def forecast(model: Predicts, history: PurchaseHistory, horizon: float, *, level: float = LEVEL) -> Forecast:
    """Forecast purchases of each customer.

    The point forecast p minimises the expected absolute error ``sum of E|y_i - p_i|`` among all forecasts whose
    total is the expected one, ``sum of p_i = M``. With F_i the distribution of y_i,
    ``d/dp E|y_i - p| = 2 F_i(p) - 1``; at the minimum these slopes all equal the multiplier of the constraint, so
    ``F_i(p_i)`` is the same number u for every customer: the common quantile. (Without the constraint u is 1/2,
    and the medians of rare buyers add up to far too little.) Counts are whole numbers and F_i a staircase, so each
    E|y_i - p| is convex and linear between whole numbers: climbing the stairs of all customers in the order
    of their F, until M steps are made, reaches the minimum exactly, and only the last customers climbed
    (those of one shared history) have a fraction.

    Args:
        model: a fitted model, or a mixture of them.
        history: of customers, in the unit of the model.
        horizon: time from now on, in units.
        level: of the interval, 0 to 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, not {level}")
    groups = distinct(history)
    mean = model.expected_purchases(groups.history, horizon)
    bounds = np.array([(1 - level) / 2, (1 + level) / 2])
    chances, point, quantile = _climbed(
        model, groups, horizon, mean=mean, reaches=[max(reach, bounds[1]) for reach in _REACHES]
    )
    interval = np.empty((2, len(mean)))
    for each in chances:
        interval[:, each.rows] = [(each.cumulative < bound).sum(axis=1) for bound in bounds]
    place = groups.place
    return Forecast(
        horizon, level, mean[place], point[place], interval[0][place], interval[1][place], quantile
    )


def count_chances(
    model: Predicts, history: PurchaseHistory, horizon: float, *, mean: Floats, reach: float
) -> Iterator[CountChances]:
    """Cumulative chances of counts, in batches of customers with similar means.

    Args:
        model: a fitted model, or a mixture of them.
        history: of customers.
        horizon: in units.
        mean: expected purchases of the same customers.
        reach: cumulative chance that every customer's counts go up to, below 1.
    """
    order = np.argsort(mean, kind="stable")
    for begin in range(0, len(order), _ROWS):
        rows = order[begin : begin + _ROWS]
        some = history.only(rows)
        most = int(2 * mean[rows[-1]]) + 6
        cumulative = _cumulative(model, some, horizon, most)
        while cumulative[:, -1].min() < reach and most < _MOST:
            most *= 2
            cumulative = _cumulative(model, some, horizon, most)
        yield CountChances(rows, cumulative)


def interval_coverage(
    model: Predicts, history: PurchaseHistory, horizon: float, actual: Floats, *, level: float = LEVEL
) -> float:
    """Share of customers whose actual count fell into the interval, randomised for counts.

    An interval of whole numbers holds more than its level. The randomised probability integral transform draws u
    between F(y-1) and F(y) and asks whether it lies in the central range of the level; here the share is
    computed that would come out on average over all draws.

    Source: Czado, Gneiting and Held (2009), "Predictive model assessment for count data", Biometrics 65(4),
    section 2.1, in its non-random form.

    Args:
        model: a fitted model, or a mixture of them.
        history: of customers at the time of the forecast.
        horizon: in units.
        actual: purchases that were made within the horizon; shape (n_customers,).
        level: of the interval, 0 to 1.
    """
    if len(actual) != len(history):
        raise DataError(f"{len(actual)} actual counts of {len(history)} customers")
    below, upto = np.empty(len(actual)), np.empty(len(actual))
    order = np.argsort(actual, kind="stable")
    for begin in range(0, len(order), _ROWS):
        rows = order[begin : begin + _ROWS]
        count = actual[rows].astype(np.int64)
        cumulative = _cumulative(model, history.only(rows), horizon, int(count.max()))
        line = np.arange(len(rows))
        upto[rows] = cumulative[line, count]
        below[rows] = np.where(count > 0, cumulative[line, np.maximum(count - 1, 0)], 0.0)
    tail = (1 - level) / 2
    width = np.maximum(upto - below, 1e-300)
    inside = (np.minimum(upto, 1 - tail) - np.maximum(below, tail)) / width
    return float(np.clip(inside, 0.0, 1.0).mean())


def _cumulative(model: Predicts, history: PurchaseHistory, horizon: float, most: int) -> Floats:
    chances = model.purchase_probabilities(history, horizon, most)
    return np.minimum(np.cumsum(chances, axis=1), 1.0)


def _climbed(
    model: Predicts, groups: Distinct, horizon: float, *, mean: Floats, reaches: list[float]
) -> tuple[list[CountChances], Floats, float]:
    """Look at as much of the tails as the common quantile needs, which is little unless purchases are rare."""
    reach, *finer = reaches
    chances = list(count_chances(model, groups.history, horizon, mean=mean, reach=reach))
    point, quantile = _common_quantile(chances, groups.count, float(groups.count @ mean))
    if quantile < reach or not finer:
        return chances, point, quantile
    return _climbed(model, groups, horizon, mean=mean, reaches=finer)


def _common_quantile(chances: list[CountChances], count: Floats, total: float) -> tuple[Floats, float]:
    """Climb the stairs of all customers by height until the total is reached."""
    height = np.concatenate([each.cumulative.ravel() for each in chances])
    climber = np.concatenate([np.repeat(each.rows, each.cumulative.shape[1]) for each in chances])
    order = np.argsort(height, kind="stable")
    climbed = np.cumsum(count[climber[order]])
    last = min(int(np.searchsorted(climbed, total)), len(order) - 1)
    point = np.bincount(climber[order[:last]], minlength=len(count)).astype(np.float64)
    who = climber[order[last]]
    made = float(climbed[last - 1]) if last else 0.0
    point[who] += (total - made) / count[who]
    return point, float(height[order[last]])
