"""What is right about each order of an ordinary export, in the shop's currency.

Amounts are in ten-thousandths: each amount and tax of a line is converted with the rate of the order's day and rounded, halves away
from zero; only then is a tax inside an amount taken from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.simulate.arrays import sum_by
from shopwright.simulate.events import FIRST_ORDER
from shopwright.simulate.sales.records import LINE_KIND
from shopwright.simulate.seasonality import DAY
from shopwright.simulate.traits.money import is_off
from shopwright.simulate.traits.records import CURRENCIES, rounded_share

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Flags, Ints
    from shopwright.simulate.traits.rates import Rates
    from shopwright.simulate.traits.records import OrdinaryOrders, OrdinarySales, Refunds
    from shopwright.simulate.users import Users

ORDERS_FILE = "truth/orders.parquet"
"""One row per order: ids, flags, ``AMOUNTS`` in the shop's currency, and the currency and total that the customer saw."""
REFUNDS_FILE = "truth/refunds.parquet"
"""One row per day with refunds: refund_date, refund_count, and what was refunded in the shop's currency."""
AMOUNTS = (
    "gross_amount",
    "discount_amount",
    "return_amount",
    "fee_amount",
    "adjustment_amount",
    "freight_amount",
    "tax_amount",
    "tip_amount",
    "gift_card_amount",
    "net_amount",
    "total_amount",
)
"""Total = gross - discounts - returns + fees + adjustments + freight + tax + tips + gift cards; net is 0 where the order is off."""
REFUND_AMOUNTS = ("return_amount", "tax_amount", "freight_amount", "adjustment_amount")
_SIGNS = {"sale": 1, "discount": -1, "return": -1, "fee": 1, "adjustment": 1, "tip": 1, "gift_card": 1}
_SHARE = 100
"""Cents times a rate in ten-thousandths over this are ten-thousandths."""


