"""The order side month by month: what is drawn when orders are placed, and what each export says of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import join, sum_by
from shopwright.simulate.sales.aftermath import draw_corrections, draw_reviews
from shopwright.simulate.sales.baskets import draw_lines, fill_baskets
from shopwright.simulate.sales.delivery import fulfil
from shopwright.simulate.sales.faults import Later
from shopwright.simulate.sales.payments import draw_intent, pay, refund
from shopwright.simulate.sales.records import NEVER, STATE, Lines, Orders, Payments, Records, Reviews
from shopwright.simulate.sales.sellers import Sellers, draw_sellers
from shopwright.simulate.seasonality import to_ms

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Flags, Ints
    from shopwright.simulate.events import Events
    from shopwright.simulate.shop import Shop


@dataclass(frozen=True)
class Sales:
    """All that ever happens to the orders of one month; rows point at their order by its position."""

    number: Ints
    """Number of each order."""
    orders: Orders
    lines: Lines
    payments: Payments
    reviews: Reviews
    owed: Ints
    """Cents owed for each order when it was placed."""
    is_wrong: Flags
    """Orders paid with another sum."""

    def before(self, end: int) -> Sales:
        """Without the rows that come into being at ``end`` or later."""
        return replace(
            self,
            lines=self.lines.take(self.lines.at < end),
            payments=self.payments.take(self.payments.at < end),
            reviews=self.reviews.take(self.reviews.at < end),
        )


class Market:
    """The order side of a shop; is told each month's events and tells what the export at its end says."""

    def __init__(self, shop: Shop, rng: np.random.Generator) -> None:
        of_sellers, self._rng = rng.spawn(2)
        self._shop = shop
        self.sellers: Sellers = draw_sellers(shop.config, shop.period, shop.catalog, of_sellers)
        self._exports = np.array([to_ms(day) for day in shop.period.first_days[1:]])
        self._later = Later()
        self._open: list[Orders] = []

    def draw(self, events: Events) -> Sales:
        """Draws all that is going to happen to the orders of a month's purchase events."""
        config, rng = self._shop.config, self._rng
        baskets = fill_baskets(events, self._shop.profiles, self.sellers, rng)
        lines = draw_lines(baskets, self.sellers, rng)
        owed = sum_by(lines.order, lines.owed, baskets.size)
        intent = draw_intent(owed, config.wrong_payment_rate, rng)
        orders = fulfil(baskets, intent.method, self.sellers, rng)
        is_wrong = (intent.mistake != 0) & (orders.ended == NEVER)
        payments = pay(intent, orders, owed, is_wrong, rng)
        return_rate = config.return_rate * self._shop.users.buyers.each("returns")[baskets.user]
        corrections = draw_corrections(orders, lines, return_rate, rng)
        reviews = draw_reviews(orders, rng)
        refunds = refund(intent, *_given_back(corrections, orders))
        return Sales(
            baskets.number,
            orders,
            join([lines, corrections]),
            join([payments, refunds]),
            reviews,
            owed,
            is_wrong,
        ).before(self.end)

    @property
    def end(self) -> int:
        """When the last export is made."""
        return int(self._exports[-1])

    def export(self, month: int, sales: Sales) -> dict[str, Records]:
        """Rows by entity that the export at the end of a month says for the first time.

        Orders come again in every export that finds them in another status than the one before did.

        Args:
            month: position of the month in the period, from 0.
            sales: what was drawn for it.
        """
        parts: dict[str, Records] = {
            "order_items": sales.lines,
            "payments": sales.payments,
            "reviews": sales.reviews,
        }
        found: dict[str, Records] = {
            "orders": self._versions(month, replace(sales.orders, order=sales.number))
        }
        for entity, part in parts.items():
            rows = replace(part, order=sales.number[part.order])
            self._later.keep(entity, rows, np.searchsorted(self._exports, rows.at, side="right"))
            ready = join([*self._later.arrived(entity, month), rows.take(slice(0))])
            found[entity] = ready.take(np.argsort(ready.at, kind="stable"))
        return found

    def _versions(self, month: int, new: Orders) -> Orders:
        """Orders whose status the last export did not have, as they are now."""
        exported = int(self._exports[month])
        orders = join([*self._open, new])
        state = orders.state_before(exported)
        is_changed = state != orders.state
        since = np.where(is_changed, exported, orders.since)
        orders = replace(orders, state=state, since=since)
        self._open = [orders.take(state < STATE["delivered"])]
        return orders.take(is_changed)


def _given_back(corrections: Lines, orders: Orders) -> tuple[Ints, Ints, Ints]:
    """Corrected orders that had been paid, when money goes back, and how much in negative cents."""
    back = sum_by(corrections.order, corrections.owed, orders.size)
    at = np.zeros(orders.size, dtype=np.int64)
    at[corrections.order] = corrections.at
    order = np.flatnonzero((back != 0) & (orders.approved < NEVER))
    return order, at[order], back[order]
