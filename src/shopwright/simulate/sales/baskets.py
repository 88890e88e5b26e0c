"""From purchase events to orders and the lines they begin with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import concat, group_offsets, running_sum_before, sum_by_group
from shopwright.simulate.events import KIND
from shopwright.simulate.sales.places import DISTANCES
from shopwright.simulate.sales.records import LINE_KIND, Lines, no_faults

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
        return sum_by_group(self.quantity.astype(np.int64) * self.cents, self.offsets)


def build_baskets(events: Events, profiles: Profiles, sellers: Sellers, rng: np.random.Generator) -> Baskets:
    """Gather the purchase events of a month into orders, and draws who sells each line and what shipping costs."""
    purchases = events.take(np.flatnonzero(events.kind == KIND["purchase"]))
    purchases = purchases.take(np.lexsort((purchases.session, purchases.at)))
    is_first = np.ones(purchases.size, dtype=bool)
    is_first[1:] = purchases.session[1:] != purchases.session[:-1]
    first = np.flatnonzero(is_first)
    user, at = purchases.user[first], purchases.at[first]
    city = profiles.city[profiles.versions.at(user, at)]
    offsets = np.append(first, purchases.size)
    seller = sellers.draw_for(purchases.product, rng)
    kilometres = DISTANCES[sellers.city[seller], np.repeat(city, np.diff(offsets))]
    kilos = sellers.grams[purchases.product] * purchases.quantity / 1_000
    freight = (FREIGHT_CENTS + FREIGHT_PER_KG * kilos + FREIGHT_PER_KM * kilometres).round().astype(np.int64)
    is_free = np.repeat(rng.random(len(first)) < FREE_SHIPPING_SHARE, np.diff(offsets))
    return Baskets(
        number=purchases.session[first],
        user=user,
        at=at,
        city=city,
        offsets=offsets,
        product=purchases.product,
        quantity=purchases.quantity,
        cents=purchases.cents,
        seller=seller,
        freight=np.where(is_free, 0, freight),
    )


def draw_lines(baskets: Baskets, sellers: Sellers, rng: np.random.Generator) -> Lines:
    """Draw the lines that orders begin with: what was bought, and on some orders a free item, a discount, a fee."""
    size = baskets.size
    gifts, discounts, fees = (
        np.flatnonzero(rng.random(size) < share) for share in (GIFT_SHARE, DISCOUNT_SHARE, FEE_SHARE)
    )
    percent = np.array(DISCOUNT_PERCENT)[rng.integers(0, len(DISCOUNT_PERCENT), len(discounts))]
    tables = [
        _purchase_lines(baskets),
        _extra_lines(
            baskets,
            gifts,
            "sale",
            product=rng.integers(0, len(sellers.main_of), len(gifts)),
            seller=baskets.seller[baskets.offsets[gifts]],
        ),
        _extra_lines(baskets, discounts, "discount", cents=-(baskets.goods[discounts] * percent // 100)),
        _extra_lines(baskets, fees, "fee", cents=np.full(len(fees), FEE_CENTS)),
    ]
    lines = number_lines(concat(tables))
    is_hidden = (rng.random(lines.size) < NO_SELLER_SHARE) & (lines.product >= 0)
    return replace(lines, seller=np.where(is_hidden, -1, lines.seller))


def _purchase_lines(baskets: Baskets) -> Lines:
    order = np.repeat(np.arange(baskets.size), np.diff(baskets.offsets))
    return Lines(
        order=order,
        at=baskets.at[order],
        fault=no_faults(len(order)),
        number=np.zeros(len(order), dtype=np.int64),
        kind=np.full(len(order), LINE_KIND["sale"]),
        product=baskets.product.astype(np.int64),
        seller=baskets.seller,
        quantity=baskets.quantity.astype(np.int64),
        cents=baskets.cents.astype(np.int64),
        freight=baskets.freight,
    )


def _extra_lines(
    baskets: Baskets,
    order: Ints,
    kind: str,
    *,
    product: Ints | None = None,
    seller: Ints | None = None,
    cents: Ints | None = None,
) -> Lines:
    """Return one line of quantity 1 for each of the orders; free where no price is given."""
    missing, zeros = np.full(len(order), -1), np.zeros(len(order), dtype=np.int64)
    return Lines(
        order=order,
        at=baskets.at[order],
        fault=no_faults(len(order)),
        number=zeros,
        kind=np.full(len(order), LINE_KIND[kind]),
        product=missing if product is None else product,
        seller=missing if seller is None else seller,
        quantity=np.ones(len(order), dtype=np.int64),
        cents=zeros if cents is None else cents,
        freight=zeros,
    )


def number_lines(lines: Lines, after: Ints | None = None) -> Lines:
    """Return the lines by order, otherwise as they come, numbered within each order.

    Args:
        lines: any lines.
        after: for each order, how many lines it has already.
    """
    lines = lines.take(np.argsort(lines.order, kind="stable"))
    counts = np.bincount(lines.order)
    position = running_sum_before(np.ones(lines.size, dtype=np.int64), group_offsets(counts))
    return replace(lines, number=position + 1 + (0 if after is None else after[lines.order]))
