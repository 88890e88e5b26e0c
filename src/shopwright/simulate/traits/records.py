"""The order side as an ordinary export states it: amounts apart from prices, taxes, currencies, refunds, totals.

Amounts are whole cents of the order's own currency, quantities thousandths, and prices of one unit millionths of the currency.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.simulate.arrays import concat, sum_by
from shopwright.simulate.sales.records import LINE_KIND, Lines, Orders, Payments, Records, Reviews, no_faults

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Flags, Ints
    from shopwright.simulate.sales.market import Sales

UNITS = ("", "kg")
CURRENCIES = ("EUR", "USD", "GBP")
"""Currencies of orders; the first one is the shop's."""
PAYMENT_STATUSES = ("captured", "failed", "voided")


@dataclass(frozen=True)
class OrdinaryOrders(Orders):
    """Orders with what an ordinary export states of them beside their lines."""

    currency: Ints
    """Position in ``CURRENCIES``."""
    is_test: Flags
    is_voided: Flags
    has_lines: Flags
    """Whether the export has the order's lines."""
    is_tax_included: Flags
    subtotal: Ints
    discount: Ints
    shipping: Ints
    tax: Ints
    total: Ints


@dataclass(frozen=True)
class OrdinaryLines(Lines):
    """Lines that state a price, an amount, or both."""

    milli: Ints
    """Quantity in thousandths."""
    unit: Ints
    """Position in ``UNITS``."""
    micro: Ints
    """Price of one unit in millionths."""
    amount: Ints
    """Cents of the line; with the tax, where that is inside."""
    tax: Ints
    is_tax_included: Flags
    has_price: Flags
    """Whether the export states the price."""
    has_amount: Flags
    """Whether the export states the amount."""
    currency: Ints

    @property
    def added_tax(self) -> Ints:
        """Cents of tax on top of each line's amount."""
        return np.where(self.is_tax_included, 0, self.tax)


@dataclass(frozen=True)
class OrdinaryPayments(Payments):
    """Payments, among them such as failed or were voided."""

    status: Ints
    """Position in ``PAYMENT_STATUSES``."""
    currency: Ints


@dataclass(frozen=True)
class Refunds(Records):
    """Lines of refunds, as positive amounts; ``at`` is when the money went back."""

    line: Ints
    """Number of the order line given back; -1 for what belongs to no line."""
    product: Ints
    milli: Ints
    amount: Ints
    """Cents of goods, without tax and less their part of the discount."""
    tax: Ints
    shipping: Ints
    adjustment: Ints
    currency: Ints


