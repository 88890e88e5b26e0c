"""What amounts mean, in one shop: cases of ordinary exports with their right figures."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from shopwright.settings import load_project
from shopwright.warehouse.build import build
from tests.built import build_once
from tests.warehouse.shops import take_in

CASES = Path(__file__).parents[1] / "cases"

SETTINGS = """
[shop]
name = "t"
[[sources]]
name = "stream"
adapter = "event_stream"
path = "stream"
[[sources]]
name = "prices"
adapter = "mapped"
path = "prices/l.csv"
entity = "order_items"
[sources.map]
order_id = "order"
line_number = "line"
product_id = "sku"
kind = { value = "sale" }
quantity = "qty"
unit_price = "price"
ordered_at = "at"
customer_id = "who"
[[sources]]
name = "sales"
adapter = "mapped"
path = "sales"
entity = "order_items"
timestamp_formats = ["%m/%d/%Y"]
[sources.map]
order_id = "Order ID"
line_number = "Row ID"
product_id = "Product ID"
kind = { value = "sale" }
quantity = "Quantity"
line_amount = "Sales"
unit_cost = { sql = "(Sales::decimal(18, 4) - Profit::decimal(18, 4)) / Quantity::decimal(18, 4)" }
ordered_at = "Order Date"
customer_id = "Customer ID"
[[sources]]
name = "ids"
adapter = "mapped"
path = "ids"
entity = "order_items"
[sources.map]
order_id = "order_id"
line_number = "id"
product_id = "sku"
kind = { value = "sale" }
quantity = "quantity"
unit_price = "price"
ordered_at = "created_at"
[[sources]]
name = "own_lines"
adapter = "mapped"
path = "own/order_items.csv"
entity = "order_items"
map = { order_id = "order_id", line_number = "line_number", product_id = "product_id", kind = "kind", quantity = "quantity", unit_price = "unit_price" }
[[sources]]
name = "own_orders"
adapter = "mapped"
path = "own/orders.csv"
entity = "orders"
map = { order_id = "order_id", customer_id = "customer_id", status = "status", ordered_at = "ordered_at", currency = "currency" }
[[sources]]
name = "own_payments"
adapter = "mapped"
path = "own/payments.csv"
entity = "payments"
map = { order_id = "order_id", sequence = "sequence", method = "method", amount = "amount" }
"""


def _make(root: Path) -> Path:
    (root / "shopwright.toml").write_text(SETTINGS, encoding="utf-8")
    meaning, formats = CASES / "meaning", CASES / "formats"
    for case in (
        "11-discount-that-adds/raw",
        *(f"12-one-row-blocks-all/step{step}/raw" for step in (1, 2, 3)),
    ):
        for file in (meaning / case).iterdir():
            target = root / "stream" / f"{file.stem}-{case.replace('/', '-')}.jsonl"
            target.parent.mkdir(exist_ok=True)
            shutil.copy(file, target)
    shutil.copytree(meaning / "06-sub-cent-prices", root / "prices")
    shutil.copytree(formats / "11-line-amounts/raw", root / "sales")
    shutil.copytree(formats / "34-line-ids-of-13-digits/raw", root / "ids")
    shutil.copytree(formats / "33-own-csv-by-contract/raw", root / "own")
    project = load_project(root)
    take_in(project)
    build(project)
    return project.published


@pytest.fixture(scope="module")
def orders(tmp_path_factory):
    """Orders of the shop by their ids."""
    database = build_once(tmp_path_factory, "amounts", _make)
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute("select * from gold.fct_orders")
        names = [column[0] for column in rows.description]
        by_name = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
    return {row["order_id"]: row for row in by_name}


def _expected(case: str):
    return json.loads((CASES / case / "expected.json").read_text(encoding="utf-8"))


def test_prices_below_the_fourth_decimal_and_weights(orders):
    expected = _expected("meaning/06-sub-cent-prices")["gross_amount"]
    assert {name: orders[name]["gross_amount"] for name in expected} == {
        name: Decimal(amount) for name, amount in expected.items()
    }


def test_a_discount_lowers_whichever_sign_it_has(orders):
    expected = _expected("meaning/11-discount-that-adds")
    assert orders["o0"]["net_amount"] == Decimal(expected["net_amount"])
    assert orders["o0"]["discount_amount"] == 5


def test_one_row_blocks_nothing(orders):
    assert (orders["pickup"]["gross_amount"], orders["pickup"]["delivery_days"]) == (20, 0)
    assert (orders["refund"]["return_amount"], orders["refund"]["net_amount"]) == (5, -5)
    assert (orders["c"]["gross_amount"], orders["c"]["currency"]) == (20, "USD")


def test_amounts_of_lines_without_unit_prices(orders):
    expected = _expected("formats/11-line-amounts")
    found = [orders[name] for name in ("CA-1", "CA-2", "CA-3")]
    assert sum(order["line_count"] for order in found) == expected["lines"]
    assert sum(order["gross_amount"] for order in found) == Decimal(str(expected["sales"]))
    assert sum(order["unit_count"] for order in found) == Decimal(str(expected["quantity"]))
    assert len({order["customer_id"] for order in found}) == expected["customers"]


def test_line_numbers_may_be_the_ids_of_a_platform(orders):
    expected = _expected("formats/34-line-ids-of-13-digits")
    assert orders["7001"]["line_count"] == expected["lines"]
    assert orders["7001"]["gross_amount"] == Decimal(str(expected["amount"]))


def test_an_order_of_the_shops_own_csv(orders):
    expected = _expected("formats/33-own-csv-by-contract")
    names = ("gross_amount", "discount_amount", "net_amount", "paid_amount")
    assert [orders["O1"][name] for name in names] == [
        expected[key] for key in ("gross", "discount", "net", "paid")
    ]
