"""The rules of whole rows, said again in Python, of rows as a source writes them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from shopwright.contracts import BY_NAME
from shopwright.contracts.events import MAX_LINE_AMOUNT
from shopwright.contracts.sales import MAX_AMOUNT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contracts.generated import DrawnRow, ShopSettings

GOODS = ("sale", "return", "gift_card")
DERIVED_FAULTS = frozenset({"line_amount_out_of_range"})
"""Rules of a column that other columns are multiplied to."""


def rules_of_rows(entity: str) -> frozenset[str]:
    """Return the names of the rules that a whole row may break."""
    return frozenset(rule.name for rule in BY_NAME[entity].rules) | DERIVED_FAULTS


def broken_rules(row: DrawnRow, shop: ShopSettings) -> set[str]:
    """Return the rules that a row breaks whose columns are all fine by themselves."""
    conditions = RESTATED.get(row.entity)
    return conditions(row, shop) if conditions else set()


def _number(row: DrawnRow, column: str) -> Decimal | None:
    text = row.values.get(column)
    return Decimal(text) if text else None


def _broken_by_event(row: DrawnRow, _shop: ShopSettings) -> set[str]:
    price, quantity = _number(row, "price"), _number(row, "quantity")
    is_about_product = row.values["event_type"] in ("product_view", "add_to_cart", "remove_from_cart")
    return {
        name
        for name, is_broken in {
            "user_id_missing": not row.values.get("user_id") and not row.values.get("visitor_id"),
            "product_id_missing": is_about_product and not row.values.get("product_id"),
            "amount_out_of_range": price is not None
            and quantity is not None
            and price * quantity > Decimal(MAX_LINE_AMOUNT),
        }.items()
        if is_broken
    }


def _broken_by_refund(row: DrawnRow, _shop: ShopSettings) -> set[str]:
    names = ("line_amount", "tax_amount", "shipping_amount", "adjustment_amount")
    return set() if any(row.values.get(name) for name in names) else {"amount_missing"}


def _broken_by_order_line(row: DrawnRow, shop: ShopSettings) -> set[str]:
    kind = row.values["kind"]
    quantity, price = _number(row, "quantity"), _number(row, "unit_price")
    amount, tax = _number(row, "line_amount"), _number(row, "tax_amount")
    if amount is None and price is not None and quantity is not None:
        amount = (price * quantity).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    if amount is None:
        return {"amount_missing"}
    is_undone_discount = kind == "discount" and (quantity or 0) < 0 and (price or 0) < 0
    amount = -abs(amount) if is_undone_discount else amount
    if kind == "sale" and (amount < 0 or (amount == 0 and (quantity or 0) < 0)):
        kind = "return"
    return {
        name
        for name, is_broken in {
            "line_amount_out_of_range": abs(amount) > Decimal(MAX_AMOUNT) * shop.scale(row.values),
            "return_adds_money": kind == "return" and amount > 0,
            "tax_exceeds_amount": row.values.get("is_tax_included") == "true" and abs(tax or 0) > abs(amount),
            "negative_quantity_adds_money": kind == "sale" and (quantity or 0) < 0,
        }.items()
        if is_broken
    }


RESTATED: dict[str, Callable[[DrawnRow, ShopSettings], set[str]]] = {
    "events": _broken_by_event,
    "order_items": _broken_by_order_line,
    "refunds": _broken_by_refund,
}
