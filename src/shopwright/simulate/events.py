"""Events as columns: a session's journey laid out in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.contracts.events import EVENT_TYPES
from shopwright.simulate.arrays import Columns
from shopwright.simulate.seasonality import SECOND
from shopwright.simulate.visits import CHECKOUT

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Flags, Ints
    from shopwright.simulate.catalog import Catalog
    from shopwright.simulate.journeys import Journeys
    from shopwright.simulate.users import Profiles

KIND = {name: code for code, name in enumerate(EVENT_TYPES)}
"""Code of each event type."""
PRICED = ("product_view", "add_to_cart", "remove_from_cart", "purchase")
"""Events about one product, which state its price."""
GROUPS = ("", "control", "treatment")
FIRST_ORDER = 100_000_000
"""The order of session n is called o and n plus this."""

SEARCH_SHARE, BROWSE_SHARE = 0.18, 0.14
"""Shares of products found by searching and by way of a list page."""
ABANDONED_CHECKOUT_SHARE = 0.35
"""Share of carts left behind that reached the checkout."""


@dataclass(frozen=True)
class Events(Columns):
    """Events, one entry each; a value of -1 means there is none."""

    at: Ints
    """Milliseconds."""
    kind: Ints
    session: Ints
    """Number of the session, counted over the whole simulation."""
    user: Ints
    product: Ints
    cents: Ints
    quantity: Ints
    device: Ints
    channel: Ints
    country: Ints
    group: Ints
    """Position in ``GROUPS``."""

    def in_order(self) -> Events:
        """The same events by time; those of one millisecond keep their order."""
        return self.take(np.argsort(self.at, kind="stable"))


@dataclass(frozen=True)
class _Acts:
    """Events before what holds for their session is added; ``session`` counts within the span."""

    session: Ints
    at: Ints
    kind: str
    product: Ints | None = None
    quantity: Ints | None = None


def lay_out(
    journeys: Journeys,
    profiles: Profiles,
    catalog: Catalog,
    *,
    first_session: int,
    with_pages: bool,
    rng: np.random.Generator,
) -> Events:
    """Turns journeys into events ordered by time.

    Args:
        journeys: what happened.
        profiles: where users live.
        catalog: what products cost when.
        first_session: number of the first session.
        with_pages: whether page views, searches and checkouts are seen too.
        rng: source of chance.
    """
    acts = [
        *_shopping(journeys, with_pages=with_pages, rng=rng),
        *_buying(journeys, with_pages=with_pages, rng=rng),
    ]
    visits, sessions = journeys.visits, journeys.sessions
    session = np.concatenate([act.session for act in acts])
    user = visits.user[session]
    country = profiles.country_at(visits.user, visits.start)
    group = (sessions.in_experiment.astype(np.uint8) + sessions.is_treated)[session]
    at = np.concatenate([act.at for act in acts])
    kind = np.repeat(
        np.array([KIND[act.kind] for act in acts], dtype=np.uint8), [len(act.at) for act in acts]
    )
    product = _gathered([act.product for act in acts], acts)
    return Events(
        at=at,
        kind=kind,
        session=(session + first_session).astype(np.int32),
        user=user.astype(np.int32),
        product=product,
        cents=_prices(kind, product, at, catalog),
        quantity=_gathered([act.quantity for act in acts], acts).astype(np.int16),
        device=sessions.device[session],
        channel=sessions.channel[session],
        country=country[session],
        group=group,
    ).in_order()


def _gathered(values: list[Ints | None], acts: list[_Acts]) -> Ints:
    filled = [
        np.full(len(act.at), -1, dtype=np.int32) if value is None else value.astype(np.int32)
        for value, act in zip(values, acts, strict=True)
    ]
    return np.concatenate(filled)


def _prices(kind: Ints, product: Ints, at: Ints, catalog: Catalog) -> Ints:
    """Price at the time of the event, for events about one product."""
    priced = np.flatnonzero(np.isin(kind, [KIND[name] for name in PRICED]))
    cents = np.full(len(kind), -1, dtype=np.int32)
    cents[priced] = catalog.price_at(product[priced], at[priced])
    return cents


def _shopping(journeys: Journeys, *, with_pages: bool, rng: np.random.Generator) -> list[_Acts]:
    """Views, carts and removals and, where seen, what led to them."""
    looks, visits = journeys.looks, journeys.visits
    found = rng.random(len(looks.session))
    is_led = (found < SEARCH_SHARE + BROWSE_SHARE) & ~journeys.sessions.is_bot[looks.session] & with_pages
    viewed_at = looks.begins + np.where(is_led, looks.dwell // 4, 0)
    acts = [
        _Acts(looks.session, viewed_at, "product_view", looks.product),
        _of_looks(journeys, looks.is_carted, "add_to_cart", (0.40, 0.60), rng),
        _of_looks(journeys, looks.is_removed, "remove_from_cart", (0.75, 0.95), rng),
    ]
    if with_pages:
        searched, browsed = is_led & (found < SEARCH_SHARE), is_led & (found >= SEARCH_SHARE)
        acts += [
            _Acts(np.arange(visits.size), visits.start, "page_view"),
            _Acts(looks.session[searched], looks.begins[searched], "search", looks.product[searched]),
            _Acts(looks.session[browsed], looks.begins[browsed], "page_view", looks.product[browsed]),
        ]
    return acts


def _of_looks(
    journeys: Journeys, rows: Flags, kind: str, within: tuple[float, float], rng: np.random.Generator
) -> _Acts:
    looks = journeys.looks
    at = looks.begins[rows] + (looks.dwell[rows] * rng.uniform(*within, int(rows.sum()))).astype(np.int64)
    return _Acts(looks.session[rows], at, kind, looks.product[rows], looks.quantity[rows])


def _buying(journeys: Journeys, *, with_pages: bool, rng: np.random.Generator) -> list[_Acts]:
    """One purchase event per line of an order, all at one moment, and checkouts where seen."""
    visits, looks, decisions = journeys.visits, journeys.looks, journeys.decisions
    checkout_at = visits.end - CHECKOUT
    paid_at = checkout_at + rng.integers(20 * SECOND, CHECKOUT, visits.size)
    buys = np.zeros(visits.size, dtype=bool)
    buys[decisions.session] = decisions.is_purchase
    lines = looks.is_carted & ~looks.is_removed & buys[looks.session]
    of = looks.session[lines]
    acts = [_Acts(of, paid_at[of], "purchase", looks.product[lines], looks.quantity[lines])]
    if with_pages:
        tries = decisions.is_purchase | (rng.random(len(decisions.session)) < ABANDONED_CHECKOUT_SHARE)
        acts.append(_Acts(decisions.session[tries], checkout_at[decisions.session[tries]], "begin_checkout"))
    return acts
