"""The real invoices: known totals, each also counted in the raw file, and what the lines say of goods and people."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from decimal import Decimal

import duckdb
import pytest
import zstandard

from tests.warehouse.real_shops import real_shop


@pytest.fixture(scope="session")
def folder(real_data):
    return real_data / "online_retail"


@pytest.fixture(scope="session")
def gold(folder, tmp_path_factory):
    """What readers see of the shop that the template makes."""
    project = real_shop(tmp_path_factory, "online-retail", folder)
    with duckdb.connect(str(project.published), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def raw(folder):
    """Every line of the file, as it is written."""
    with zstandard.open(folder / "online_retail.csv.zst", "rb") as stream:
        return list(csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")))


def _fetch_row(connection, query):
    return connection.execute(query).fetchone()


def test_lines_and_invoices_are_those_of_the_raw_file(gold, raw):
    invoices = {line["InvoiceNo"] for line in raw}
    assert (len(raw), len(invoices)) == (541_909, 25_900)
    assert _fetch_row(gold, "select count(*) from gold.fct_order_items") == (541_909,)
    assert _fetch_row(gold, "select count(*), count(distinct order_id) from gold.fct_orders") == (
        25_900,
        25_900,
    )


def test_cancellations_are_the_lines_of_invoices_that_start_with_c(gold, raw):
    assert sum(line["InvoiceNo"].startswith("C") for line in raw) == 9_288
    assert _fetch_row(gold, "select count(*) from gold.fct_order_items where order_id like 'C%'") == (9_288,)


def test_the_total_is_that_of_the_raw_file_to_the_last_decimal(gold, raw):
    total = sum(Decimal(line["UnitPrice"]) * int(line["Quantity"]) for line in raw)
    assert total == Decimal("9747747.934")
    for table in ("gold.fct_order_items", "gold.fct_orders", "gold.fct_revenue"):
        assert _fetch_row(gold, f"select sum(total_amount), sum(freight_amount) from {table}") == (total, 0)
    amount_sql = (
        "gross_amount - discount_amount - return_amount + fee_amount + adjustment_amount + freight_amount"
    )
    assert _fetch_row(gold, f"select sum({amount_sql}) from gold.fct_orders") == (total,)


def test_lines_without_a_customer_count_for_revenue_and_for_no_customer(gold, raw):
    published = {line["CustomerID"].removesuffix(".0") for line in raw} - {""}
    unknown = sum(line["CustomerID"] == "" for line in raw)
    assert (len(published), unknown) == (4_372, 135_080)
    actual = (
        "select count(*) filter (customer_id is null), count(distinct customer_id) from gold.fct_order_items"
    )
    assert _fetch_row(gold, actual) == (unknown, len(published))
    for table, column in (("fct_customer_ltv", "customer_id"), ("dim_users", "user_id")):
        customers = {person for (person,) in gold.execute(f"select {column} from gold.{table}").fetchall()}
        assert customers == published, table
    features = {
        person for (person,) in gold.execute("select customer_id from gold.agg_churn_features").fetchall()
    }
    assert features <= published
    cohorts = _fetch_row(
        gold, "select sum(active_customer_count) from gold.agg_cohort_retention where period_number = 0"
    )
    assert cohorts == _fetch_row(
        gold, "select count(distinct customer_id) from gold.fct_orders where is_counted"
    )


def test_money_without_a_customer_is_in_revenue_and_not_in_what_customers_are_worth(gold, raw):
    amounts = defaultdict(Decimal)
    for line in raw:
        amounts[line["CustomerID"] == ""] += Decimal(line["UnitPrice"]) * int(line["Quantity"])
    actual = gold.execute(
        "select customer_id is null, sum(total_amount) from gold.fct_orders group by all"
    ).fetchall()
    assert dict(actual) == amounts
    value = "select sum(historical_value_amount) from gold.fct_customer_ltv"
    net = "select sum(net_amount) from gold.fct_orders where customer_id is not null"
    assert _fetch_row(gold, value) == _fetch_row(gold, net)


def _kind(line):
    """Return the kind of a line, by other rules than the adapter's."""
    code, quantity, price = (
        line["StockCode"].strip().upper(),
        int(line["Quantity"]),
        Decimal(line["UnitPrice"]),
    )
    if code in FIXED:
        return FIXED[code]
    if quantity < 0 and price == 0:
        return "adjustment", "stock_adjustment"
    if line["InvoiceNo"].startswith("C") or quantity < 0:
        return "return", "return"
    if code.startswith("GIFT"):
        return "sale", "gift_voucher"
    return "sale", "pads" if code == "PADS" else "sale"


FIXED = {
    "B": ("adjustment", "bad_debt"),
    "D": ("discount", "discount"),
    "M": ("adjustment", "manual"),
    "S": ("adjustment", "sample"),
    "POST": ("fee", "postage"),
    "DOT": ("fee", "postage"),
    "C2": ("fee", "carriage"),
    "BANK CHARGES": ("fee", "bank_charges"),
    "AMAZONFEE": ("fee", "fees"),
    "CRUK": ("fee", "charity"),
}


def test_kinds_of_lines_follow_the_rules(gold, raw):
    expected, amounts = Counter(map(_kind, raw)), defaultdict(Decimal)
    for line in raw:
        amounts[_kind(line)] += Decimal(line["UnitPrice"]) * int(line["Quantity"])
    actual = gold.execute(
        "select kind, kind_rule, count(*), sum(total_amount) from gold.fct_order_items group by all"
    ).fetchall()
    assert {(kind, rule): (count, amount) for kind, rule, count, amount in actual} == {
        key: (expected[key], amounts[key]) for key in expected
    }
    kinds = "select sum(gross_amount), -sum(return_amount), -sum(discount_amount), sum(fee_amount), sum(adjustment_amount)"
    sums = defaultdict(Decimal)
    for (kind, _), amount in amounts.items():
        sums[kind] += amount
    names = ("sale", "return", "discount", "fee", "adjustment")
    assert _fetch_row(gold, f"{kinds} from gold.fct_orders") == tuple(sums[name] for name in names)


def test_a_stock_code_has_the_one_name_that_most_of_its_lines_state(gold, raw):
    sold, all_names = defaultdict(Counter), defaultdict(Counter)
    for line in raw:
        name = line["Description"].strip()
        names = [all_names, sold] if _kind(line)[0] == "sale" else [all_names]
        for counter in names:
            counter[line["StockCode"].strip()].update([name] if name else [])
    expected = {code: _mode(sold[code] or all_names[code]) for code in all_names}
    actual = dict(gold.execute("select product_id, product_name from gold.dim_products").fetchall())
    assert len(actual) == _fetch_row(gold, "select count(*) from gold.dim_products")[0] == len(all_names)
    assert actual == expected


def _mode(names):
    return min(names, key=lambda name: (-names[name], name)) if names else None
