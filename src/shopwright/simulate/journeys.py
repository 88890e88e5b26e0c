"""What happens in a session: products looked at, carts filled and emptied, and orders.

Whether a cart is bought follows a logistic model whose coefficients are written to ``truth.json``, so that a trained
model can be held against the causes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import (
    Flags,
    Floats,
    Ints,
    draw_choices,
    group_offsets,
    is_first_occurrence,
    running_sum_before,
)
from shopwright.simulate.seasonality import HOUR
from shopwright.simulate.users import CHANNEL_WEIGHTS, DEVICE_WEIGHTS, DEVICES, FAVOURITES
from shopwright.simulate.visits import LANDING

if TYPE_CHECKING:
    from shopwright.simulate.catalog import Catalog
    from shopwright.simulate.users import Users
    from shopwright.simulate.visits import Visits

INTERCEPT = 1.30
COEFFICIENTS = {
    "log_price_ratio": 0.80,
    "log_views": -0.35,
    "is_mobile": 0.55,
    "is_returning": -0.60,
    "is_late_night": 0.50,
}
"""Log odds of leaving a cart behind, per unit of each cause."""
MEANINGS = {
    "log_price_ratio": "mean over the products left in the cart of ln(price when put there / the user's typical price)",
    "log_views": "ln(1 + product views in the session)",
    "is_mobile": "1 if the session's device is mobile",
    "is_returning": "1 if the user had an earlier session within the simulated period",
    "is_late_night": "1 if the session starts between 00:00 and 05:59 UTC",
}
MAX_CHANCE = 0.98

CART_LOG_ODDS = -3.0
"""Log odds that a product viewed at the user's typical price is put in the cart."""
REMOVAL_SHARE = 0.20
SESSION_FAVOURITE_SHARE, VIEW_IN_CATEGORY_SHARE = 0.7, 0.85
OWN_DEVICE_SHARE, OWN_CHANNEL_SHARE = 0.85, 0.6
FAVOURITE_WEIGHTS = (0.6, 0.28, 0.12)
QUANTITY_WEIGHTS = (0.82, 0.13, 0.05)
"""Chances of one, two and three units."""


@dataclass(frozen=True)
class Sessions:
    """What holds for a whole session; one entry a session."""

    device: Ints
    channel: Ints
    is_returning: Flags
    is_treated: Flags
    """Whether the experiment was running and showed the treatment."""
    in_experiment: Flags
    is_bot: Flags


@dataclass(frozen=True)
class ProductViews:
    """Product views in order of session and time; one entry a view."""

    session: Ints
    begins: Ints
    """When the shopper turns to the product, in milliseconds."""
    dwell: Ints
    product: Ints
    cents: Ints
    """Price at that moment."""
    is_carted: Flags
    is_removed: Flags
    quantity: Ints


@dataclass(frozen=True)
class Decisions:
    """Sessions that ended with something in the cart; one entry a decision."""

    session: Ints
    chance: Floats
    """True probability of buying."""
    is_purchase: Flags


@dataclass(frozen=True)
class Journeys:
    """Everything that happened in the sessions of a span."""

    visits: Visits
    sessions: Sessions
    product_views: ProductViews
    decisions: Decisions


def draw_sessions(
    visits: Visits, users: Users, session_counts: Ints, experiment_from: int, rng: np.random.Generator
) -> Sessions:
    """Draw what holds for whole sessions.

    Args:
        visits: the sessions.
        users: everyone.
        seen: for each user, sessions before this span; brought up to date.
        experiment_from: when the experiment starts, in milliseconds.
        rng: source of chance.
    """
    user, size = visits.user, visits.size
    of_user = np.bincount(user, minlength=users.size)
    position = running_sum_before(np.ones(size, dtype=np.int64), group_offsets(of_user))
    is_returning = session_counts[user] + position > 0
    session_counts += of_user
    own_device, own_channel = rng.random(size) < OWN_DEVICE_SHARE, rng.random(size) < OWN_CHANNEL_SHARE
    in_experiment = visits.start >= experiment_from
    return Sessions(
        device=np.where(own_device, users.device[user], draw_choices(DEVICE_WEIGHTS, size, rng)),
        channel=np.where(own_channel, users.channel[user], draw_choices(CHANNEL_WEIGHTS, size, rng)),
        is_returning=is_returning,
        is_treated=in_experiment & users.is_treated[user],
        in_experiment=in_experiment,
        is_bot=users.is_bot[user],
    )


