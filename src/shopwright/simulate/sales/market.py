"""The order side month by month: what is drawn when orders are placed, and what each export says of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import concat, sum_by
from shopwright.simulate.sales.aftermath import draw_corrections, draw_reviews
from shopwright.simulate.sales.baskets import build_baskets, draw_lines
from shopwright.simulate.sales.delivery import draw_orders
from shopwright.simulate.sales.faults import DelayedRows
from shopwright.simulate.sales.payments import draw_payment_plan, draw_payments, draw_refunds
from shopwright.simulate.sales.records import NEVER, STATE, Lines, Orders, Payments, Records, Reviews
from shopwright.simulate.sales.sellers import Sellers, draw_sellers
from shopwright.simulate.seasonality import to_ms

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Flags, Ints
    from shopwright.simulate.events import Events
    from shopwright.simulate.shop import Shop
    from shopwright.simulate.traits.records import OrdinarySales


@dataclass(frozen=True)
class Sales:
    """All that ever happens to the orders of one month; rows point at their order by its position."""

    number: Ints
    """Number of each order."""
    orders: Orders
    lines: Lines
    payments: Payments
    reviews: Reviews
    due_cents: Ints
    """Cents due for each order when it was placed."""
    is_wrong: Flags
    """Orders paid with another sum."""

    def tables(self) -> dict[str, Records]:
        """Return the rows by entity that come to be known one after the other."""
        return {"order_items": self.lines, "payments": self.payments, "reviews": self.reviews}

    def before(self, end: int) -> Sales:
        """Return the sales without the rows that come into being at ``end`` or later."""
        return replace(
            self,
            lines=self.lines.take(self.lines.at < end),
            payments=self.payments.take(self.payments.at < end),
            reviews=self.reviews.take(self.reviews.at < end),
        )


class OrderSimulator:
    """The order side of a shop; is told each month's events and tells what the export at its end says."""

    def __init__(self, shop: Shop, rng: np.random.Generator) -> None:
        of_sellers, self._rng = rng.spawn(2)
        self._shop = shop
        self.sellers: Sellers = draw_sellers(shop.config, shop.period, shop.catalog, of_sellers)
        self._exports = np.array([to_ms(day) for day in shop.period.first_days[1:]])
        self._delayed = DelayedRows()
        self._open: list[Orders] = []

    def draw(self, events: Events) -> Sales:
        """Draw all that is going to happen to the orders of a month's purchase events."""
        config, rng = self._shop.config, self._rng
        baskets = build_baskets(events, self._shop.profiles, self.sellers, rng)
        lines = draw_lines(baskets, self.sellers, rng)
        due_cents = sum_by(lines.order, lines.due_cents, baskets.size)
        plan = draw_payment_plan(due_cents, config.wrong_payment_rate, rng)
        orders = draw_orders(baskets, plan.method, self.sellers, rng)
        is_wrong = (plan.mistake != 0) & (orders.ended == NEVER)
        payments = draw_payments(plan, orders, due_cents, is_wrong, rng)
        return_rate = config.return_rate * self._shop.users.buyers.trait("returns")[baskets.user]
        corrections = draw_corrections(orders, lines, return_rate, rng)
        reviews = draw_reviews(orders, rng)
        refunds = draw_refunds(plan, *_refunds_due(corrections, orders))
        return Sales(
            baskets.number,
            orders,
            concat([lines, corrections]),
            concat([payments, refunds]),
            reviews,
            due_cents,
            is_wrong,
        ).before(self.end)

    @property
    def end(self) -> int:
        """When the last export is made."""
        return int(self._exports[-1])

    def export(self, month: int, sales: Sales | OrdinarySales) -> dict[str, Records]:
        """Return rows by entity that the export at the end of a month says for the first time.

        Orders come again in every export that finds them in another status than the one before did.

        Args:
            month: position of the month in the period, from 0.
            sales: what was drawn for it.
        """
        exported: dict[str, Records] = {
            "orders": self._versions(month, replace(sales.orders, order=sales.number))
        }
        for entity, table in sales.tables().items():
            rows = replace(table, order=sales.number[table.order])
            self._delayed.add(entity, rows, np.searchsorted(self._exports, rows.at, side="right"))
            ready = concat([*self._delayed.pop_month(entity, month), rows.take(slice(0))])
            exported[entity] = ready.take(np.argsort(ready.at, kind="stable"))
        return exported

    def _versions(self, month: int, new: Orders) -> Orders:
        """Return orders whose status the last export did not have, as they are now."""
        export_at = int(self._exports[month])
        orders = concat([*self._open, new])
        state = orders.state_before(export_at)
        is_changed = state != orders.state
        since = np.where(is_changed, export_at, orders.since)
        orders = replace(orders, state=state, since=since)
        self._open = [orders.take(state < STATE["delivered"])]
        return orders.take(is_changed)


def _refunds_due(corrections: Lines, orders: Orders) -> tuple[Ints, Ints, Ints]:
    """Return corrected orders that had been paid, when money goes back, and how much in negative cents."""
    refund_cents = sum_by(corrections.order, corrections.due_cents, orders.size)
    at = np.zeros(orders.size, dtype=np.int64)
    at[corrections.order] = corrections.at
    order = np.flatnonzero((refund_cents != 0) & (orders.approved < NEVER))
    return order, at[order], refund_cents[order]
