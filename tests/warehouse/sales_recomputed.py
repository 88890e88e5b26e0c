"""Sales of random shops, and their amounts computed again in Python from the raw rows alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

UNIT = Decimal("0.0001")
START = datetime(2025, 3, 1, 12)  # noqa: DTZ001  # naive UTC, as everywhere
RATES = {
    "EUR": {date(2025, 3, 1): Decimal("1.083700000001"), date(2025, 3, 6): Decimal("1.1")},
    "JPY": {date(2025, 3, 1): Decimal("0.006712345678"), date(2025, 3, 20): Decimal("0.0067")},
}
"""Units of the shop's currency for one unit, from a day on."""
AMOUNTS = (
    "gross",
    "discount",
    "return",
    "fee",
    "adjustment",
    "freight",
    "tax",
    "tip",
    "gift_card",
    "canceled",
    "net",
    "total",
)


def rounded(amount: Decimal) -> Decimal:
    """Return an amount at four decimals, halves away from zero."""
    return amount.quantize(UNIT, ROUND_HALF_UP)


def rate_on(currency: str, day: date) -> Decimal | None:
    """Return the latest rate on or before a day, at most seven days old."""
    if currency == "USD":
        return Decimal(1)
    days = [first for first in RATES.get(currency, {}) if 0 <= (day - first).days <= 7]
    return RATES[currency][max(days)] if days else None


