"""What a shop cannot state is undefined in every report, not 0."""

from __future__ import annotations

import shutil

import duckdb
import pytest

from shopwright.core.errors import MissingDataError
from shopwright.reports import PublishedWarehouse, read_report
from shopwright.reports.catalog import REPORTS
from shopwright.reports.summary import summarize


@pytest.fixture
def views(clicks, tmp_path):
    """The warehouse of a shop of which no cart and no purchase is known."""
    database = tmp_path / "warehouse.duckdb"
    shutil.copy(clicks.published, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute("update gold.fct_sessions set is_converted = false, has_cart = false")
    return database


def _values(database, *statements):
    """Return the values of all columns that depend on one of the statements, in all reports."""
    with PublishedWarehouse(database, threads=2).connection() as connection:
        for report in REPORTS:
            indexes = [index for index, column in enumerate(report.columns) if column.stated_by in statements]
            try:
                rows = read_report(connection, report).rows if indexes else []
            except MissingDataError:
                continue
            yield from ((report.name, row[index]) for row in rows for index in indexes)


def test_a_shop_of_clicks_states_no_discounts_returns_and_cancellations(clicks):
    values = list(_values(clicks.published, "orders"))
    assert {name for name, _ in values} >= {"sales_summary", "sales_by_day", "top_products"}
    assert {value for _, value in values} == {None}


def test_rates_of_carts_and_purchases_that_nobody_states(views):
    values = list(_values(views, "carts", "purchases"))
    assert {name for name, _ in values} >= {"session_summary", "sessions_by_day", "funnel_by_device"}
    assert {value for _, value in values} == {None}


def test_the_same_rates_are_known_where_they_are_stated(clicks, orders):
    assert any(value is not None for _, value in _values(clicks.published, "carts", "purchases"))
    assert any(value is not None for _, value in _values(orders.published, "orders"))


def test_the_summary_says_why_a_rate_is_undefined(views):
    with PublishedWarehouse(views, threads=2).connection() as connection:
        lines = {line.name: line for line in summarize(connection, currency="EUR")}
    assert (lines["session_conversion_rate"].value, lines["session_conversion_rate"].text) == (
        None,
        "undefined: no session has a purchase",
    )
    assert lines["return_rate"].text == "undefined: no source states returns"
    assert "cancellations not known" in lines["orders"].text
