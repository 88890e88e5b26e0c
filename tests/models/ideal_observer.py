"""One who knows all laws of a simulated shop, but of its users only what they did: nobody can foresee more than this.

The true chance behind a cart stands on two things that leave no trace in time. The price level that a user feels at home with
is never seen, only guessed from what they look at; and what else will be looked at before the session ends is not known to
anybody. Whoever is held against the true chance must be granted both, so the reference is its mean over both, given the
history.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import gamma, norm

from shopwright.simulate.journeys import (
    CART_LOG_ODDS,
    COEFFICIENTS,
    FAVOURITE_WEIGHTS,
    INTERCEPT,
    SESSION_FAVOURITE_SHARE,
    VIEW_IN_CATEGORY_SHARE,
)
from shopwright.simulate.shop import Shop, open_shop, sessions_per_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from shopwright.simulate import SimulationConfig

    Floats = NDArray[np.float64]

VIEW, CART, REMOVAL = 2, 3, 4
"""Places in the funnel of what is watched."""
_LEVELS = np.linspace(-0.6, 0.6, 7)
"""Deviations of a user's log price level from that of their first favourite category."""
_LEVEL_SPREAD = 0.3
_SENSITIVITIES = gamma.ppf((np.arange(3) + 0.5) / 3, 4, scale=0.2)


def opened(config: SimulationConfig) -> tuple[Shop, float]:
    """The shop that a configuration gives, and the visits that an average user makes on an average day."""
    in_shop, in_time, _, _ = np.random.default_rng(config.seed).spawn(4)
    shop = open_shop(config, in_shop)
    pilot, _ = in_time.spawn(2)
    return shop, sessions_per_day(shop, pilot)


@dataclass(frozen=True, slots=True)
class Act:
    """A view, an add-to-cart or a removal."""

    at: np.datetime64
    step: int
    """Place in its session."""
    session: object
    rank: int
    category: int
    """Position in the catalog's categories."""
    log_price: float
    """Of the price in cents."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a session at which a purchase is to be foreseen."""

    at: np.datetime64
    step: int
    log_odds: float
    """Of leaving the cart behind, all causes but the price."""
    lift: float
    """What the treatment multiplies the chance with; 1 without."""


def other_causes(*, views: Floats, is_mobile: Floats, is_returning: Floats, is_late_night: Floats) -> Floats:
    """Log odds of leaving a cart behind, the price's part left out; (rows,)."""
    causes = {
        "log_views": np.log1p(views),
        "is_mobile": is_mobile,
        "is_returning": is_returning,
        "is_late_night": is_late_night,
    }
    return INTERCEPT + sum(COEFFICIENTS[name] * values for name, values in causes.items())


class Observer:
    """Guesses a user's price level by Bayes' rule from all that the user looked at and put into carts."""

    def __init__(self, shop: Shop) -> None:
        catalog = shop.catalog
        count = len(catalog.category_paths)
        rank = (count * np.linspace(0, 1, 200_000, endpoint=False) ** 1.8).astype(np.int64)
        popular = np.bincount(rank * (37 if count % 37 else 1) % count, minlength=count) / len(rank)
        self._grid = np.log(catalog.typical_cents)[:, None] + _LEVELS
        prior = norm.pdf(_LEVELS, 0, _LEVEL_SPREAD)
        self._prior = np.log(prior / prior.sum() / count)
        self._at_first = SESSION_FAVOURITE_SHARE * FAVOURITE_WEIGHTS[0]
        """Chance that a session is about the first favourite, and of each category that it is about it for another reason."""
        self._elsewhere = (SESSION_FAVOURITE_SHARE - self._at_first) / count + (
            1 - SESSION_FAVOURITE_SHARE
        ) * popular
        self._strays = (1 - VIEW_IN_CATEGORY_SHARE) * popular

    def chances(self, acts: Iterable[Act], moments: Sequence[Moment]) -> Floats:
        """Chance of a purchase if the session ended at each moment, given all that one user did up to then.

        Args:
            acts: of one user, in order.
            moments: in order; each comes after an act of the same session, or is its moment.

        Returns:
            (moments,); 0 where the cart is empty.
        """
        found, waiting = [], list(reversed(moments))
        carts = np.zeros((*self._grid.shape, len(_SENSITIVITIES)))
        past, now = np.zeros(len(self._grid)), np.zeros(len(self._grid))
        session, lines, total = None, 0, 0.0
        for act in acts:
            while waiting and (waiting[-1].at, waiting[-1].step) < (act.at, act.step):
                found.append(self._chance(past + self._topic(now), carts, lines, total, waiting.pop()))
            if act.session != session:
                past, now = past + self._topic(now), np.zeros(len(self._grid))
                session, lines, total = act.session, 0, 0.0
            if act.rank == REMOVAL:
                lines, total = lines - 1, total - act.log_price
                continue
            log_odds = CART_LOG_ODDS - _SENSITIVITIES * np.clip(act.log_price - self._grid, -2, 2)[..., None]
            if act.rank == CART:
                # The view before was counted as one that led nowhere.
                carts = carts + log_odds
                lines, total = lines + 1, total + act.log_price
            else:
                carts = carts - np.logaddexp(0, log_odds)
                now = now + np.log(self._strays[act.category])
                now[act.category] += np.log1p(VIEW_IN_CATEGORY_SHARE / self._strays[act.category])
        while waiting:
            found.append(self._chance(past + self._topic(now), carts, lines, total, waiting.pop()))
        return np.array(found)

    def _topic(self, now: Floats) -> Floats:
        """Log likelihood of a session's views for each first favourite, up to a constant."""
        views = np.exp(now - now.max())
        return np.log(self._at_first * views + self._elsewhere @ views)

    def _chance(self, first: Floats, carts: Floats, lines: int, total: float, moment: Moment) -> float:
        if lines <= 0:
            return 0.0
        weights = first[:, None] + np.logaddexp.reduce(carts, axis=2) + self._prior
        weights = np.exp(weights - weights.max())
        price = COEFFICIENTS["log_price_ratio"] * (total / lines - self._grid)
        chance = moment.lift / (1 + np.exp(moment.log_odds + price))
        return float((weights * np.minimum(chance, 1)).sum() / weights.sum())