@dataclass
class Rows:
    """Raw rows by entity."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    order_items: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    payments: list[dict[str, Any]] = field(default_factory=list)


def _cents(rng: random.Random, low: int, high: int) -> Decimal:
    return Decimal(rng.randint(low, high)) / 100


def make_shop(shop: int, rng: random.Random) -> Rows:
    """Return the raw rows of one shop, whose ids no other shop has."""
    rows = Rows()
    for number in range(rng.randint(1, 4)):
        order_id = f"{shop}-{number}"
        ordered_at = START + timedelta(hours=rng.randint(0, 24 * 24))
        currency = rng.choice(["USD", "USD", "EUR", "JPY", None])
        rows.orders.append(_order(order_id, shop, ordered_at, currency, rng))
        lines = [_line(order_id, line, rng) for line in range(1, rng.randint(0, 4) + 1)]
        rows.order_items += lines
        rows.refunds += [_refund(order_id, ordered_at, line, rng) for line in lines if rng.random() < 0.15]
        if rng.random() < 0.6:
            rows.payments += _payments(order_id, rng)
    return rows


def _order(order_id, shop, ordered_at, currency, rng):
    stated = rng.random() < 0.5
    return {
        "order_id": order_id,
        "customer_id": rng.choice([f"{shop}-k1", f"{shop}-k2", None]),
        "status": rng.choice(["paid", "delivered", "Voided", "failed", "canceled", None]),
        "ordered_at": ordered_at.isoformat() + "Z",
        "canceled_at": (ordered_at + timedelta(hours=1)).isoformat() + "Z" if rng.random() < 0.05 else None,
        "is_test": rng.random() < 0.05,
        "currency": currency and rng.choice([currency, currency.lower()]),
        "total_amount": str(_cents(rng, 3_000, 9_000)) if stated and rng.random() < 0.7 else None,
        "subtotal_amount": str(_cents(rng, 1_000, 9_000)) if stated else None,
        "discount_amount": str(_cents(rng, -500, 500)) if stated and rng.random() < 0.5 else None,
        "shipping_amount": str(_cents(rng, 0, 900)) if stated and rng.random() < 0.5 else None,
        "tax_amount": str(_cents(rng, 0, 900)) if stated and rng.random() < 0.5 else None,
    }


def _line(order_id, line, rng):
    kind = rng.choice(
        ["sale"] * 6 + ["return", "discount", "fee", "adjustment", "tip", "gift_card", "tax", "shipping"]
    )
    price = Decimal(rng.randint(1, 10**9)) / rng.choice([10**6, 10**7, 10**9])
    quantity = Decimal(rng.randint(1, 5000)) / rng.choice([1000, 1000, 500])
    if kind == "return" or (kind == "sale" and rng.random() < 0.05):
        quantity = -quantity
    row = {
        "order_id": order_id,
        "line_number": line,
        "kind": kind,
        "quantity": str(quantity),
        "product_id": f"p{line}",
    }
    if rng.random() < 0.5:
        row["line_amount"] = str(rounded(price * quantity))
    else:
        row["unit_price"] = str(price)
    if rng.random() < 0.3 and kind in ("sale", "return"):
        row |= {"tax_amount": str(_cents(rng, 0, 2)), "is_tax_included": rng.random() < 0.5}
        if abs(price * quantity) < Decimal("0.05"):
            row["is_tax_included"] = False
    if rng.random() < 0.2 and kind in ("sale", "return"):
        row["discount_amount"] = str(_cents(rng, 0, 50))
    if rng.random() < 0.2:
        row["freight"] = str(_cents(rng, 0, 500))
    if rng.random() < 0.15:
        row["currency"] = rng.choice(["USD", "EUR", "JPY"])
    return row


def _refund(order_id, ordered_at, line, rng):
    return {
        "refund_id": f"r{line['line_number']}",
        "order_id": order_id,
        "line_number": line["line_number"] if rng.random() < 0.8 else None,
        "refunded_at": (ordered_at + timedelta(days=rng.randint(0, 20))).isoformat() + "Z",
        "quantity": "0.5",
        "line_amount": str(_cents(rng, 0, 2_000)),
        "tax_amount": rng.choice([None, str(_cents(rng, 0, 100))]),
        "shipping_amount": rng.choice([None, str(_cents(rng, 0, 100))]),
        "adjustment_amount": rng.choice([None, str(_cents(rng, -100, 100))]),
    }


def _payments(order_id, rng):
    return [
        {
            "order_id": order_id,
            "sequence": number,
            "method": rng.choice(["card", "Gift Card", "store_credit"]),
            "status": rng.choice([None, "captured", "failed"]),
            "amount": str(_cents(rng, -2_000, 9_000)),
        }
        for number in range(1, rng.randint(1, 3) + 1)
    ]


def _number(row: dict[str, Any], name: str) -> Decimal:
    return Decimal(row.get(name) or 0)


def recompute(rows: Rows) -> dict[str, dict[str, Decimal | None]]:
    """Return the amounts of each order that is no test; None where a rate is missing."""
    lines, refunds, payments = (
        _by_order(entity) for entity in (rows.order_items, rows.refunds, rows.payments)
    )
    return {
        order["order_id"]: _recompute_order(
            order, lines[order["order_id"]], refunds[order["order_id"]], payments[order["order_id"]]
        )
        for order in rows.orders
        if not order["is_test"]
    }


def _by_order(rows):
    found = defaultdict(list)
    for row in rows:
        found[row["order_id"]].append(row)
    return found


def _recompute_order(order, lines, refunds, payments):
    day = datetime.fromisoformat(order["ordered_at"].removesuffix("Z")).date()
    own_currency = (order["currency"] or "USD").upper()
    sums: dict[str, Decimal] = defaultdict(Decimal)
    is_known = True
    for part in [
        *map(_line_parts, lines),
        *_stated_parts(order, lines),
        *(p for r in refunds for p in _refund_parts(r)),
    ]:
        rate = rate_on(part.pop("currency") or own_currency, day)
        if rate is None:
            is_known = False
            continue
        kind = part.pop("kind")
        converted = {name: rounded(amount * rate) for name, amount in part.items()}
        _add(sums, kind, converted)
    is_canceled = (order["status"] or "").lower() in ("canceled", "voided", "failed") or order["canceled_at"]
    goods = sums["gross"] - sums["discount"] - sums["return"]
    sums["canceled" if is_canceled else "net"] = goods
    sums["total"] = goods + sum(
        sums[name] for name in ("fee", "adjustment", "freight", "tax", "tip", "gift_card")
    )
    result = {name: sums[name] if is_known else None for name in AMOUNTS}
    rate = rate_on(own_currency, day)
    paid = [row for row in payments if row["status"] != "failed"]
    result["paid"] = (
        None if rate is None else sum((rounded(_number(row, "amount") * rate) for row in paid), Decimal(0))
    )
    return result


def _add(sums, kind, part):
    pretax = part["amount"] - part["included"]
    name = {"sale": "gross", "shipping": "freight"}.get(kind, kind)
    sums[name] += -pretax if kind in ("return", "discount") else pretax
    sums["tax"] += part["tax"]
    sums["discount"] += part["discount"]
    sums["freight"] += part["freight"]


def _line_parts(row):
    amount = rounded(
        Decimal(row["line_amount"])
        if "line_amount" in row
        else Decimal(row["unit_price"]) * Decimal(row["quantity"])
    )
    kind = "return" if row["kind"] == "sale" and (amount < 0 or Decimal(row["quantity"]) < 0) else row["kind"]
    amount = -abs(amount) if kind == "discount" else amount
    tax = _number(row, "tax_amount") * (-1 if amount < 0 else 1)
    return {
        "kind": kind,
        "currency": row.get("currency"),
        "amount": amount,
        "tax": tax,
        "included": tax if row.get("is_tax_included") else Decimal(0),
        "discount": _number(row, "discount_amount") * (-1 if kind == "return" else 1),
        "freight": _number(row, "freight"),
    }


def _part(kind, amount, *, tax=0, freight=0):
    zero = Decimal(0)
    part = {"kind": kind, "currency": None, "amount": amount, "tax": zero + tax, "included": zero}
    return part | {"discount": zero, "freight": zero + freight}


def _stated_parts(order, lines):
    discount, shipping, tax = (
        abs(_number(order, "discount_amount")),
        _number(order, "shipping_amount"),
        _number(order, "tax_amount"),
    )
    goods = None
    if not lines and order["total_amount"]:
        goods = Decimal(order["total_amount"]) - shipping - tax + discount
    elif not lines and order["subtotal_amount"]:
        goods = Decimal(order["subtotal_amount"])
    if goods is not None:
        yield _part("sale", goods)
    kinds = {row["kind"] for row in lines}
    if discount and "discount" not in kinds and not any(_number(row, "discount_amount") for row in lines):
        yield _part("discount", -discount)
    if shipping and "shipping" not in kinds and not any(_number(row, "freight") for row in lines):
        yield _part("shipping", shipping)
    if tax and "tax" not in kinds and not any(_number(row, "tax_amount") for row in lines):
        yield _part("tax", tax)


def _refund_parts(row):
    yield _part(
        "return",
        -_number(row, "line_amount"),
        tax=-_number(row, "tax_amount"),
        freight=-_number(row, "shipping_amount"),
    )
    if _number(row, "adjustment_amount"):
        yield _part("adjustment", -_number(row, "adjustment_amount"))
