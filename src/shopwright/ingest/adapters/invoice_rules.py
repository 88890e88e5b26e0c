"""What a line of an invoice is, told from its invoice number, stock code, quantity and price.

The rules are tried from the first to the last and the first whose condition holds names the line
(``kind_rule``) and its kind. Their order says three things:

- What is no merchandise keeps its kind whichever way the money goes. A cancelled postage line is a fee of a
  negative amount, not a return: nothing comes back that could be sold again.
- Merchandise that leaves the stock without a price (broken, lost, given away) is an adjustment of the stock; it is
  not a return, which only merchandise with a price or on a cancelled invoice is.
- Everything else is a sale, also at a price of zero: a free item is a sale of amount 0.

The counts are those of the published year of invoices (December 2010 to December 2011, 541,909 lines).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.core.sql import quote_text

if TYPE_CHECKING:
    from collections.abc import Iterable

COLUMNS = ("InvoiceNo", "StockCode", "Quantity", "UnitPrice")
"""Columns of the file that conditions read, each of them text."""

INVOICE, CODE = "upper(trim(InvoiceNo))", "upper(trim(StockCode))"
QUANTITY, PRICE = "try_cast(Quantity as double)", "try_cast(UnitPrice as double)"


@dataclass(frozen=True, slots=True)
class LineRule:
    """What lines are that meet a condition."""

    name: str
    kind: str
    """One of ``LINE_KINDS``."""
    meaning: str
    condition: str
    """SQL over ``COLUMNS``; null counts as not met."""


RULES: tuple[LineRule, ...] = (
    LineRule(
        "bad_debt",
        "adjustment",
        "Debt written off, and its correction: 3 lines, two of them at a negative price.",
        f"{INVOICE} like 'A%' or {CODE} = 'B'",
    ),
    LineRule("discount", "discount", "A discount on the whole invoice: 77 lines.", f"{CODE} = 'D'"),
    LineRule(
        "manual",
        "adjustment",
        "Keyed in by hand, for or against the customer: 572 lines.",
        f"{CODE} = 'M' or {CODE} like 'ADJUST%'",
    ),
    LineRule("sample", "adjustment", "Samples sent out: 63 lines.", f"{CODE} = 'S'"),
    LineRule(
        "test",
        "adjustment",
        "Lines of the shop's own tests: none in this year, some in the one before.",
        f"{CODE} like 'TEST%'",
    ),
    LineRule("postage", "fee", "Postage charged or given back: 1,966 lines.", f"{CODE} in ('POST', 'DOT')"),
    LineRule("carriage", "fee", "Carriage charged or given back: 144 lines.", f"{CODE} in ('C2', 'C3')"),
    LineRule("bank_charges", "fee", "Charges of the bank: 37 lines.", f"{CODE} = 'BANK CHARGES'"),
    LineRule("fees", "fee", "Fees of a marketplace: 34 lines.", f"{CODE} like '%FEE'"),
    LineRule("charity", "fee", "Commission given to a charity: 16 lines.", f"{CODE} = 'CRUK'"),
    LineRule(
        "stock_adjustment",
        "adjustment",
        "Stock that left without a price, such as broken or lost: 1,336 lines.",
        f"{QUANTITY} < 0 and {PRICE} = 0",
    ),
    LineRule(
        "return",
        "return",
        "Merchandise that came back, on a cancelled invoice or with a negative quantity: 8,704 lines.",
        f"{INVOICE} like 'C%' or {QUANTITY} < 0",
    ),
    LineRule(
        "pads",
        "sale",
        "Pads to match all cushions, sold for next to nothing but merchandise all the same: 4 lines.",
        f"{CODE} = 'PADS'",
    ),
    LineRule(
        "gift_voucher",
        "sale",
        "Gift vouchers sold: 34 lines. The data does not say when one is redeemed.",
        f"{CODE} like 'GIFT%'",
    ),
    LineRule("sale", "sale", "Merchandise sold, also for nothing: every other line.", "true"),
)


def rule_sql(rules: tuple[LineRule, ...] = RULES) -> str:
    """SQL of the name of the first rule that a line meets."""
    return _first_met((rule.condition, rule.name) for rule in rules)


def kind_sql(rules: tuple[LineRule, ...] = RULES) -> str:
    """SQL of the kind of the first rule that a line meets."""
    return _first_met((rule.condition, rule.kind) for rule in rules)


def _first_met(cases: Iterable[tuple[str, str]]) -> str:
    return f"case {' '.join(f'when {condition} then {quote_text(then)}' for condition, then in cases)} end"
