"""What a line is worth and which sign it has, decided at the door from what the source states."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from shopwright.ingest.amounts import NEGATIVE_SALE
from shopwright.testing import Shop

STREAM = '[[sources]]\nname = "s"\nadapter = "event_stream"\npath = "raw"\n'
CENT = Decimal("0.0001")


def _load(root, rows, *, name="order_items.jsonl"):
    shop = Shop.make(root, STREAM)
    shop.write(name, "".join(json.dumps(row) + "\n" for row in rows))
    shop.ingest()
    return shop


def _line(number, **stated):
    return {"order_id": "a", "line_number": number, "kind": "sale", **stated}


def _amounts(shop):
    rows = shop.rows("line_number", "kind", "kind_rule", "line_amount", entity="order_items")
    return {number: (kind, rule, amount) for number, kind, rule, amount in rows}


prices = st.decimals("-9999", "9999", places=12, allow_nan=False)
quantities = st.decimals("-1000", "1000", places=6, allow_nan=False)
stated_lines = st.fixed_dictionaries(
    {"kind": st.sampled_from(["sale", "return", "discount", "fee", "adjustment", "tip", "shipping"])},
    optional={
        "unit_price": prices,
        "quantity": quantities,
        "line_amount": st.decimals("-9999", "9999", places=5, allow_nan=False),
    },
)


def _expected(line):
    """Return the rule that quarantines a line, or its kind and amount."""
    quantity = line.get("quantity", None if line["kind"] in ("sale", "return") else Decimal(1))
    if quantity is None:
        return "quantity_missing"
    amount = line.get("line_amount")
    if amount is None and "unit_price" not in line:
        return "amount_missing"
    amount = amount if amount is not None else line["unit_price"] * quantity
    amount = amount.quantize(CENT, ROUND_HALF_UP)
    kind = line["kind"]
    if kind == "discount":
        is_undone = quantity < 0 and line.get("unit_price", 0) < 0
        return kind, amount if is_undone else -abs(amount)
    if kind == "sale" and (amount < 0 or (amount == 0 and quantity < 0)):
        return "return", amount
    if kind == "sale" and quantity < 0:
        return "negative_quantity_adds_money"
    return "return_adds_money" if kind == "return" and amount > 0 else (kind, amount)


def test_a_line_is_worth_what_it_states_or_its_price_times_quantity_rounded_once(tmp_path_factory):
    @settings(max_examples=6, deadline=None, phases=(Phase.generate,))
    @given(st.lists(stated_lines, min_size=100, max_size=200))
    def holds(lines):
        rows = [
            _line(number, **{name: str(value) for name, value in line.items()})
            for number, line in enumerate(lines, 1)
        ]
        shop = _load(tmp_path_factory.mktemp("lines"), rows)
        loaded = _amounts(shop)
        refused = {item.line_number: item.rules for item in shop.quarantine()}
        for number, line in enumerate(lines, 1):
            expected = _expected(line)
            if isinstance(expected, str):
                assert expected in refused[number]
            else:
                kind, rule, amount = loaded[number]
                assert (kind, amount) == expected
                assert rule == (NEGATIVE_SALE if kind != line["kind"] else None)

    holds()


def test_a_negative_sale_is_a_return_and_the_ledger_counts_it(tmp_path):
    shop = _load(tmp_path, [_line(1, quantity=-1, unit_price=5), _line(2, quantity=2, unit_price=5)])
    assert _amounts(shop)[1] == ("return", NEGATIVE_SALE, Decimal(-5))
    assert json.loads(shop.ledger()[0].rules or "{}") == {"negative sale": 1, "sale": 1}


def test_amounts_beyond_any_limit_are_quarantined_under_rules_that_name_them(tmp_path):
    rows = [
        _line(1, quantity=10**12, unit_price=1),
        _line(2, quantity=1, unit_price=10**15),
        _line(3, quantity=10**6, unit_price=10**8),
        _line(4, quantity=10**17, unit_price=10**19),
    ]
    shop = _load(tmp_path, rows)
    assert [item.rules for item in shop.quarantine()] == [
        ("quantity_unreadable",),
        ("unit_price_out_of_range",),
        ("line_amount_out_of_range",),
        ("quantity_unreadable", "unit_price_out_of_range"),
    ]


def test_a_purchase_with_a_fine_price_is_worth_it_times_quantity_rounded_once(tmp_path_factory):
    stated = st.fixed_dictionaries(
        {
            "price": st.decimals("0", "9999", places=12),
            "event_type": st.sampled_from(["purchase", "page_view"]),
        },
        optional={"quantity": st.integers(1, 1_000_000), "value": st.decimals("0", "9999", places=5)},
    )

    @settings(max_examples=6, deadline=None, phases=(Phase.generate,))
    @given(st.lists(stated, min_size=100, max_size=200))
    def holds(events):
        rows = [
            {"event_id": str(number), "user_id": "u", "timestamp": "2025-03-01T10:00:00Z"}
            | {name: value if name == "event_type" else f"{value:f}" for name, value in event.items()}
            for number, event in enumerate(events)
        ]
        shop = _load(tmp_path_factory.mktemp("events"), rows, name="events.jsonl")
        loaded = shop.rows("source_event_id", "price", "quantity", "value", entity="events")
        refused = {item.line_number - 1 for item in shop.quarantine()}
        assert len(loaded) + len(refused) == len(events)
        for key, price, quantity, value in loaded:
            event = events[int(key)]
            if "value" in event:
                assert value == event["value"].quantize(CENT, ROUND_HALF_UP)
            elif event["event_type"] == "purchase":
                amount = value if value is not None else price * (quantity or 1)
                assert amount == (event["price"] * event.get("quantity", 1)).quantize(CENT, ROUND_HALF_UP)
            else:
                assert value is None
        assert all(events[number]["price"] * events[number]["quantity"] > 10**8 for number in refused)

    holds()


def test_an_unreadable_amount_of_a_purchase_is_not_hidden_by_its_price(tmp_path):
    event = {"user_id": "u", "timestamp": "2025-03-01T10:00:00Z", "event_type": "purchase"}
    shop = _load(tmp_path, [event | {"price": "0.00004", "quantity": 9, "value": "3x"}], name="events.jsonl")
    assert [item.rules for item in shop.quarantine()] == [("value_unreadable",)]


def test_an_unreadable_amount_is_not_hidden_by_a_price(tmp_path):
    shop = _load(tmp_path, [_line(1, quantity=1, unit_price=3, line_amount="3x")])
    assert [item.rules for item in shop.quarantine()] == [("line_amount_unreadable",)]


def test_tax_has_the_sign_of_its_line_and_a_discount_on_a_line_is_positive(tmp_path):
    rows = [
        _line(1, quantity=1, unit_price=10, tax_amount=2, discount_amount=-1),
        _line(2, kind="return", quantity=-1, unit_price=10, tax_amount=2, discount_amount=1),
        _line(3, quantity=1, unit_price=10, tax_amount=12, is_tax_included=True),
    ]
    shop = _load(tmp_path, rows)
    assert shop.rows("line_number", "tax_amount", "discount_amount", entity="order_items") == [
        (1, 2, 1),
        (2, -2, 1),
    ]
    assert [item.rules for item in shop.quarantine()] == [("tax_exceeds_amount",)]


def test_currencies_are_read_in_any_case_and_others_are_quarantined(tmp_path):
    rows = [
        _line(n, quantity=1, unit_price=1, currency=text) for n, text in enumerate([" usd", "€", "US"], 1)
    ]
    shop = _load(tmp_path, rows)
    assert shop.rows("currency", entity="order_items") == [("USD",)]
    assert [item.rules for item in shop.quarantine()] == [("currency_unknown",)] * 2


def test_refunds_give_back_whichever_sign_they_have(tmp_path):
    refund = {"order_id": "a", "refund_id": "r", "refunded_at": "2025-03-01T10:00:00Z"}
    rows = [
        {
            **refund,
            "line_number": 1,
            "quantity": -1,
            "line_amount": -5,
            "tax_amount": 1,
            "adjustment_amount": -2,
        },
        {**refund, "line_number": 2},
    ]
    shop = _load(tmp_path, rows, name="refunds.jsonl")
    columns = ("quantity", "line_amount", "tax_amount", "adjustment_amount")
    assert shop.rows(*columns, entity="refunds") == [(1, 5, 1, -2)]
    assert [item.rules for item in shop.quarantine()] == [("amount_missing",)]
