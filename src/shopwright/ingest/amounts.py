"""Amounts as rows come through the door: what a line is worth, and which sign each kind of amount has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

    from shopwright.contracts import Entity

NEGATIVE_SALE = "negative sale"
"""``kind_rule`` of a sale that its amount made a return."""

_LARGEST = "99999999999999::decimal(18,4)"
"""Stands for a product that no column holds: out of the limits of every amount."""

_GOODS = "('sale', 'return', 'gift_card')"
"""Kinds of lines that have a quantity; any other line without one is one piece."""

_REFUNDED = ("quantity", "line_amount", "tax_amount", "shipping_amount")


def settled_names(entity: Entity, filled: Container[str]) -> tuple[str, ...]:
    """Return the columns that rows of an entity get from what a file fills, whether or not it fills them itself."""
    if entity.name == "events":
        return ("value",) if "price" in filled and "quantity" in filled else ()
    return ("line_amount", "kind_rule") if entity.name == "order_items" else ()


def settle(
    entity: Entity, typed: dict[str, str], *, full_price: str = "null", keeps_signs: bool = False
) -> dict[str, str]:
    """Return the SQL of an entity's typed columns with amounts filled and signs by kind.

    Args:
        entity: whose rows they are.
        typed: SQL of each column that the file fills, as the source states it.
        full_price: SQL of an event's price with all its decimals, of which `price` keeps four.
        keeps_signs: whether the source's signs mean something and stay.

    Returns:
        The same columns; the last ones may refer to earlier ones by name.
    """
    if entity.name == "refunds":
        return {name: f"abs({sql})" if name in _REFUNDED else sql for name, sql in typed.items()}
    if entity.name == "events" and "value" in settled_names(entity, typed):
        return typed | {"value": f"coalesce({typed['value']}, {_amount_of_fine_price(full_price)})"}
    if entity.name != "order_items":
        return typed
    kind = typed.get("kind", "null::varchar")
    settled = dict(typed)
    if "quantity" in typed:
        settled["quantity"] = f"coalesce({typed['quantity']}, case when {kind} not in {_GOODS} then 1 end)"
    amount = f"coalesce({settled.pop('line_amount')}, {_product(typed)})"
    for name in ("kind", "kind_rule"):
        settled.pop(name, None)
    settled["line_amount"] = amount if keeps_signs else _signed(kind, amount, typed)
    settled["kind"] = kind if keeps_signs else _kind_by_amount(kind, typed)
    settled["kind_rule"] = typed["kind_rule"] if keeps_signs else _rule_by_amount(kind, typed)
    parts = {} if keeps_signs else _signs_of_parts(settled)
    return {name: sql for name, sql in settled.items() if name not in parts} | parts


def _product(typed: dict[str, str]) -> str:
    """Return SQL of price times quantity: from all decimals of the price, rounded once; null where one is beyond all limits."""
    if not {"unit_price", "quantity"} <= typed.keys():
        return "null"
    return (
        "case when abs(unit_price) < 10000000 and abs(quantity) < 10000000 "
        "then (unit_price * quantity)::decimal(18,4) "
        "when abs(unit_price) < 10000000000000 and abs(quantity) < 10000000 "
        f"then greatest(least((unit_price::decimal(28,10) * quantity)::decimal(38,4), {_LARGEST}), -{_LARGEST})"
        "::decimal(18,4) end"
    )


def _amount_of_fine_price(full_price: str) -> str:
    """Return SQL of a purchase's amount, rounded once, where its price has more decimals than are stored; else null."""
    price = f"try_cast({full_price} as decimal(30,12))"
    return (
        f"case when event_type = 'purchase' and quantity between 2 and 1000000 and {price} <> price "
        f"then least(({price} * quantity)::decimal(38,4), {_LARGEST})::decimal(18,4) end"
    )


def _signed(kind: str, amount: str, typed: dict[str, str]) -> str:
    """Return SQL of an amount by kind: a discount lowers, unless both its quantity and its price say that it is undone."""
    is_undone = "(quantity < 0 and unit_price < 0)" if {"unit_price", "quantity"} <= typed.keys() else "false"
    return f"case when {kind} = 'discount' and {is_undone} is not true then -abs({amount}) else {amount} end"


def _is_negative_sale(kind: str, typed: dict[str, str]) -> str:
    """Return SQL of whether a sale takes money back: goods that cost nothing are returned where their quantity is negative."""
    free = " or (line_amount = 0 and quantity < 0)" if "quantity" in typed else ""
    return f"{kind} = 'sale' and (line_amount < 0{free})"


def _kind_by_amount(kind: str, typed: dict[str, str]) -> str:
    return f"case when {_is_negative_sale(kind, typed)} then 'return' else {kind} end"


def _rule_by_amount(kind: str, typed: dict[str, str]) -> str:
    return f"case when {_is_negative_sale(kind, typed)} then '{NEGATIVE_SALE}' else {typed['kind_rule']} end"


def _signs_of_parts(settled: dict[str, str]) -> dict[str, str]:
    """Return SQL of a line's tax and discount: tax has the sign of the line, a discount is stated as a positive amount."""
    parts = {}
    if "tax_amount" in settled:
        tax = settled["tax_amount"]
        parts["tax_amount"] = f"case when line_amount < 0 then -abs({tax}) else {tax} end"
    if "discount_amount" in settled:
        parts["discount_amount"] = f"abs({settled['discount_amount']})"
    return parts
