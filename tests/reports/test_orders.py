"""Reports of a shop of orders, beside what its four orders add up to by hand."""

from __future__ import annotations

import shutil
from datetime import date

import duckdb
import pytest

from shopwright.core.errors import ConfigurationError, MissingDataError
from shopwright.reports import (
    Filters,
    PublishedWarehouse,
    adapt_to_shop,
    find_report,
    read_filter_values,
    read_report,
)

OF_CLICKS = (
    *("session_summary", "engagement", "engagement_latest", "sessions_by_day", "sessions_by_device"),
    *("sessions_by_channel", "behavior_summary", "session_duration", "time_to_purchase", "sessions_by_hour"),
    *(
        "funnel",
        "funnel_by_day",
        "funnel_by_device",
        "funnel_by_channel",
        "funnel_by_category",
        "product_interest",
    ),
)


def _values(rows, *names):
    return [tuple(row[name] for name in names) for row in rows]


@pytest.mark.parametrize("name", OF_CLICKS)
def test_a_report_on_clicks_says_that_there_are_none(orders, read, name):
    with pytest.raises(MissingDataError, match="no events") as raised:
        read(orders, name)
    assert raised.value.report == name


def test_sales_leave_canceled_orders_and_returns_out_of_net(orders, read):
    (row,) = read(orders, "sales_summary")
    assert row == {
        "net_amount": 10 + 20 - 4 + 30,
        "order_count": 4,
        "customer_count": 2,
        "average_order_value": 20,
        "gross_amount": 67,
        "canceled_order_count": 1,
        "cancellation_rate": 0.25,
        "discount_amount": 0,
        "return_amount": 4,
        "return_rate": pytest.approx(4 / 67),
        "unit_count": row["unit_count"],
        "on_time_rate": 0.5,
        "average_review_score": 3.5,
        "unknown_order_count": 0,
    }
    february = {"first": date(2025, 2, 1), "last": date(2025, 2, 28)}
    assert read(orders, "sales_summary", **february)[0]["gross_amount"] == 27
    assert read(orders, "sales_summary", last=date(2025, 1, 9))[0]["order_count"] == 0


def test_sales_by_month_status_and_day(orders, read):
    columns = ("order_month", "order_count", "canceled_order_count", "net_amount", "average_order_value")
    assert _values(read(orders, "sales_by_month"), *columns) == [
        ("2025-01-01", 1, 0, 10, 10),
        ("2025-02-01", 2, 1, 16, 20),
        ("2025-03-01", 1, 0, 30, 30),
    ]
    days = read(orders, "sales_by_day")
    assert len(days) == (date(2025, 3, 31) - date(2025, 1, 10)).days + 1
    assert sum(row["order_count"] > 0 for row in days) == 4
    assert _values(read(orders, "orders_by_status"), "status", "order_count") == [
        ("delivered", 3),
        ("canceled", 1),
    ]
    assert _values(read(orders, "sales_by_place"), "country", "order_count") == [("(unknown)", 4)]


def test_delivery_and_reviews(orders, read):
    columns = (
        "order_month",
        "delivered_order_count",
        "average_delivery_days",
        "on_time_rate",
        "average_late_days",
    )
    assert _values(read(orders, "delivery_by_month"), *columns) == [
        ("2025-01-01", 1, 4, 1, None),
        ("2025-02-01", 1, 9, 0, 2),
    ]
    assert _values(read(orders, "reviews_by_month"), "average_review_score", "bad_review_rate") == [
        (5, 0),
        (2, 1),
    ]


def test_a_month_without_orders_is_a_row_of_every_table_by_month(orders, tmp_path):
    """Charts by month would else draw a line across it."""
    copy = tmp_path / "warehouse.duckdb"
    shutil.copy(orders.published, copy)
    with duckdb.connect(str(copy)) as connection:
        connection.execute(
            "update gold.fct_orders set order_date = order_date + interval '2 months' where order_date >= '2025-02-01'"
        )
    with PublishedWarehouse(copy).connection() as connection:
        for name, count in (
            ("sales_by_month", "order_count"),
            ("delivery_by_month", "delivered_order_count"),
            ("reviews_by_month", "reviewed_order_count"),
        ):
            table = read_report(connection, find_report(name))
            rows = [
                dict(zip((column.name for column in table.report.columns), row, strict=True))
                for row in table.rows
            ]
            assert [(row["order_month"], row[count] > 0) for row in rows[:4]] == [
                (date(2025, 1, 1), True),
                (date(2025, 2, 1), False),
                (date(2025, 3, 1), False),
                (date(2025, 4, 1), True),
            ]
            assert not {
                value for name, value in rows[1].items() if name.startswith(("average", "on_time", "bad"))
            } - {None}


