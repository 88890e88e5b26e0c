"""Events as columns: a session's journey laid out in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import Columns
from shopwright.simulate.seasonality import SECOND
from shopwright.simulate.visits import CHECKOUT

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Flags, Ints
    from shopwright.simulate.catalog import Catalog
    from shopwright.simulate.journeys import Journeys
    from shopwright.simulate.users import Profiles

EVENT_TYPES = (
    "page_view",
    "product_view",
    "search",
    "add_to_cart",
    "remove_from_cart",
    "begin_checkout",
    "purchase",
)
"""What shoppers do here, among the types of the contract."""
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
        """Return the same events by time; those of one millisecond keep their order."""
        return self.take(np.argsort(self.at, kind="stable"))


@dataclass(frozen=True)
class _EventBlock:
    """Events before what holds for their session is added; ``session`` counts within the span."""

    session: Ints
    at: Ints
    kind: str
    product: Ints | None = None
    quantity: Ints | None = None


def to_events(
    journeys: Journeys,
    profiles: Profiles,
    catalog: Catalog,
    *,
    first_session: int,
    with_pages: bool,
    rng: np.random.Generator,
) -> Events:
    """Turn journeys into events ordered by time.

    Args:
        journeys: what happened.
        profiles: where users live.
        catalog: what products cost when.
        first_session: number of the first session.
        with_pages: whether page views, searches and checkouts are seen too.
        rng: source of chance.
    """
    blocks = [
        *_shopping_events(journeys, with_pages=with_pages, rng=rng),
        *_purchase_events(journeys, with_pages=with_pages, rng=rng),
    ]
    visits, sessions = journeys.visits, journeys.sessions
    session = np.concatenate([block.session for block in blocks])
    user = visits.user[session]
    country = profiles.country_at(visits.user, visits.start)
    group = (sessions.in_experiment.astype(np.uint8) + sessions.is_treated)[session]
    at = np.concatenate([block.at for block in blocks])
    kind = np.repeat(
        np.array([KIND[block.kind] for block in blocks], dtype=np.uint8), [len(block.at) for block in blocks]
    )
    product = _concatenated([block.product for block in blocks], blocks)
    return Events(
        at=at,
        kind=kind,
        session=(session + first_session).astype(np.int32),
        user=user.astype(np.int32),
        product=product,
        cents=_prices(kind, product, at, catalog),
        quantity=_concatenated([block.quantity for block in blocks], blocks).astype(np.int16),
        device=sessions.device[session],
        channel=sessions.channel[session],
        country=country[session],
        group=group,
    ).in_order()


def _concatenated(values: list[Ints | None], blocks: list[_EventBlock]) -> Ints:
    completed = [
        np.full(len(block.at), -1, dtype=np.int32) if value is None else value.astype(np.int32)
        for value, block in zip(values, blocks, strict=True)
    ]
    return np.concatenate(completed)


def _prices(kind: Ints, product: Ints, at: Ints, catalog: Catalog) -> Ints:
    """Return price at the time of the event, for events about one product."""
    priced = np.flatnonzero(np.isin(kind, [KIND[name] for name in PRICED]))
    cents = np.full(len(kind), -1, dtype=np.int32)
    cents[priced] = catalog.price_at(product[priced], at[priced])
    return cents


def _shopping_events(journeys: Journeys, *, with_pages: bool, rng: np.random.Generator) -> list[_EventBlock]:
    """Return views, carts and removals and, where the export shows them, the searches and list pages before."""
    product_views, visits = journeys.product_views, journeys.visits
    entry = rng.random(len(product_views.session))
    has_entry = (
        (entry < SEARCH_SHARE + BROWSE_SHARE) & ~journeys.sessions.is_bot[product_views.session] & with_pages
    )
    viewed_at = product_views.begins + np.where(has_entry, product_views.dwell // 4, 0)
    blocks = [
        _EventBlock(product_views.session, viewed_at, "product_view", product_views.product),
        _cart_events(journeys, product_views.is_carted, "add_to_cart", (0.40, 0.60), rng),
        _cart_events(journeys, product_views.is_removed, "remove_from_cart", (0.75, 0.95), rng),
    ]
    if with_pages:
        searched, browsed = has_entry & (entry < SEARCH_SHARE), has_entry & (entry >= SEARCH_SHARE)
        blocks += [
            _EventBlock(np.arange(visits.size), visits.start, "page_view"),
            _EventBlock(
                product_views.session[searched],
                product_views.begins[searched],
                "search",
                product_views.product[searched],
            ),
            _EventBlock(
                product_views.session[browsed],
                product_views.begins[browsed],
                "page_view",
                product_views.product[browsed],
            ),
        ]
    return blocks


def _cart_events(
    journeys: Journeys, rows: Flags, kind: str, within: tuple[float, float], rng: np.random.Generator
) -> _EventBlock:
    product_views = journeys.product_views
    at = product_views.begins[rows] + (
        product_views.dwell[rows] * rng.uniform(*within, int(rows.sum()))
    ).astype(np.int64)
    return _EventBlock(
        product_views.session[rows], at, kind, product_views.product[rows], product_views.quantity[rows]
    )


def _purchase_events(journeys: Journeys, *, with_pages: bool, rng: np.random.Generator) -> list[_EventBlock]:
    """Return one purchase event per line of an order, all at one moment, and checkouts where seen."""
    visits, product_views, decisions = journeys.visits, journeys.product_views, journeys.decisions
    checkout_at = visits.end - CHECKOUT
    paid_at = checkout_at + rng.integers(20 * SECOND, CHECKOUT, visits.size)
    buys = np.zeros(visits.size, dtype=bool)
    buys[decisions.session] = decisions.is_purchase
    lines = product_views.is_carted & ~product_views.is_removed & buys[product_views.session]
    session = product_views.session[lines]
    blocks = [
        _EventBlock(
            session, paid_at[session], "purchase", product_views.product[lines], product_views.quantity[lines]
        )
    ]
    if with_pages:
        tries = decisions.is_purchase | (rng.random(len(decisions.session)) < ABANDONED_CHECKOUT_SHARE)
        blocks.append(
            _EventBlock(decisions.session[tries], checkout_at[decisions.session[tries]], "begin_checkout")
        )
    return blocks
