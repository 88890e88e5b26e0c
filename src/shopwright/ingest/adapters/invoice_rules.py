"""Rules that decide the kind of an invoice line from its invoice number, stock code, quantity and price.

Rules are tried from first to last; the first whose condition is met gives the line its rule (``kind_rule``) and its
kind. Their order matters:

- What is not merchandise keeps its kind whichever way the money goes. A canceled postage line is a fee with a negative
  amount, not a return: nothing comes back that could be sold again.
- Merchandise that leaves the stock without a price (broken, lost, given away) is an adjustment of the stock, not a
  return. A return is merchandise with a price, or on a canceled invoice.
- Everything else is a sale, even at a price of zero: a free item is a sale with amount 0.

The counts are those of the published year of invoices (December 2010 to December 2011, 541,909 lines).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.core.sql import quote_text

if TYPE_CHECKING:
    from collections.abc import Iterable

COLUMNS = ("InvoiceNo", "StockCode", "Quantity", "UnitPrice")
"""Columns of the file that the conditions read, all of them text."""

INVOICE, CODE = "upper(trim(InvoiceNo))", "upper(trim(StockCode))"
QUANTITY, PRICE = "try_cast(Quantity as double)", "try_cast(UnitPrice as double)"


@dataclass(frozen=True, slots=True)
class LineRule:
    """A condition, and the kind of the lines that meet it."""

    name: str
    kind: str
    """One of ``LINE_KINDS``."""
    meaning: str
    condition: str
    """SQL over ``COLUMNS``; null means not met."""


RULES: tuple[LineRule, ...] = (
    LineRule(
        "bad_debt",
        "adjustment",
        "Debt written off, and its correction: 3 lines, two of them with a negative price.",
        f"{INVOICE} like 'A%' or {CODE} = 'B'",
    ),
    LineRule("discount", "discount", "A discount on the whole invoice: 77 lines.", f"{CODE} = 'D'"),
    LineRule(
        "manual",
        "adjustment",
        "Entered by hand, for or against the customer: 572 lines.",
        f"{CODE} = 'M' or {CODE} like 'ADJUST%'",
    ),
    LineRule("sample", "adjustment", "Samples sent out: 63 lines.", f"{CODE} = 'S'"),
    LineRule(
        "test",
        "adjustment",
        "Test lines of the shop: none in this year, some in the year before.",
        f"{CODE} like 'TEST%'",
    ),
    LineRule("postage", "fee", "Postage charged or refunded: 1,966 lines.", f"{CODE} in ('POST', 'DOT')"),
    LineRule("carriage", "fee", "Carriage charged or refunded: 144 lines.", f"{CODE} in ('C2', 'C3')"),
    LineRule("bank_charges", "fee", "Bank charges: 37 lines.", f"{CODE} = 'BANK CHARGES'"),
    LineRule("fees", "fee", "Marketplace fees: 34 lines.", f"{CODE} like '%FEE'"),
    LineRule("charity", "fee", "Commission given to a charity: 16 lines.", f"{CODE} = 'CRUK'"),
    LineRule(
        "stock_adjustment",
        "adjustment",
        "Stock that left without a price, such as broken or lost items: 1,336 lines.",
        f"{QUANTITY} < 0 and {PRICE} = 0",
    ),
    LineRule(
        "return",
        "return",
        "Merchandise returned, on a canceled invoice or with a negative quantity: 8,704 lines.",
        f"{INVOICE} like 'C%' or {QUANTITY} < 0",
    ),
    LineRule(
        "pads",
        "sale",
        "Pads to match all cushions, sold for almost nothing, but still merchandise: 4 lines.",
        f"{CODE} = 'PADS'",
    ),
    LineRule(
        "gift_voucher",
        "sale",
        "Gift vouchers sold: 34 lines. The data does not say when a voucher is redeemed.",
        f"{CODE} like 'GIFT%'",
    ),
    LineRule("sale", "sale", "Merchandise sold, even for nothing: every other line.", "true"),
)


def rule_sql(rules: tuple[LineRule, ...] = RULES) -> str:
    """Return SQL of the name of the first rule that a line meets."""
    return _first_met((rule.condition, rule.name) for rule in rules)


def kind_sql(rules: tuple[LineRule, ...] = RULES) -> str:
    """Return SQL of the kind of the first rule that a line meets."""
    return _first_met((rule.condition, rule.kind) for rule in rules)


def _first_met(cases: Iterable[tuple[str, str]]) -> str:
    return f"case {' '.join(f'when {condition} then {quote_text(value)}' for condition, value in cases)} end"
