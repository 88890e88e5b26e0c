"""The right amounts of orders are what a loop over the files adds up to, to the last decimal."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from tests.simulate.order_files import Row, by_order, read
from tests.simulate.traits.independent import ZERO, latest, line_amount, order_amounts, refunds_by_day

from shopwright.simulate.traits.order_truth import AMOUNTS

if TYPE_CHECKING:
    from shopwright.simulate import Simulation


def table(made: Simulation, name: str) -> list[dict[str, Any]]:
    result = duckdb.sql(f"SELECT * FROM '{(made.out / 'truth' / name).as_posix()}.parquet'")
    return [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]


@pytest.fixture(scope="module")
def lines(ordinary: Simulation) -> list[Row]:
    return list(latest(read(ordinary, "order_items"), "order_id", "line_number").values())


def test_each_order_has_its_amounts(ordinary: Simulation) -> None:
    expected = order_amounts(ordinary)
    orders = table(ordinary, "orders")
    assert {order["order_id"] for order in orders} == expected.keys()
    for order in orders:
        right = expected[order["order_id"]]
        actual = {name: order[name] for name in (*AMOUNTS, "is_test", "is_canceled")}
        assert actual == {name: right[name.removesuffix("_amount")] for name in actual}, order["order_id"]


def test_totals_are_those_of_all_orders_but_tests(ordinary: Simulation) -> None:
    totals = ordinary.truth["ordinary"]["orders"]
    real = [order for order in table(ordinary, "orders") if not order["is_test"]]
    for name in AMOUNTS:
        assert Decimal(totals[name]) == sum(order[name] for order in real), name
        assert totals[name] != "0.0000"
    assert totals["orders"] == len(real)
    assert totals["canceled_orders"] == sum(order["is_canceled"] for order in real) > 0
    assert totals["counted_orders"] == totals["orders"] - totals["canceled_orders"]


def test_refunds_are_those_of_their_day(ordinary: Simulation) -> None:
    expected = refunds_by_day(ordinary)
    rows = table(ordinary, "refunds")
    assert len(rows) == len(expected) > 5
    for row in rows:
        right = expected[row["refund_date"]]
        assert row == {
            "refund_date": row["refund_date"],
            "refund_count": right["count"],
            **{f"{name}_amount": right[name] for name in ("return", "tax", "freight", "adjustment")},
        }


def test_what_is_paid_is_what_is_due_but_where_somebody_paid_a_wrong_amount(
    ordinary: Simulation, lines: list[Row]
) -> None:
    orders = {key: row for (key,), row in latest(read(ordinary, "orders"), "order_id").items()}
    due: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        added = ZERO if line["is_tax_included"] else line["tax_amount"]
        due[line["order_id"]] += line_amount(line) + added + line["freight"]
    without_lines = orders.keys() - due.keys()
    due |= {order_id: orders[order_id]["total_amount"] for order_id in without_lines}
    for refund in latest(read(ordinary, "refunds"), "order_id", "refund_id", "line_number").values():
        due[refund["order_id"]] -= sum(
            (refund[f"{name}_amount"] for name in ("line", "tax", "shipping", "adjustment")), ZERO
        )
    payments = latest(read(ordinary, "payments"), "order_id", "sequence").values()
    assert Counter(payment["status"] for payment in payments).keys() == {"captured", "failed", "voided"}
    paid = {
        order_id: sum(row["amount"] for row in rows)
        for order_id, rows in by_order(row for row in payments if row["status"] == "captured").items()
    }
    off = {order_id for order_id, amount in paid.items() if amount != due[order_id]}
    assert len(off) <= 0.02 * len(paid)
    assert len(without_lines) > 5


def test_the_files_have_every_trait(ordinary: Simulation, lines: list[Row]) -> None:
    assert {line["kind"] for line in lines} >= {"tip", "gift_card", "return", "discount", "sale"}
    assert {line["is_tax_included"] for line in lines} == {True, False}
    assert {line["currency"] for line in lines} == {"EUR", "USD", "GBP"}
    assert any(line["quantity"] % 1 and line["unit"] == "kg" for line in lines)
    assert any("line_amount" in line and "unit_price" not in line for line in lines)
    fine = [line for line in lines if "unit_price" in line and line["unit_price"].as_tuple().exponent < -4]
    assert any(rounded_first(line) != line_amount(line) for line in fine)
    orders = read(ordinary, "orders")
    assert {order["is_test"] for order in orders} == {True, False}
    assert any(order["status"] == "voided" for order in orders)
    assert not any(
        "updated_at" in row
        for entity in ("orders", "products", "customers")
        for row in read(ordinary, entity)
    )
    payments = read(ordinary, "payments")
    assert len(payments) > len(latest(payments, "order_id", "sequence"))
    assert any(payment["method"] == "gift_card" for payment in payments)
    days = {row["rate_date"] for row in read(ordinary, "exchange_rates")}
    assert not days & {"2025-01-04", "2025-01-05"}  # a weekend
    refunds = read(ordinary, "refunds")
    assert any("line_number" in refund for refund in refunds)
    assert any("line_number" not in refund for refund in refunds)
    assert any(refund["shipping_amount"] for refund in refunds)


def rounded_first(line: Row) -> Decimal:
    return Decimal(round(line["unit_price"], 4) * line["quantity"])


def test_refunds_name_the_line_that_was_sold(ordinary: Simulation, lines: list[Row]) -> None:
    sold = {(line["order_id"], line["line_number"]): line for line in lines}
    for refund in read(ordinary, "refunds"):
        if "line_number" in refund:
            line = sold[refund["order_id"], refund["line_number"]]
            assert line["kind"] == "sale"
            assert line["product_id"] == refund["product_id"]
            assert 0 < refund["quantity"] <= line["quantity"]
            assert 0 <= refund["line_amount"] + refund["tax_amount"] <= line_amount(line) + line["tax_amount"]


def test_the_last_version_counts_where_none_has_a_date(ordinary: Simulation) -> None:
    prices = {key: row["price"] for (key,), row in latest(read(ordinary, "products"), "product_id").items()}
    products = {row["product_id"]: row["price"] for row in table(ordinary, "products")}
    assert products == prices
    cities = {key: row["city"] for (key,), row in latest(read(ordinary, "customers"), "user_id").items()}
    assert {row["user_id"]: row["city"] for row in table(ordinary, "customers")} == cities
