"""Amounts that nobody can know are null, never 0: purchases without prices, currencies without rates."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from shopwright.reports.summary import summarize
from shopwright.settings import load_project
from shopwright.warehouse.build import build
from tests.warehouse.deliveries import deliver, event, order_shop, query_gold
from tests.warehouse.shops import take_in

FORMATS = Path(__file__).parents[1] / "cases/formats"

CLICKS = """
[[sources]]
name = "clicks"
adapter = "mapped"
path = "raw"
timestamp_formats = ["epoch"]
event_types = { view = "product_view", addtocart = "add_to_cart", transaction = "purchase" }
map = { event_at = "timestamp", user_id = "visitorid", event_type = "event", product_id = "itemid", order_id = "transactionid" }
"""
LINES = """
[shop]
currency = "EUR"
[[sources]]
name = "lines"
adapter = "mapped"
path = "raw/lines.csv"
entity = "order_items"
[sources.map]
order_id = "order"
ordered_at = "when"
customer_id = "customer"
product_id = "sku"
quantity = "qty"
unit_price = "price"
currency = "currency"
kind = { value = "sale" }
"""
RATES = '[[sources]]\nname = "rates"\nadapter = "event_stream"\npath = "rates.jsonl"\n'


def _build(root, case, settings):
    shutil.copytree(FORMATS / case / "raw", root / "raw")
    (root / "shopwright.toml").write_text(settings, encoding="utf-8")
    project = load_project(root)
    take_in(project)
    report = build(project)
    expected = json.loads((FORMATS / case / "expected.json").read_text(encoding="utf-8"))
    with duckdb.connect(str(project.published), read_only=True) as connection:
        lines = {item.name: item for item in summarize(connection, currency=project.settings.shop.currency)}
        gold = connection.execute(
            "select count(*), sum(gross_amount), sum(return_amount), sum(discount_amount), sum(canceled_amount) "
            "from gold.fct_orders"
        ).fetchone()
    return expected, report, lines, gold


def test_revenue_of_purchases_without_prices_is_unknown(tmp_path):
    expected, report, lines, gold = _build(tmp_path, "07-retailrocket-csv", CLICKS)
    assert gold == (expected["orders"], None, None, None, None)
    assert report.warnings == ("orders_have_known_amounts: 1 row",)
    assert {
        lines[name].value for name in ("gross_amount", "net_amount", "average_order_value", "return_rate")
    } == {expected["revenue"]}
    assert lines["sessions"].value == expected["sessions"]
    assert "cancellations not known" in lines["orders"].text


@pytest.mark.slow
@pytest.mark.parametrize("has_rates", [True, False])
def test_amounts_in_another_currency_are_converted_or_unknown(has_rates, tmp_path):
    if has_rates:
        rate = {"currency": "usd", "rate_date": "2025-03-08", "rate": str(1 / Decimal("1.1"))}
        (tmp_path / "rates.jsonl").write_text(json.dumps(rate) + "\n", encoding="utf-8")
    settings = LINES + (RATES if has_rates else "")
    expected, report, lines, gold = _build(tmp_path, "10-two-currencies", settings)
    total = expected["at_1.10_USD_per_EUR_in_EUR" if has_rates else "EUR"]
    assert gold[:3] == (expected["orders"], Decimal(str(total)), 0)
    assert lines["customers"].value == expected["customers"]
    assert report.warnings == (() if has_rates else ("orders_have_known_amounts: 1 row",))


EXPERIMENT = """
[[experiments]]
name = "x"
hypothesis = "h"
variants = { control = 1, treatment = 1 }
start = 2025-03-01
end = 2025-03-20
primary_metric = "conversion_rate"
secondary_metrics = ["return_rate", "revenue_per_user"]
"""


@pytest.mark.slow
def test_what_clicks_cannot_state_is_undefined_in_tables_and_experiments(tmp_path):
    project = order_shop(tmp_path)
    with (tmp_path / "shopwright.toml").open("a", encoding="utf-8") as settings:
        settings.write(EXPERIMENT)
    project = load_project(tmp_path)
    clicks = [
        event(
            kind, f"2025-03-{day:02d}T10:{day:02d}:{second}Z", user_id=f"u{day}", product_id="p", order_id=f"o{day}",
            **({} if day == 9 else {"price": 5}),
        )
        for day in range(1, 20)
        for second, kind in ((10, "product_view"), (20, "purchase"))
    ]  # fmt: skip
    paid = [{"order_id": "o1", "sequence": 1, "method": "card", "amount": 5}]
    deliver(project, 1, events=clicks, payments=paid)
    build(project)
    for query in (
        "canceled_order_count, cancellation_rate from gold.agg_payment_behavior",
        "canceled_order_count, return_amount from gold.fct_customer_ltv",
        "canceled_order_count, cancellation_rate from gold.fct_seller_performance",
        "returned_unit_count, return_amount from gold.dim_products",
    ):
        assert set(query_gold(project, f"select {query}")) == {(None, None)}, query
    units = "select unit_id, revenue_amount, returned_unit_count from gold.fct_experiment_units order by 1"
    assert {row[1:] for row in query_gold(project, units) if row[0] != "u9"} == {(5, None)}
    assert [row[1:] for row in query_gold(project, units) if row[0] == "u9"] == [(None, None)]
    readouts = "select metric, value, control_value, relative_change, undefined_reason from gold.fct_experiment_readouts"
    by_metric = {row[0]: row[1:] for row in query_gold(project, readouts)}
    assert by_metric["return_rate"][:3] == (None, None, None)
    assert by_metric["return_rate"][3].endswith("'returned_unit_count' is not known for all units")
    revenue = by_metric["revenue_per_user"]
    assert None in revenue[:2]
    assert revenue[2] is None
    assert revenue[3].endswith("'revenue_amount' is not known for all units")
    assert by_metric["conversion_rate"][:2] == (1, 1)
