"""How users of a simulated shop come to order and stop, as the shop's laws have it: nobody can foretell churn better.

A user visits at an own pace until they leave for good; when, is exponential. A visit ends with an order with a chance that
depends on the user. So orders are a Poisson process that dies, and of everybody with the same pace the chance to be gone
follows from the time of the last order (the law behind Pareto/NBD). The pace itself leaves no trace but the orders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.buyers import UNIFORM
from shopwright.simulate.seasonality import DAY
from shopwright.simulate.visits import Visits, draw_dwell, draw_views

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shopwright.simulate.shop import Shop

    Floats = NDArray[np.float64]

KNOWN_SHARE = UNIFORM[0].known_share
TRIED = 100
"""Sessions of each user that are tried out."""
PACES = 80
"""Paces that stand for all users'."""


def order_chances(shop: Shop) -> Floats:
    """Chance that a visit of each user ends with an order, from sessions that are tried out; (users,)."""
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(shop.users.size), TRIED)
    is_bot = shop.users.is_bot[user]
    views = draw_views(np.zeros_like(is_bot), with_bounces=shop.with_pages, rng=rng)
    start = shop.period.start + rng.integers(0, 300, len(user)) * DAY
    visits = Visits(user, start, start + DAY, views, draw_dwell(views, np.zeros_like(is_bot), rng))
    journeys = shop.journeys(visits, np.ones(shop.users.size, dtype=np.int64), rng)
    bought = np.bincount(user[journeys.decisions.session], journeys.decisions.chance, shop.users.size)
    return bought / TRIED


def gone(pace: Floats, leaving: float, *, silent: Floats, horizon: Floats) -> Floats:
    """Chance of no order within a horizon, of somebody of a pace who has not ordered for some time.

    Args:
        pace: orders a day while there.
        leaving: departures a day.
        silent: days since the last order.
        horizon: days ahead.
    """
    both = pace + leaving
    alive = 1 / (1 + leaving / both * np.expm1(both * silent))
    return 1 - alive * pace / both * -np.expm1(-both * horizon)


def likelihood(pace: Floats, leaving: float, *, repeats: Floats, recency: Floats, age: Floats) -> Floats:
    """Of orders after the first one: how many, the last one when, and none since; up to what does not depend on the pace."""
    both = pace + leaving
    return pace**repeats / both * (leaving * np.exp(-both * recency) + pace * np.exp(-both * age))


def first_order(pace: Floats, chance: Floats, leaving: float, *, after: Floats, length: float) -> Floats:
    """Density of a user's first order so many days after the period began, which lasts ``length`` days.

    Some users were there from the beginning; the others come at any time, and may order at once.
    """
    both = pace + leaving
    later = pace * -np.expm1(-both * after) / both
    return KNOWN_SHARE * pace * np.exp(-both * after) + (1 - KNOWN_SHARE) / length * (chance + later)


class BuyingLaw:
    """What can be foretold of customers of a shop."""

    def __init__(self, shop: Shop, visits_a_day: float) -> None:
        people = ~shop.users.is_bot
        self._shop = shop
        self._leaving = 1 / shop.config.mean_lifetime_days
        chances = order_chances(shop)
        self.pace = shop.users.session_rate * visits_a_day * chances
        """Orders a day of each user while there, (users,)."""
        order = np.flatnonzero(people)[np.argsort(self.pace[people])]
        parts = np.array_split(order, PACES)
        self._paces = np.array([self.pace[part].mean() for part in parts])
        self._chances = np.array([chances[part].mean() for part in parts])

    def foreseeable(
        self, *, repeats: Floats, recency: Floats, age: Floats, at: Floats, horizon: float
    ) -> Floats:
        """Chance of no order within the horizon given the orders so far.

        Args:
            repeats: days with an order after the first one.
            recency: days from the first order to the last one.
            age: days since the first order.
            at: days since the period began.
            horizon: days ahead.
        """
        pace = self._paces[:, None]
        weight = likelihood(pace, self._leaving, repeats=repeats, recency=recency, age=age) * first_order(
            pace,
            self._chances[:, None],
            self._leaving,
            after=np.maximum(at - age, 0),
            length=(self._shop.period.end - self._shop.period.start) / DAY,
        )
        chance = gone(pace, self._leaving, silent=age - recency, horizon=self.busy_days(at, horizon))
        return (weight * chance).sum(axis=0) / weight.sum(axis=0)

    def of_known_pace(self, user: NDArray[np.int64], *, silent: Floats, at: Floats, horizon: float) -> Floats:
        """The same for one who knows the pace of each user, which nobody does."""
        return gone(self.pace[user], self._leaving, silent=silent, horizon=self.busy_days(at, horizon))

    def busy_days(self, at: Floats, horizon: float) -> Floats:
        """Average days' worth of visits within the horizon."""
        begins = self._shop.period.start + (at * DAY).astype(np.int64)
        ends = begins + int(horizon * DAY)
        return self._shop.season.level(ends) - self._shop.season.level(begins)
