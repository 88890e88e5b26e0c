"""Fulfillment of orders: approved, shipped, delivered, or canceled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import max_by_group
from shopwright.simulate.sales.places import DISTANCES
from shopwright.simulate.sales.records import METHOD, NEVER, STATE, Orders, no_faults
from shopwright.simulate.seasonality import DAY, HOUR, MINUTE, MONTH_WEIGHTS

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Flags, Floats, Ints
    from shopwright.simulate.sales.baskets import Baskets
    from shopwright.simulate.sales.sellers import Sellers

UNPAID_SLIP_SHARE, SLIP_EXPIRES = 0.06, 7 * DAY
"""Share of bank slips that nobody pays, and when they run out, which cancels the order."""
UNAVAILABLE_SHARE = 0.006
HANDLING_NOISE, TRANSIT_NOISE = 0.35, 0.30
"""Standard deviations of the log of handling and transit times."""
KM_PER_DAY, MAX_TRANSIT_DAYS = 450, 10.0
LATE_DAYS = (2.0, 5.0)
"""Days that a late seller adds: at least, and on average beyond."""
SEASON_POWER = 2.0
"""A month with w times the average visits multiplies transit times by w to this power, where w is above 1."""
PROMISE_HANDLING, PROMISE_TRANSIT, PROMISE_DAYS = 1.4, 1.4, 3.0
"""The promise: so many times the usual handling and transit, and some days on top, up to midnight."""


def draw_orders(baskets: Baskets, method: Ints, sellers: Sellers, rng: np.random.Generator) -> Orders:
    """Draw what becomes of each order.

    Args:
        baskets: the orders.
        method: how each is paid.
        sellers: who sends them; the slowest of an order's sellers decides.
        rng: source of chance.
    """
    at = baskets.at
    approved = at + _approval_delay(method, rng)
    shipped = approved + _days(_draw_handling(baskets, sellers, rng))
    usual = 1 + np.minimum(_max_distance(baskets, sellers) / KM_PER_DAY, MAX_TRANSIT_DAYS)
    noise = np.exp(rng.normal(0, TRANSIT_NOISE, baskets.size))
    delivered = shipped + _days(usual * noise * _season_factor(at)) + _draw_lateness(baskets, sellers, rng)
    is_unpaid = (method == METHOD["bank_slip"]) & (rng.random(baskets.size) < UNPAID_SLIP_SHARE)
    ended, ended_as = _draw_ends(baskets, is_unpaid, approved, sellers, rng)
    is_ended = ended < NEVER
    return Orders(
        order=np.arange(baskets.size),
        at=at,
        fault=no_faults(baskets.size),
        user=baskets.user,
        city=baskets.city,
        approved=np.where(is_unpaid, NEVER, approved),
        shipped=np.where(is_ended, NEVER, shipped),
        delivered=np.where(is_ended, NEVER, delivered),
        promised=_promise(baskets, sellers, usual),
        ended=ended,
        ended_as=ended_as,
        state=np.full(baskets.size, -1, dtype=np.int8),
        since=np.zeros(baskets.size, dtype=np.int64),
    )


def _days(days: Floats) -> Ints:
    return (days * DAY).astype(np.int64)


def _approval_delay(method: Ints, rng: np.random.Generator) -> Ints:
    """Return minutes for most methods, days for bank slips."""
    quick = MINUTE + rng.exponential(12 * MINUTE, len(method))
    slow = HOUR + np.minimum(rng.exponential(1.2 * DAY, len(method)), SLIP_EXPIRES - 2 * HOUR)
    return np.where(method == METHOD["bank_slip"], slow, quick).astype(np.int64)


def _draw_handling(baskets: Baskets, sellers: Sellers, rng: np.random.Generator) -> Floats:
    days = sellers.handling_days[baskets.seller] * np.exp(rng.normal(0, HANDLING_NOISE, len(baskets.seller)))
    slowest: Floats = max_by_group(days, baskets.offsets)
    return slowest


def _max_distance(baskets: Baskets, sellers: Sellers) -> Floats:
    """Return kilometres from the farthest of each order's sellers."""
    destination = np.repeat(baskets.city, np.diff(baskets.offsets))
    kilometres: Floats = max_by_group(DISTANCES[sellers.city[baskets.seller], destination], baskets.offsets)
    return kilometres


def _season_factor(at: Ints) -> Floats:
    """Return how much longer transit takes in the month of each order."""
    month = at.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64) % 12
    factor: Floats = np.maximum(1.0, np.array(MONTH_WEIGHTS)[month]) ** SEASON_POWER
    return factor


def _draw_lateness(baskets: Baskets, sellers: Sellers, rng: np.random.Generator) -> Ints:
    """Return milliseconds that late sellers add."""
    is_late = max_by_group(
        rng.random(len(baskets.seller)) < sellers.late_rate[baskets.seller], baskets.offsets
    )
    days = LATE_DAYS[0] + rng.exponential(LATE_DAYS[1], baskets.size)
    return _days(np.where(is_late, days + PROMISE_DAYS, 0.0))


def _promise(baskets: Baskets, sellers: Sellers, transit: Floats) -> Ints:
    handling = max_by_group(sellers.handling_days[baskets.seller], baskets.offsets)
    days = np.ceil(PROMISE_HANDLING * handling + PROMISE_TRANSIT * transit + PROMISE_DAYS).astype(np.int64)
    promised: Ints = (baskets.at // DAY + days) * DAY
    return promised


def _draw_ends(
    baskets: Baskets, is_unpaid: Flags, approved: Ints, sellers: Sellers, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Draw when orders are canceled, if ever, and the status they then have."""
    size = baskets.size
    by_line = rng.random(len(baskets.seller)) < sellers.cancellation_rate[baskets.seller]
    is_canceled = max_by_group(by_line, baskets.offsets)
    is_unavailable = rng.random(size) < UNAVAILABLE_SHARE
    soon = approved + HOUR + (rng.random(size) * 2 * DAY).astype(np.int64)
    ended = np.where(is_canceled | is_unavailable, soon, NEVER)
    ended = np.where(is_unpaid, baskets.at + SLIP_EXPIRES, ended)
    is_sold_out = is_unavailable & ~is_canceled & ~is_unpaid
    return ended, np.where(is_sold_out, STATE["unavailable"], STATE["canceled"]).astype(np.int8)
