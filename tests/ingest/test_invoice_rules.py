"""Each rule for an invoice line, the order of the rules, and what they say of the table's own counts."""

from __future__ import annotations

import pytest

from shopwright.contracts.sales import LINE_KINDS
from shopwright.core.engine import connect
from shopwright.ingest.adapters.invoice_rules import COLUMNS, RULES, kind_sql, rule_sql

CASES = [
    ("536365", "85123A", "6", "2.55", "sale", "sale"),
    ("536365", "85123A", "6", "0", "sale", "sale"),  # a free item
    ("536365", "DCGSSGIRL", "1", "3.25", "sale", "sale"),
    ("C536379", "85123A", "-6", "2.55", "return", "return"),
    ("C536379", "85123A", "6", "2.55", "return", "return"),  # cancelled says enough
    ("536379", "85123A", "-6", "2.55", "return", "return"),
    ("c536379", "85123a", "-6", "2.55", "return", "return"),
    ("536589", "21777", "-10", "0.0", "stock_adjustment", "adjustment"),
    ("A563185", "B", "1", "11062.06", "bad_debt", "adjustment"),
    ("A563186", "B", "1", "-11062.06", "bad_debt", "adjustment"),
    ("563187", "B", "1", "5", "bad_debt", "adjustment"),
    ("C536379", "D", "-1", "27.50", "discount", "discount"),
    ("537208", "M", "1", "2.55", "manual", "adjustment"),
    ("537208", "m", "1", "2.55", "manual", "adjustment"),
    ("C537208", "M", "-1", "2.55", "manual", "adjustment"),
    ("490000", "ADJUST2", "1", "5", "manual", "adjustment"),
    ("C537581", "S", "-1", "12.95", "sample", "adjustment"),
    ("490000", "TEST001", "5", "4.5", "test", "adjustment"),
    ("536370", "POST", "3", "18.00", "postage", "fee"),
    ("536544", "DOT", "1", "569.77", "postage", "fee"),
    ("C536822", "POST", "-1", "18.00", "postage", "fee"),  # a fee of a negative amount
    ("536540", "C2", "1", "50", "carriage", "fee"),
    ("C537572", "BANK CHARGES", "-1", "95.38", "bank_charges", "fee"),
    ("C537600", "AMAZONFEE", "-1", "1", "fees", "fee"),
    ("C544580", "CRUK", "-1", "16.13", "charity", "fee"),
    ("561226", "PADS", "1", "0.001", "pads", "sale"),
    ("C561226", "PADS", "-1", "0.001", "return", "return"),
    ("536956", "gift_0001_20", "1", "16.67", "gift_voucher", "sale"),
    ("C536956", "gift_0001_20", "-1", "16.67", "return", "return"),
    (" 536370 ", " POST ", " 3 ", " 18.00 ", "postage", "fee"),
    ("536365", None, "6", "2.55", "sale", "sale"),
    ("536365", "85123A", None, "2.55", "sale", "sale"),
    ("536365", "85123A", "six", "a lot", "sale", "sale"),
]


@pytest.mark.parametrize(("invoice", "code", "quantity", "price", "rule", "kind"), CASES)
def test_the_first_rule_that_holds_tells_the_line(invoice, code, quantity, price, rule, kind):
    with connect() as connection:
        row = ", ".join(f"?::varchar as {name}" for name in COLUMNS)
        result_row = connection.execute(
            f"select {rule_sql()}, {kind_sql()} from (select {row})", [invoice, code, quantity, price]
        ).fetchone()
    assert result_row == (rule, kind)


def test_every_rule_has_an_example_a_kind_and_a_name_of_its_own():
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert {case[4] for case in CASES} == set(names)
    assert {rule.kind for rule in RULES} <= set(LINE_KINDS)


def test_the_last_rule_takes_whatever_is_left():
    assert RULES[-1].condition == "true"


def test_what_is_no_merchandise_comes_before_what_goes_by_the_sign():
    names = [rule.name for rule in RULES]
    by_code = {"discount", "manual", "sample", "postage", "carriage", "bank_charges", "fees", "charity"}
    assert max(map(names.index, by_code)) < names.index("stock_adjustment") < names.index("return")