@dataclass
class OrderCounter:
    """The right figures of each order; grows month by month."""

    users: Users
    rates: Rates
    end: int
    """When the last export was made, in milliseconds."""
    order_blocks: list[dict[str, Any]] = field(default_factory=list)
    refund_blocks: list[dict[str, Any]] = field(default_factory=list)

    def add(self, sales: OrdinarySales) -> None:
        """Count the orders of a month."""
        orders = sales.orders
        rate = self.rates.rate_at(orders.currency, orders.at)
        amounts = _line_amounts(sales, rate)
        _use_totals(amounts, orders, rate)
        refunds = _refund_amounts(sales.refunds, rate)
        for name, sign in (("return", 1), ("tax", -1), ("freight", -1), ("adjustment", -1)):
            refunded = sum_by(sales.refunds.order, refunds[f"{name}_amount"], orders.size)
            amounts[f"{name}_amount"] = amounts[f"{name}_amount"] + sign * refunded
        off = is_off(sales, self.end)
        merchandise = amounts["gross_amount"] - amounts["discount_amount"] - amounts["return_amount"]
        amounts["net_amount"] = np.where(off, 0, merchandise)
        extras = ("fee", "adjustment", "freight", "tax", "tip", "gift_card")
        amounts["total_amount"] = merchandise + sum(amounts[f"{name}_amount"] for name in extras)
        self.order_blocks.append(
            {
                "number": sales.number,
                "user": orders.user,
                "ordered_at": orders.at,
                "is_test": orders.is_test,
                "is_canceled": off,
                **{name: amounts[name] for name in AMOUNTS},
                "currency": orders.currency,
                "presentment_total_amount": _totals_seen(sales),
            }
        )
        self.refund_blocks.append(
            {"day": sales.refunds.at // DAY, "order": sales.number[sales.refunds.order], **refunds}
        )

    def tables(self) -> dict[str, dict[str, Any]]:
        """Return the columns of each file of truth."""
        orders, refunds = (_joined(blocks) for blocks in (self.order_blocks, self.refund_blocks))
        by_number = np.argsort(orders["number"], kind="stable")
        orders = {name: values[by_number] for name, values in orders.items()}
        days, position = np.unique(refunds["day"], return_inverse=True)
        pairs = np.unique(np.stack([position.ravel(), refunds["order"]], axis=1), axis=0)
        number, user = orders.pop("number"), orders.pop("user")
        ids = [f"o{order + FIRST_ORDER}" for order in number.tolist()]
        customers = [self.users.id_of(customer) for customer in user.tolist()]
        return {
            ORDERS_FILE: {
                "order_id": np.array(ids, dtype=object),
                "customer_id": np.array(customers, dtype=object),
                **orders,
            },
            REFUNDS_FILE: {
                "day": days,
                "refund_count": np.bincount(pairs[:, 0], minlength=len(days)),
                **{name: sum_by(position.ravel(), refunds[name], len(days)) for name in REFUND_AMOUNTS},
            },
        }


def totals(orders: dict[str, Any]) -> dict[str, Any]:
    """Return counts and sums over all orders but tests, which count in no figure."""
    is_real = ~orders["is_test"]
    is_counted = is_real & ~orders["is_canceled"]
    return {
        "currency": CURRENCIES[0],
        "orders": int(is_real.sum()),
        "canceled_orders": int((is_real & orders["is_canceled"]).sum()),
        "test_orders": int((~is_real).sum()),
        "counted_orders": int(is_counted.sum()),
        **{name: str(Decimal(int(orders[name][is_real].sum())).scaleb(-4)) for name in AMOUNTS},
    }


def _line_amounts(sales: OrdinarySales, rate: Ints) -> dict[str, Ints]:
    """Return each amount of each order, from its lines; net and total are missing."""
    lines, size = sales.lines, sales.orders.size
    of_line = rate[lines.order]
    amount, tax, freight = (
        rounded_share(cents, of_line, _SHARE) for cents in (lines.amount, lines.tax, lines.freight)
    )
    pretax = amount - np.where(lines.is_tax_included, tax, 0)

    def total(values: Ints, rows: Flags | slice = slice(None)) -> Ints:
        return sum_by(lines.order[rows], values[rows], size)

    names = {"sale": "gross"}
    amounts = {
        f"{names.get(kind, kind)}_amount": sign * total(pretax, lines.kind == LINE_KIND[kind])
        for kind, sign in _SIGNS.items()
    }
    return amounts | {"freight_amount": total(freight), "tax_amount": total(tax)}


def _use_totals(amounts: dict[str, Ints], orders: OrdinaryOrders, rate: Ints) -> None:
    """Replace the amounts of orders without lines, which are worth what they state."""
    subtotal, shipping, tax = (
        rounded_share(cents, rate, _SHARE) for cents in (orders.subtotal, orders.shipping, orders.tax)
    )
    pretax = subtotal - np.where(orders.is_tax_included, tax, 0)
    for name, values in (("gross", pretax), ("freight", shipping), ("tax", tax)):
        amounts[f"{name}_amount"] = np.where(orders.has_lines, amounts[f"{name}_amount"], values)


def _refund_amounts(refunds: Refunds, rate: Ints) -> dict[str, Ints]:
    cents = (refunds.amount, refunds.tax, refunds.shipping, refunds.adjustment)
    of_line = rate[refunds.order]
    return {
        name: rounded_share(values, of_line, _SHARE)
        for name, values in zip(REFUND_AMOUNTS, cents, strict=True)
    }


def _totals_seen(sales: OrdinarySales) -> Ints:
    """Return what each order comes to in the currency of the customer, in ten-thousandths."""
    lines, refunds, size = sales.lines, sales.refunds, sales.orders.size
    charged = sum_by(lines.order, lines.amount + lines.added_tax + lines.freight, size)
    back = refunds.amount + refunds.tax + refunds.shipping + refunds.adjustment
    return (charged - sum_by(refunds.order, back, size)) * 100


def _joined(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