@dataclass(frozen=True)
class OrdinarySales:
    """All that an ordinary export ever states of the orders of one month; rows point at their order by its position."""

    number: Ints
    orders: OrdinaryOrders
    lines: OrdinaryLines
    payments: OrdinaryPayments
    refunds: Refunds
    reviews: Reviews

    @classmethod
    def from_sales(cls, sales: Sales) -> OrdinarySales:
        """Return sales in which nothing is out of the ordinary yet: whole pieces, the shop's currency, no taxes."""
        orders, lines, payments = sales.orders, sales.lines, sales.payments
        no, zero = np.zeros(orders.size, dtype=bool), np.zeros(orders.size, dtype=np.int64)
        no_line, zero_line = np.zeros(lines.size, dtype=bool), np.zeros(lines.size, dtype=np.int64)
        zero_payment = np.zeros(payments.size, dtype=np.int64)
        return cls(
            number=sales.number.astype(np.int64),
            orders=OrdinaryOrders(
                **_columns(orders),
                currency=zero,
                is_test=no,
                is_voided=no,
                has_lines=~no,
                is_tax_included=no,
                subtotal=zero,
                discount=zero,
                shipping=zero,
                tax=zero,
                total=zero,
            ),
            lines=OrdinaryLines(
                **_columns(lines),
                milli=lines.quantity * 1_000,
                unit=zero_line,
                micro=lines.cents * 10_000,
                amount=lines.goods,
                tax=zero_line,
                is_tax_included=no_line,
                has_price=~no_line,
                has_amount=no_line,
                currency=zero_line,
            ),
            payments=OrdinaryPayments(**_columns(payments), status=zero_payment, currency=zero_payment),
            refunds=no_refunds(),
            reviews=sales.reviews,
        )

    def tables(self) -> dict[str, Records]:
        """Return the rows by entity that come to be known one after the other."""
        has_lines = self.orders.has_lines[self.lines.order]
        return {
            "order_items": self.lines.take(has_lines),
            "payments": self.payments,
            "reviews": self.reviews,
            "refunds": self.refunds,
        }

    @property
    def is_correction(self) -> Flags:
        """Lines that were not there when their order was placed."""
        flags: Flags = self.lines.at > self.orders.at[self.lines.order]
        return flags

    def with_lines(self, order: Ints, kind: str, cents: Ints, at: Ints) -> OrdinarySales:
        """Return the sales with one line more for each of the orders, which states its amount and no price."""
        size = len(order)
        no, zero = np.zeros(size, dtype=bool), np.zeros(size, dtype=np.int64)
        last = np.zeros(self.orders.size, dtype=np.int64)
        np.maximum.at(last, self.lines.order, self.lines.number)
        lines = OrdinaryLines(
            order=order,
            at=at,
            fault=no_faults(size),
            number=last[order] + 1,
            kind=np.full(size, LINE_KIND[kind]),
            product=zero - 1,
            seller=zero - 1,
            quantity=zero + 1,
            cents=cents,
            freight=zero,
            milli=zero + 1_000,
            unit=zero,
            micro=cents * 10_000,
            amount=cents,
            tax=zero,
            is_tax_included=no,
            has_price=no,
            has_amount=~no,
            currency=zero,
        )
        return replace(self, lines=concat([self.lines, lines]))

    def with_payments_changed(self, paid: Ints, refunded: Ints) -> OrdinarySales:
        """Return the sales with other payments, where there are any.

        Args:
            paid: cents that each order's last payment is higher, (orders,).
            refunded: cents that its refund is higher as a number, (orders,); mostly negative.
        """
        payments = self.payments
        is_refund = payments.cents < 0
        last = np.full(self.orders.size, -1)
        np.maximum.at(last, payments.order[~is_refund], payments.sequence[~is_refund])
        is_last = ~is_refund & (payments.sequence == last[payments.order])
        change = np.where(is_last, paid[payments.order], np.where(is_refund, refunded[payments.order], 0))
        return replace(self, payments=replace(payments, cents=payments.cents + change))

    def by_order(self, values: Ints, rows: Flags) -> Ints:
        """Return the sum of values of some lines by order, (orders,)."""
        return sum_by(self.lines.order[rows], values[rows], self.orders.size)


def no_refunds() -> Refunds:
    """Return no rows."""
    empty = np.zeros(0, dtype=np.int64)
    return Refunds(**{field.name: empty for field in fields(Refunds)})


def _additions(table: type[Records], base: type[Records]) -> tuple[str, ...]:
    plain = {field.name for field in fields(base)}
    return tuple(field.name for field in fields(table) if field.name not in plain)


ADDED_COLUMNS: dict[type[Records], tuple[str, ...]] = {
    OrdinaryOrders: _additions(OrdinaryOrders, Orders),
    OrdinaryLines: _additions(OrdinaryLines, Lines),
    OrdinaryPayments: _additions(OrdinaryPayments, Payments),
    Refunds: ("tax", "currency"),
}
"""Columns of each kind of row that plain exports do not have."""


def _columns(table: Records) -> dict[str, Any]:
    return {field.name: getattr(table, field.name) for field in fields(table)}


def rounded_share(amount: Ints, numerator: Ints, denominator: Ints | int) -> Ints:
    """Return amount * numerator / denominator in whole cents, halves away from zero.

    Example:
        >>> rounded_share(np.array([5, -5]), np.array([1, 1]), np.array([2, 2])).tolist()
        [3, -3]
    """
    product = np.abs(amount) * numerator
    result: Ints = np.sign(amount) * ((2 * product + denominator) // (2 * denominator))
    return result
