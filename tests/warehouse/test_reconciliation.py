"""Money reconciles to the cent in a thousand random shops, built in one warehouse and told apart by their ids."""

from __future__ import annotations

import json
import random
from decimal import Decimal

import duckdb
import pytest

from shopwright.warehouse.build import build
from tests.warehouse.sales_recomputed import AMOUNTS, RATES, Rows, make_shop, recompute
from tests.warehouse.shops import make_shop as make_project
from tests.warehouse.shops import take_in

pytestmark = pytest.mark.slow

ENTITIES = ("orders", "order_items", "refunds", "payments")


@pytest.fixture(scope="module")
def shops(tmp_path_factory):
    """A warehouse of 1,000 shops, and their raw rows."""
    rng = random.Random(7)
    rows = Rows()
    for number in range(1_000):
        made = make_shop(number, rng)
        for entity in ENTITIES:
            getattr(rows, entity).extend(getattr(made, entity))
    project = make_project(tmp_path_factory.mktemp("shops"))
    raw = project.root / "raw"
    raw.mkdir()
    for entity in ENTITIES:
        text = "".join(json.dumps(row) + "\n" for row in getattr(rows, entity))
        (raw / f"{entity}.jsonl").write_text(text, encoding="utf-8")
    rates = [
        {"currency": currency, "rate_date": str(day), "rate": str(rate)}
        for currency, by_day in RATES.items()
        for day, rate in by_day.items()
    ]
    (raw / "rates.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rates), encoding="utf-8")
    take_in(project)
    build(project)
    with duckdb.connect(str(project.published), read_only=True) as connection:
        yield connection, rows


def _read(connection, query):
    return connection.execute(query).fetchall()


def test_every_amount_of_every_order_is_what_its_rows_say(shops):
    connection, rows = shops
    names = ", ".join(f"{name}_amount" for name in AMOUNTS)
    query = f"select order_id, {names}, paid_amount - refunded_amount from gold.fct_orders"
    actual = {row[0]: dict(zip((*AMOUNTS, "paid"), row[1:], strict=True)) for row in _read(connection, query)}
    expected = recompute(rows)
    assert actual.keys() == expected.keys()
    known = 0
    for order_id, amounts in expected.items():
        paid, stated_paid = actual[order_id].pop("paid"), amounts.pop("paid")
        assert actual[order_id] == amounts, order_id
        assert stated_paid is None or paid == stated_paid, order_id
        known += amounts["total"] is not None
    assert 500 < known < len(expected)


def test_all_tables_add_up_to_the_orders(shops):
    connection, rows = shops
    known = [amounts for amounts in recompute(rows).values() if amounts["total"] is not None]
    totals = tuple(sum((amounts[name] for amounts in known), Decimal(0)) for name in AMOUNTS)
    sums = ", ".join(f"sum({name}_amount)" for name in AMOUNTS)
    for table in ("fct_orders", "fct_order_items", "fct_revenue", "fct_seller_performance"):
        assert _read(connection, f"select {sums} from gold.{table}") == [totals], table
    net = totals[AMOUNTS.index("net")]
    assert _read(connection, "select sum(net_amount) from gold.agg_sales_kpi where category = '(all)'") == [
        (net,)
    ]


def test_refunds_count_on_their_own_day(shops):
    connection, rows = shops
    days = {(row["order_id"], row["refunded_at"][:10]) for row in rows.refunds}
    query = (
        "select order_id, cast(booked_date as varchar) from gold.fct_order_items where kind_rule = 'refund'"
    )
    orders = set(recompute(rows))
    assert set(_read(connection, query)) == {(order, day) for order, day in days if order in orders}
