"""What the order side's files hold, counted while they are made: before dirt, and up to the last export."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.simulate.arrays import sum_by
from shopwright.simulate.events import FIRST_ORDER
from shopwright.simulate.sales.aftermath import LATENESS
from shopwright.simulate.sales.records import LINE_KIND, LINE_KINDS, METHODS, STATE, STATES
from shopwright.simulate.truth import MAX_LISTED, money

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Ints
    from shopwright.simulate.sales.market import Sales
    from shopwright.simulate.sales.sellers import Sellers
    from shopwright.simulate.seasonality import Period

SELLER_COUNTS = ("orders", "delivered", "late", "canceled", "sold_cents", "returned_cents")


@dataclass
class SalesCounter:
    """Sums over the order side; grows month by month."""

    users: int
    sellers: Sellers
    end: int
    """When the last export was made, in milliseconds."""
    orders_by_month: list[int] = field(default_factory=list)
    versions: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    """Single counts and sums of cents, by name."""
    by_state: Ints = field(init=False)
    lines: Ints = field(init=False)
    """Rows, units, cents of goods and of freight, by kind of line; shape (kinds, 4)."""
    paid: Ints = field(init=False)
    """Rows and cents by method; shape (methods, 2)."""
    scores: Ints = field(init=False)
    """Reviews by lateness and score; shape (latenesses, 5)."""
    orders_of: Ints = field(init=False)
    """Orders of each user."""
    of_sellers: Ints = field(init=False)
    """``SELLER_COUNTS`` of each seller."""
    wrong: list[int] = field(default_factory=list)
    """Numbers of the orders paid with another sum."""

    def __post_init__(self) -> None:
        self.by_state = np.zeros(len(STATES), dtype=np.int64)
        self.lines = np.zeros((len(LINE_KINDS), 4), dtype=np.int64)
        self.paid = np.zeros((len(METHODS), 2), dtype=np.int64)
        self.scores = np.zeros((len(LATENESS), 5), dtype=np.int64)
        self.orders_of = np.zeros(self.users, dtype=np.int64)
        self.of_sellers = np.zeros((self.sellers.size, len(SELLER_COUNTS)), dtype=np.int64)

    def add(self, sales: Sales, *, versions: int) -> None:
        """Count the orders of a month with what is known of them at the last export, and the versions exported."""
        self.versions += versions
        state = sales.orders.state_before(self.end)
        self.orders_by_month.append(sales.orders.size)
        self.by_state += np.bincount(state, minlength=len(STATES))
        np.add.at(self.orders_of, sales.orders.user, 1)
        self._add_lines(sales, state)
        self._add_money(sales, state)
        self._add_delivery(sales, state)
        self._add_sellers(sales, state)

    def _count(self, **amounts: int) -> None:
        for name, amount in amounts.items():
            self.counts[name] = self.counts.get(name, 0) + int(amount)

    def _add_lines(self, sales: Sales, state: Ints) -> None:
        lines = sales.lines
        columns = [np.ones_like(lines.quantity), lines.quantity, lines.goods, lines.freight]
        np.add.at(self.lines, lines.kind, np.stack(columns, axis=1))
        is_sale, is_return = (lines.kind == LINE_KIND[name] for name in ("sale", "return"))
        is_off = np.isin(state, [STATE["canceled"], STATE["unavailable"]])[lines.order]
        self._count(
            without_seller=((lines.product >= 0) & (lines.seller < 0)).sum(),
            free=(is_sale & (lines.cents == 0)).sum(),
            returned=len(np.unique(lines.order[is_return & ~is_off])),
            called_off_cents=lines.goods[is_sale & is_off].sum(),
            called_off_freight=lines.freight[is_sale & is_off].sum(),
            lines_of_largest=0,
        )
        max_lines = int(np.bincount(lines.order[is_sale]).max(initial=0))
        self.counts["lines_of_largest"] = max(self.counts["lines_of_largest"], max_lines)

    def _add_money(self, sales: Sales, state: Ints) -> None:
        payments = sales.payments
        is_refund = payments.cents < 0
        rows = np.stack([np.ones_like(payments.cents), payments.cents], axis=1)[~is_refund]
        np.add.at(self.paid, payments.method[~is_refund], rows)
        pieces = np.bincount(payments.order[~is_refund], minlength=sales.orders.size)
        is_unpaid = state == STATE["created"]
        is_wrong = sales.is_wrong & (pieces > 0)
        received = sum_by(payments.order[~is_refund], payments.cents[~is_refund], sales.orders.size)
        self._count(
            refunds=is_refund.sum(),
            refund_cents=payments.cents[is_refund].sum(),
            unpaid=is_unpaid.sum(),
            unpaid_cents=sales.due_cents[is_unpaid].sum(),
            paid_orders=(pieces > 0).sum(),
            several_payments=(pieces > 1).sum(),
            wrong=is_wrong.sum(),
            wrong_cents=(received - sales.due_cents)[is_wrong].sum(),
        )
        self.wrong += sales.number[is_wrong].tolist()

    def _add_delivery(self, sales: Sales, state: Ints) -> None:
        orders, reviews = sales.orders, sales.reviews
        is_late = orders.delivered > orders.promised
        self._count(
            late=((state == STATE["delivered"]) & is_late).sum(), answered=(reviews.answered >= 0).sum()
        )
        np.add.at(self.scores, (reviews.lateness, reviews.score - 1), 1)

    def _add_sellers(self, sales: Sales, state: Ints) -> None:
        """Count each order for all of its sellers that the export states."""
        lines, orders = sales.lines, sales.orders
        with_seller = lines.take(lines.seller >= 0)
        is_sale = with_seller.kind == LINE_KIND["sale"]
        pairs = np.unique(with_seller.order[is_sale] * self.sellers.size + with_seller.seller[is_sale])
        order, seller = pairs // self.sellers.size, pairs % self.sellers.size
        is_delivered = state == STATE["delivered"]
        flags = [
            np.ones(orders.size, dtype=bool),
            is_delivered,
            is_delivered & (orders.delivered > orders.promised),
            state == STATE["canceled"],
        ]
        np.add.at(self.of_sellers[:, :4], seller, np.stack(flags, axis=1)[order].astype(np.int64))
        np.add.at(self.of_sellers[:, 4], with_seller.seller[is_sale], with_seller.goods[is_sale])
        is_return = with_seller.kind == LINE_KIND["return"]
        np.add.at(self.of_sellers[:, 5], with_seller.seller[is_return], with_seller.goods[is_return])


def describe_sales(counter: SalesCounter, period: Period) -> dict[str, Any]:
    """Return the truth about the order side, as one JSON document.

    Money is summed from the rows as they are written, so what reduces an order (returns, discounts, refunds) is
    negative. Rates over nothing are null.
    """
    return {
        "orders": _orders(counter, period),
        "lines": _lines(counter),
        "payments": _payments(counter),
        "delivery": _delivery(counter),
        "reviews": _reviews(counter),
        "customers": _customers(counter),
        "sellers": [_seller(counter, seller) for seller in range(counter.sellers.size)],
    }


def _rate(count: int, total: int) -> float | None:
    return int(count) / int(total) if total else None


def _orders(counter: SalesCounter, period: Period) -> dict[str, Any]:
    total = int(counter.by_state.sum())
    called_off = int(counter.by_state[STATE["canceled"]])
    months = (f"{first:%Y-%m}" for first in period.first_days[:-1])
    return {
        "count": total,
        "versions": counter.versions,
        "by_status": dict(zip(STATES, counter.by_state.tolist(), strict=True)),
        "by_month": dict(zip(months, counter.orders_by_month, strict=True)),
        "cancellation_rate": _rate(called_off, total),
        "most_items": counter.counts["lines_of_largest"],
    }


def _lines(counter: SalesCounter) -> dict[str, Any]:
    rows, _, goods, freight = counter.lines.sum(axis=0).tolist()
    kinds = {
        name: {"rows": row[0], "units": row[1], "amount": money(row[2]), "freight": money(row[3])}
        for name, row in zip(LINE_KINDS, counter.lines.tolist(), strict=True)
    }
    return {
        "count": rows,
        "by_kind": kinds,
        "amount": money(goods),
        "freight": money(freight),
        "owed": money(goods + freight),
        "called_off": {
            "amount": money(counter.counts["called_off_cents"]),
            "freight": money(counter.counts["called_off_freight"]),
            "means": "sale lines of orders canceled or unavailable; lines of the same sum take them back",
        },
        "orders_with_returns": counter.counts["returned"],
        "without_seller": counter.counts["without_seller"],
        "free_items": counter.counts["free"],
    }


def _payments(counter: SalesCounter) -> dict[str, Any]:
    counts = counter.counts
    rows, cents = counter.paid.sum(axis=0).tolist()
    listed = sorted(counter.wrong)[:MAX_LISTED]
    return {
        "count": rows + counts["refunds"],
        "amount": money(cents + counts["refund_cents"]),
        "by_method": {
            name: {"rows": row[0], "amount": money(row[1])}
            for name, row in zip(METHODS, counter.paid.tolist(), strict=True)
        },
        "refunds": {"rows": counts["refunds"], "amount": money(counts["refund_cents"])},
        "orders_paid": counts["paid_orders"],
        "orders_with_several_payments": counts["several_payments"],
        "unpaid": {"orders": counts["unpaid"], "owed": money(counts["unpaid_cents"])},
        "wrong": {
            "orders": counts["wrong"],
            "share": _rate(counts["wrong"], counts["paid_orders"]),
            "paid_beyond_owed": money(counts["wrong_cents"]),
            "is_complete": len(listed) == counts["wrong"],
            "order_ids": [order_id(number) for number in listed],
        },
    }


def order_id(number: int) -> str:
    """Return id of an order as exports write it, also in its purchase events."""
    return f"o{number + FIRST_ORDER}"


def _delivery(counter: SalesCounter) -> dict[str, Any]:
    delivered, late = int(counter.by_state[STATE["delivered"]]), counter.counts["late"]
    return {
        "late_means": "delivered_at > promised_at",
        "delivered": delivered,
        "late": late,
        "late_rate": _rate(late, delivered),
    }


def _reviews(counter: SalesCounter) -> dict[str, Any]:
    by_lateness = {
        name: {"reviews": int(row.sum()), "mean_score": _rate(row @ np.arange(1, 6), row.sum())}
        for name, row in zip(LATENESS, counter.scores, strict=True)
    }
    scores = counter.scores.sum(axis=0)
    return {
        "count": int(scores.sum()),
        "answered": counter.counts["answered"],
        "by_score": {str(score): int(count) for score, count in enumerate(scores, start=1)},
        "mean_score": _rate(scores @ np.arange(1, 6), scores.sum()),
        "by_lateness": by_lateness,
    }


def _customers(counter: SalesCounter) -> dict[str, Any]:
    customers, repeating = (int((counter.orders_of >= min_orders).sum()) for min_orders in (1, 2))
    return {"people": customers, "repeating": repeating, "repeat_rate": _rate(repeating, customers)}


def _seller(counter: SalesCounter, seller: int) -> dict[str, Any]:
    """Return what the seller was made of, and what came of it by the seller that lines state."""
    sellers = counter.sellers
    orders, delivered, late, canceled, sold, returned = counter.of_sellers[seller].tolist()
    return {
        "seller_id": sellers.id_of(seller),
        "handling_days": float(sellers.handling_days[seller]),
        "late_chance": float(sellers.late_rate[seller]),
        "cancellation_chance": float(sellers.cancellation_rate[seller]),
        "orders": orders,
        "delivered": delivered,
        "late": late,
        "canceled": canceled,
        "sold": money(sold),
        "returned": money(returned),
    }
