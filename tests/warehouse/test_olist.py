"""The real marketplace: known totals, and gold tables row by row beside a second computation from the raw files."""

from __future__ import annotations

import csv
from decimal import Decimal

import duckdb
import pandas as pd
import pytest

from tests.warehouse import independent
from tests.warehouse.real_shops import real_shop


@pytest.fixture(scope="session")
def folder(real_data):
    return real_data / "olist"


@pytest.fixture(scope="session")
def gold(folder, tmp_path_factory):
    """What readers see of the shop that the template makes."""
    project = real_shop(tmp_path_factory, "olist", folder)
    with duckdb.connect(str(project.published), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def market(folder):
    return independent.read_marketplace(folder)


def _rows(folder, name):
    with (folder / f"olist_{name}_dataset.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def _sum(rows, column):
    return sum(Decimal(row[column]) for row in rows)


def _fetch_row(connection, query):
    return connection.execute(query).fetchone()


@pytest.mark.slow
def test_orders_and_people_are_those_of_the_raw_files(gold, folder):
    orders, customers = _rows(folder, "orders"), _rows(folder, "customers")
    customer_sql = {row["customer_unique_id"] for row in customers}
    actual = _fetch_row(
        gold, "select count(*), count(distinct order_id), count(distinct customer_id) from gold.fct_orders"
    )
    assert actual == (len(orders), len(orders), len(customer_sql)) == (99_441, 99_441, 96_096)
    for table in ("gold.fct_customer_ltv", "gold.dim_users"):
        assert _fetch_row(gold, f"select count(*) from {table}") == (96_096,)


def test_items_and_freight_are_those_of_the_raw_file_to_the_cent(gold, folder):
    rows = _rows(folder, "order_items")
    published = (112_650, Decimal("13591643.70"), Decimal("2251909.54"))
    assert (len(rows), _sum(rows, "price"), _sum(rows, "freight_value")) == published
    assert (
        _fetch_row(gold, "select count(*), sum(gross_amount), sum(freight_amount) from gold.fct_order_items")
        == published
    )
    for table in ("gold.fct_orders", "gold.fct_revenue", "gold.fct_seller_performance"):
        assert (
            _fetch_row(gold, f"select sum(gross_amount), sum(freight_amount) from {table}") == published[1:]
        )


def test_payments_are_those_of_the_raw_file_to_the_cent(gold, folder):
    rows = _rows(folder, "order_payments")
    published = (103_886, Decimal("16008872.12"))
    assert (len(rows), _sum(rows, "payment_value")) == published
    for table in ("gold.fct_orders", "gold.agg_payment_behavior"):
        actual = f"select sum(payment_count), sum(paid_amount) - sum(refunded_amount) from {table}"
        assert _fetch_row(gold, actual) == published


COHORTS = """
    select cohort_month as cohort, order_month as month, active_customer_count as people, order_count as orders,
        (order_value_amount * 100)::bigint as value, period_number as period, cohort_customer_count as size,
        retention_rate as retention, is_complete
    from gold.agg_cohort_retention
"""

SELLERS = """
    select seller_id, line_count as lines, (gross_amount * 100)::bigint as goods,
        (freight_amount * 100)::bigint as freight, (canceled_amount * 100)::bigint as called_off,
        first_ordered_at as first, last_ordered_at as last, order_count as orders, canceled_order_count as canceled,
        promised_order_count as promised, on_time_order_count as on_time, average_handling_days as handling,
        reviewed_order_count as reviewed, average_review_score as score, (net_amount * 100)::bigint as net,
        revenue_rank as rank
    from gold.fct_seller_performance
"""

PAYMENTS = """
    select payment_method as payment_type, installment_count as installments, payment_count as payments,
        order_count as orders, (paid_amount * 100)::bigint as paid, mismatched_order_count as wrong,
        (mismatch_amount * 100)::bigint as difference, canceled_order_count as canceled, risky_order_count as risky,
        bad_review_rate
    from gold.agg_payment_behavior
"""

MONTHS = """
    select order_month as month, status, region as customer_state, order_count as orders,
        counted_order_count as counted, customer_count as people, unit_count as units,
        (gross_amount * 100)::bigint as goods, (canceled_amount * 100)::bigint as called_off,
        (net_amount * 100)::bigint as net, (freight_amount * 100)::bigint as freight,
        average_order_value, average_revenue_per_user, delivered_order_count as delivered,
        on_time_order_count as on_time, average_delivery_days as delivery, average_early_days as early,
        average_late_days as late, reviewed_order_count as reviewed, average_review_score as score
    from gold.agg_sales_kpi
    where category = '(all)'
"""

CUSTOMERS = """
    select customer_id as customer_unique_id, order_count as orders, counted_order_count as counted,
        canceled_order_count as canceled, (gross_amount * 100)::bigint as goods,
        (historical_value_amount * 100)::bigint as net, tenure_days as tenure, recency_days as recency,
        average_order_value as average, projected_value_amount as projected
    from gold.fct_customer_ltv
"""


def _compare(connection, query, expected, key):
    """Compare every row and column of a query with the independent result; gold rounds days to six decimals."""
    actual = connection.execute(query).df()
    ordered = [frame.sort_values(key).reset_index(drop=True) for frame in (actual, expected[actual.columns])]
    pd.testing.assert_frame_equal(*map(_plain, ordered), check_dtype=False, rtol=1e-12, atol=1e-6)
    return actual


def _plain(frame):
    """Whole and divided numbers as floats, exact below 2^53; times without the unit they are kept in."""
    times = frame.select_dtypes("datetime").astype("datetime64[us]")
    numbers = frame.select_dtypes("number").astype("float64")
    return frame.assign(**times, **numbers)


def test_every_cohort_keeps_the_customers_and_value_it_has_by_pandas(gold, market):
    actual = _compare(gold, COHORTS, independent.cohorts(market), ["cohort", "month"])
    assert actual["period"].max() > 6
    assert actual.loc[actual["period"] == 0, "people"].sum() == 94_983


def test_every_seller_performs_as_by_pandas(gold, market):
    actual = _compare(gold, SELLERS, independent.sellers(market), ["seller_id"])
    assert len(actual) == 3_095
    rates = (
        "select count(*) from gold.fct_seller_performance where "
        "on_time_rate is distinct from on_time_order_count::double / nullif(promised_order_count, 0) "
        "or cancellation_rate is distinct from canceled_order_count::double / order_count"
    )
    assert _fetch_row(gold, rates) == (0,)


def test_every_way_of_paying_behaves_as_by_pandas(gold, market):
    expected = independent.payment_behavior(market)
    expected["bad_review_rate"] = expected["bad"] / expected["reviewed"]
    actual = _compare(gold, PAYMENTS, expected, ["payment_type", "installments"])
    assert len(actual) == 28
    rates = (
        "select count(*) from gold.agg_payment_behavior where refunded_amount <> 0 "
        "or mismatch_rate <> mismatched_order_count / order_count or risk_rate <> risky_order_count / order_count "
        "or cancellation_rate <> canceled_order_count / order_count "
        "or abs(average_paid_amount - paid_amount / order_count) > 1e-9"
    )
    assert _fetch_row(gold, rates) == (0,)


def test_every_month_status_and_state_has_the_figures_it_has_by_pandas(gold, market):
    expected = independent.months(market)
    expected["average_order_value"] = (
        expected["value"] / 100 / expected["counted"].where(expected["counted"] > 0)
    )
    expected["average_revenue_per_user"] = (
        expected["value"] / 100 / expected["people"].where(expected["people"] > 0)
    )
    _compare(gold, MONTHS, expected, ["month", "status", "customer_state"])


def test_every_customer_is_worth_what_pandas_says(gold, market):
    actual = _compare(gold, CUSTOMERS, independent.lifetime_values(market), ["customer_unique_id"])
    assert actual["projected"].notna().sum() > 1_000
    assert actual.loc[actual["counted"] < 2, "projected"].isna().all()


def test_a_category_without_a_translation_keeps_its_own_name(gold, folder):
    with (folder / "product_category_name_translation.csv").open(encoding="utf-8-sig", newline="") as stream:
        names = {
            row["product_category_name"]: row["product_category_name_english"]
            for row in csv.DictReader(stream)
        }
    raw = {row["product_id"]: row["product_category_name"] for row in _rows(folder, "products")}
    categories = {product: names.get(category, category) or None for product, category in raw.items()}
    actual = dict(gold.execute("select product_id, category from gold.dim_products").fetchall())
    assert actual == categories
    assert len(set(raw.values()) - set(names) - {""}) == 2