def test_customers_and_cohorts(orders, read):
    (row,) = read(orders, "customer_summary")
    assert row == {
        "customer_count": 2,
        "repeat_customer_count": 1,
        "repeat_rate": 0.5,
        "orders_per_customer": 1.5,
        "average_value_amount": 28,
        "median_value_amount": 28,
    }
    columns = ("cohort_month", "months_since_first", "retention_rate", "cumulative_value_per_customer")
    assert _values(read(orders, "cohort_retention"), *columns) == [
        ("2025-01-01", 0, 1, 10),
        ("2025-01-01", 1, 1, 30),
        ("2025-01-01", 2, 0, 30),
        ("2025-03-01", 0, 1, 30),
    ]
    assert len(read(orders, "cohort_retention", first=date(2025, 2, 1))) == 1
    assert _values(read(orders, "order_frequency"), "orders", "share") == [("1", 0.5), ("2", 0.5)]
    assert sum(row["value_share"] for row in read(orders, "value_by_decile")) == pytest.approx(1)


def test_sellers_and_payments(orders, read):
    assert _values(read(orders, "sellers"), "seller_id", "net_amount", "order_count") == [
        ("s1", 40, 3),
        ("s2", 16, 1),
    ]
    (row,) = read(orders, "seller_summary")
    assert (row["seller_count"], row["median_net_amount"], row["top_decile_share"]) == (2, 28, None)
    assert _values(read(orders, "payment_methods"), "payment_method", "paid_amount") == [
        ("boleto", 16),
        ("card", 10),
    ]
    assert sum(row["paid_amount"] for row in read(orders, "payments")) == 26


def test_the_ledger_balances_and_the_tests_passed(orders, read):
    (row,) = read(orders, "health_summary")
    assert (
        row["rows_read"]
        == row["rows_accepted"]
        == sum(row["rows_accepted"] for row in read(orders, "ledger"))
    )
    assert (row["file_count"], row["unbalanced_file_count"], row["quarantine_rate"]) == (5, 0, 0)
    tests = read(orders, "data_tests")
    assert sum(row["passed_test_count"] for row in tests) == row["passed_test_count"] > 50
    assert {row["file"] for row in read(orders, "ledger_files")} >= {"orders-1.jsonl", "sellers-1.jsonl"}
    assert len(read(orders, "freshness")) == 5


def test_a_table_says_how_new_and_how_sound_it_is(orders):
    with PublishedWarehouse(orders.published).connection() as connection:
        document = read_report(connection, find_report("sales_summary")).to_dict()
        choices = read_filter_values(connection)
    assert document["currency"] == "EUR"
    assert document["data_until"].startswith("2025-03-31T")
    assert document["built_at"].endswith("Z")
    assert document["data_tests"]["passed"] > 0
    assert (choices.first, choices.last) == (date(2025, 1, 10), date(2025, 3, 31))
    assert choices.devices == choices.channels == choices.experiments == ()


def test_stated_orders_are_not_narrowed_by_what_they_do_not_know(orders, read):
    for filters in ({"device": "mobile"}, {"channel": "email"}):
        with pytest.raises(ConfigurationError, match="it accepts first, last, experiment"):
            read(orders, "sales_summary", **filters)
    with pytest.raises(ConfigurationError, match="its orders have none"):
        read(orders, "sales_summary", experiment="treatment")
    with PublishedWarehouse(orders.published).connection() as connection:
        report = adapt_to_shop(connection, find_report("sales_summary"))
    filters = {"first": date(2025, 1, 1), "device": "mobile"}
    assert report.applicable_filters(Filters(**filters, experiment="treatment")).active == {
        "first": date(2025, 1, 1)
    }
    assert (
        report.applicable_filters(Filters(**filters, experiment="banner:treatment")).experiment
        == "banner:treatment"
    )