def draw_product_views(
    visits: Visits, users: Users, catalog: Catalog, *, with_pages: bool, rng: np.random.Generator
) -> ProductViews:
    """Draw the products looked at, and which of them go into the cart and out again.

    Args:
        visits: the sessions.
        users: everyone.
        catalog: what there is to look at.
        with_pages: whether the export shows landing pages and quantities; without, a quantity is always one.
        rng: source of chance.
    """
    landing = LANDING if with_pages else 0
    session = np.repeat(np.arange(visits.size), visits.views)
    user = visits.user[session]
    begins = visits.start[session] + landing + running_sum_before(visits.dwell, group_offsets(visits.views))
    product = catalog.pick(_draw_categories(visits, users, len(catalog.category_paths), session, rng), rng)
    cents = catalog.price_at(product, begins)
    is_carted = _draw_carts(cents, user, users, rng)
    rows = np.flatnonzero(is_carted)
    is_carted[rows] = is_first_occurrence(session[rows] * catalog.size + product[rows])
    return ProductViews(
        session=session,
        begins=begins,
        dwell=visits.dwell,
        product=product,
        cents=cents,
        is_carted=is_carted,
        is_removed=is_carted & (rng.random(len(session)) < REMOVAL_SHARE),
        quantity=_draw_quantities(rows, user, users, with_quantities=with_pages, rng=rng),
    )


def _draw_categories(
    visits: Visits, users: Users, categories: int, session: Ints, rng: np.random.Generator
) -> Ints:
    """Draw the category of each view: a session is about one, mostly a favourite of the user; a few views stray."""
    size = visits.size
    rank = draw_choices(FAVOURITE_WEIGHTS[:FAVOURITES], size, rng)
    favourite = users.favourites[visits.user, rank]
    at_home = rng.random(size) < SESSION_FAVOURITE_SHARE
    topic = np.where(at_home, favourite, _popular(categories, size, rng))
    stays = rng.random(len(session)) < VIEW_IN_CATEGORY_SHARE
    return np.where(stays, topic[session], _popular(categories, len(session), rng))


def _popular(categories: int, size: int, rng: np.random.Generator) -> Ints:
    """Return categories by popularity, which is spread over the departments."""
    rank = (categories * rng.random(size) ** 1.8).astype(np.int64)
    stride = 37 if categories % 37 else 1
    return rank * stride % categories


def _draw_carts(cents: Ints, user: Ints, users: Users, rng: np.random.Generator) -> Flags:
    """Draw which views lead into the cart: the dearer for this user, the rarer; never for a bot."""
    ratio = np.log(cents / users.typical_cents[user])
    log_odds = CART_LOG_ODDS - users.price_sensitivity[user] * np.clip(ratio, -2, 2)
    is_carted: Flags = rng.random(len(cents)) < 1 / (1 + np.exp(-log_odds))
    return is_carted & ~users.is_bot[user]


def _draw_quantities(
    rows: Ints, user: Ints, users: Users, *, with_quantities: bool, rng: np.random.Generator
) -> Ints:
    quantity = np.ones(len(user), dtype=np.int16)
    if with_quantities:
        quantity[rows] += draw_choices(QUANTITY_WEIGHTS, len(rows), rng)
        quantity[rows] *= users.buyers.trait("units")[user[rows]].astype(np.int16)
    return quantity


def draw_decisions(
    visits: Visits,
    sessions: Sessions,
    product_views: ProductViews,
    users: Users,
    effect: float,
    rng: np.random.Generator,
) -> Decisions:
    """Decide which carts are bought."""
    lines = np.flatnonzero(product_views.is_carted & ~product_views.is_removed)
    session = np.unique(product_views.session[lines])
    causes = abandonment_causes(visits, sessions, product_views, users, lines, session)
    log_odds = INTERCEPT + sum(COEFFICIENTS[name] * values for name, values in causes.items())
    chance = 1 / (1 + np.exp(log_odds))
    treated_chance = np.minimum(chance * (1 + effect), np.maximum(chance, MAX_CHANCE))
    chance = np.where(sessions.is_treated[session], treated_chance, chance)
    return Decisions(session, chance, rng.random(len(session)) < chance)


def abandonment_causes(
    visits: Visits, sessions: Sessions, product_views: ProductViews, users: Users, lines: Ints, session: Ints
) -> dict[str, Floats]:
    """Return the causes of abandonment, as ``MEANINGS`` defines them, of each session with a full cart."""
    of_line = product_views.session[lines]
    ratio = np.log(product_views.cents[lines] / users.typical_cents[visits.user[of_line]])
    totals = np.bincount(of_line, weights=ratio, minlength=visits.size)
    counts = np.bincount(of_line, minlength=visits.size)
    return {
        "log_price_ratio": totals[session] / counts[session],
        "log_views": np.log1p(visits.views[session]),
        "is_mobile": (sessions.device[session] == DEVICES.index("mobile")).astype(np.float64),
        "is_returning": sessions.is_returning[session].astype(np.float64),
        "is_late_night": (visits.start[session] // HOUR % 24 < 6).astype(np.float64),
    }
