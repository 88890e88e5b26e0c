"""From purchase events to orders and the lines they begin with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import join, offsets_of, running_before, sum_within
from shopwright.simulate.events import KIND
from shopwright.simulate.sales.places import DISTANCES
from shopwright.simulate.sales.records import LINE_KIND, Lines, sound

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Ints
    from shopwright.simulate.events import Events
    from shopwright.simulate.sales.sellers import Sellers
    from shopwright.simulate.users import Profiles

GIFT_SHARE, DISCOUNT_SHARE, FEE_SHARE = 0.03, 0.12, 0.04
"""Shares of orders with a free item, a discount, and paid gift wrapping."""
DISCOUNT_PERCENT = (5, 10, 15, 20)
FEE_CENTS = 299
FREE_SHIPPING_SHARE = 0.15
NO_SELLER_SHARE = 0.01
"""Share of lines about a product for which the export states no seller."""
FREIGHT_CENTS, FREIGHT_PER_KG, FREIGHT_PER_KM = 290, 55.0, 0.22
"""Cents of freight of a line: at least, for each kilogram, and for each kilometre."""


@dataclass(frozen=True)
class Baskets:
    """Orders of one month as the click side has them, by time; one entry an order unless said otherwise."""

    number: Ints
    """Number of the session that bought, which names the order."""
    user: Ints
    at: Ints
    city: Ints
    """Where the user lives at that time."""
    offsets: Ints
    """Where each order's lines start; one more entry than orders."""
    product: Ints
    """One entry a line, as in the four that follow."""
    quantity: Ints
    cents: Ints
    seller: Ints
    freight: Ints

    @property
    def size(self) -> int:
        """Number of orders."""
        return len(self.number)

    @property
    def goods(self) -> Ints:
        """Cents of each order's products."""
        return sum_within(self.quantity.astype(np.int64) * self.cents, self.offsets)


def fill_baskets(events: Events, profiles: Profiles, sellers: Sellers, rng: np.random.Generator) -> Baskets:
    """Gathers the purchase events of a month into orders, and draws who sells each line and what shipping costs."""
    bought = events.take(np.flatnonzero(events.kind == KIND["purchase"]))
    bought = bought.take(np.lexsort((bought.session, bought.at)))
    is_first = np.ones(bought.size, dtype=bool)
    is_first[1:] = bought.session[1:] != bought.session[:-1]
    first = np.flatnonzero(is_first)
    user, at = bought.user[first], bought.at[first]
    city = profiles.city[profiles.versions.at(user, at)]
    offsets = np.append(first, bought.size)
    seller = sellers.of(bought.product, rng)
    kilometres = DISTANCES[sellers.city[seller], np.repeat(city, np.diff(offsets))]
    kilos = sellers.grams[bought.product] * bought.quantity / 1_000
    freight = (FREIGHT_CENTS + FREIGHT_PER_KG * kilos + FREIGHT_PER_KM * kilometres).round().astype(np.int64)
    is_free = np.repeat(rng.random(len(first)) < FREE_SHIPPING_SHARE, np.diff(offsets))
    return Baskets(
        number=bought.session[first],
        user=user,
        at=at,
        city=city,
        offsets=offsets,
        product=bought.product,
        quantity=bought.quantity,
        cents=bought.cents,
        seller=seller,
        freight=np.where(is_free, 0, freight),
    )


def draw_lines(baskets: Baskets, sellers: Sellers, rng: np.random.Generator) -> Lines:
    """The lines orders begin with: what was bought, and on some orders a free item, a discount, a fee."""
    size = baskets.size
    gifts, discounts, fees = (
        np.flatnonzero(rng.random(size) < share) for share in (GIFT_SHARE, DISCOUNT_SHARE, FEE_SHARE)
    )
    percent = np.array(DISCOUNT_PERCENT)[rng.integers(0, len(DISCOUNT_PERCENT), len(discounts))]
    parts = [
        _bought(baskets),
        _extra(
            baskets,
            gifts,
            "sale",
            product=rng.integers(0, len(sellers.main_of), len(gifts)),
            seller=baskets.seller[baskets.offsets[gifts]],
        ),
        _extra(baskets, discounts, "discount", cents=-(baskets.goods[discounts] * percent // 100)),
        _extra(baskets, fees, "fee", cents=np.full(len(fees), FEE_CENTS)),
    ]
    lines = numbered(join(parts))
    is_hidden = (rng.random(lines.size) < NO_SELLER_SHARE) & (lines.product >= 0)
    return replace(lines, seller=np.where(is_hidden, -1, lines.seller))


def _bought(baskets: Baskets) -> Lines:
    order = np.repeat(np.arange(baskets.size), np.diff(baskets.offsets))
    return Lines(
        order=order,
        at=baskets.at[order],
        fault=sound(len(order)),
        number=np.zeros(len(order), dtype=np.int64),
        kind=np.full(len(order), LINE_KIND["sale"]),
        product=baskets.product.astype(np.int64),
        seller=baskets.seller,
        quantity=baskets.quantity.astype(np.int64),
        cents=baskets.cents.astype(np.int64),
        freight=baskets.freight,
    )


def _extra(
    baskets: Baskets,
    order: Ints,
    kind: str,
    *,
    product: Ints | None = None,
    seller: Ints | None = None,
    cents: Ints | None = None,
) -> Lines:
    """One line of quantity 1 for each of the orders; free where no price is given."""
    none, nothing = np.full(len(order), -1), np.zeros(len(order), dtype=np.int64)
    return Lines(
        order=order,
        at=baskets.at[order],
        fault=sound(len(order)),
        number=nothing,
        kind=np.full(len(order), LINE_KIND[kind]),
        product=none if product is None else product,
        seller=none if seller is None else seller,
        quantity=np.ones(len(order), dtype=np.int64),
        cents=nothing if cents is None else cents,
        freight=nothing,
    )


def numbered(lines: Lines, after: Ints | None = None) -> Lines:
    """The lines by order, otherwise as they come, numbered within each order.

    Args:
        lines: any lines.
        after: for each order, how many lines it has already.
    """
    lines = lines.take(np.argsort(lines.order, kind="stable"))
    counts = np.bincount(lines.order)
    place = running_before(np.ones(lines.size, dtype=np.int64), offsets_of(counts))
    return replace(lines, number=place + 1 + (0 if after is None else after[lines.order]))
