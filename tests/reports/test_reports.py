"""What all reports have in common, and the warehouse that they are read from."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

import shopwright
from shopwright.contracts.events import EVENT_TYPES
from shopwright.contracts.funnel import EVENT_ORDER, FUNNEL_STEPS
from shopwright.core.errors import ConfigurationError
from shopwright.reports import FILTERS, REPORTS, PublishedWarehouse, find_report, read_report
from shopwright.reports.summary import summarize


def test_names_are_unique_and_everything_is_described():
    names = [report.name for report in REPORTS]
    assert len(names) == len(set(names))
    for report in REPORTS:
        assert report.definition.endswith("."), report.name
        assert report.requires, report.name
        columns = [column.name for column in report.columns]
        assert len(columns) == len(set(columns)), report.name
        assert set(report.filters) <= set(FILTERS), report.name
        json.dumps(report.to_dict())


def test_a_build_that_is_published_is_read_without_a_restart(tmp_path):
    def publish(value):
        with duckdb.connect(str(tmp_path / "new" / "warehouse.duckdb")) as connection:
            connection.execute("create schema if not exists gold")
            connection.execute(f"create or replace table gold.answer as select {value} as value")
            connection.execute("create or replace view gold.seen as select * from warehouse.gold.answer")
        shutil.copy(tmp_path / "new" / "warehouse.duckdb", tmp_path / "copy")
        (tmp_path / "copy").replace(tmp_path / "warehouse.duckdb")

    (tmp_path / "new").mkdir()
    publish(1)
    warehouse = PublishedWarehouse(tmp_path / "warehouse.duckdb", threads=1)
    query = "select value from gold.seen"
    with warehouse.connection() as old:
        assert old.execute(query).fetchone() == (1,)
        publish(2)
        assert old.execute(query).fetchone() == (1,)
        with warehouse.connection() as new:
            assert new.execute(query).fetchone() == (2,)
        with pytest.raises(duckdb.Error):
            old.execute("create table gold.mine as select 1")


def test_nothing_published_is_said(tmp_path):
    with (
        pytest.raises(ConfigurationError, match="Run `shopwright run`"),
        PublishedWarehouse(tmp_path / "no").connection(),
    ):
        pass


@pytest.mark.parametrize("kind", ["clicks", "orders"])
def test_the_summary_of_a_run_equals_the_reports(request, read, kind):
    shop = request.getfixturevalue(kind)
    with PublishedWarehouse(shop.published).connection() as connection:
        summary = {line.name: line.value for line in summarize(connection, currency="EUR")}
    reported = read(shop, "sales_summary")[0] | read(shop, "customer_summary")[0]
    assert summary["orders"] == reported["order_count"]
    if kind == "clicks":
        reported |= read(shop, "session_summary")[0]
        assert summary["sessions"] == reported["session_count"] + reported["bot_session_count"]
        with PublishedWarehouse(shop.published).connection() as connection:
            counted = connection.execute(
                "select count(distinct user_id) filter (where not is_bot), min(session_date), max(session_date) "
                "from gold.fct_sessions"
            ).fetchone()
        assert (summary["users"], *summary["period"]) == counted
    shared = summary.keys() & reported.keys()
    assert {name: reported[name] for name in shared} == pytest.approx(
        {name: None if summary[name] is None else float(summary[name]) for name in shared}
    )
    assert shared >= {"net_amount", "gross_amount", "average_order_value", "repeat_rate", "return_rate"}


def test_a_column_of_another_name_is_an_error_that_names_report_and_column(clicks):
    report = find_report("sessions_by_device")
    wrong = replace(
        report, sql=report.sql.replace("as session_count", "as sessions").replace("session_count desc", "2")
    )
    with (
        PublishedWarehouse(clicks.published, threads=2).connection() as connection,
        pytest.raises(
            ValueError,
            match="report 'sessions_by_device', column 2: declared as 'session_count', but its SQL returns 'sessions'",
        ),
    ):
        read_report(connection, wrong)


@pytest.mark.parametrize(
    "names", [["device"], ["device", "session_count", "purchase_session_count", "rate", "more"]]
)
def test_too_few_or_too_many_columns_are_an_error(names):
    with pytest.raises(ValueError, match="report 'sessions_by_device', column"):
        find_report("sessions_by_device").check_column_names(names)


def test_the_funnel_has_the_order_of_events():
    types = [step.event_type for step in FUNNEL_STEPS if step.event_type]
    assert types == sorted(types, key=EVENT_ORDER.index)
    assert sorted(EVENT_ORDER) == sorted((*EVENT_TYPES, "other"))


def test_dbt_ranks_event_types_in_the_same_order():
    macro = (Path(shopwright.__file__).parent / "dbt" / "macros" / "engine" / "funnel_rank.sql").read_text()
    types = re.search(r"return\(\[(.*?)\]\)", macro, re.DOTALL)[1]
    assert tuple(re.findall(r"'(\w+)'", types)) == EVENT_ORDER


def _over(name, *tables):
    """Return the row of a report by column name, over tables made by hand."""
    report = find_report(name)
    with duckdb.connect() as connection:
        connection.execute("create schema gold")
        for table in tables:
            connection.execute(f"create table gold.{table}")
        cursor = connection.execute(report.sql.format(**dict.fromkeys(report.filter_columns, "true")))
        names = [column[0] for column in cursor.description]
        report.check_column_names(names)
        row = cursor.fetchone()
    return dict(zip(names, row, strict=True))


@pytest.mark.parametrize("name", ["sales_summary", "sales_by_month", "orders_by_status"])
def test_credit_notes_and_write_offs_are_no_orders(name):
    orders = """fct_orders as
        select
            *, date '2025-01-01' as order_date, 'c' as customer_id, 'sent' as status, false as is_counted,
            1 as gross_amount, 0 as discount_amount, 0 as return_amount, 1 as net_amount, 1 as order_value_amount,
            1 as unit_count, true as is_on_time, 5 as review_score, 1 as total_amount, null::text as session_key
        from (values (true, 1, false), (true, 2, true), (false, 0, false), (false, 1, true), (false, 3, false))
            as orders (has_sale, line_count, is_canceled)
    """
    row = _over(name, orders)
    assert (row["order_count"], row["canceled_order_count"]) == (3, 1)
    assert row.get("cancellation_rate", 1 / 3) == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", ["health_summary", "ledger"])
def test_replayed_rows_are_counted_once(name):
    ledger = """fct_ingest_ledger as
        select *, 's' as source, 'orders' as entity, 0 as rows_duplicate, 0 as rows_ignored, true as is_balanced, now() as ingested_at
        from (values ('a', 'loaded', 10, 6, 4), ('a', 'replayed', 4, 1, 3), ('b', 'loaded', 10, 10, 0))
            as files (file, outcome, rows_read, rows_accepted, rows_quarantined)
    """
    row = _over(name, ledger, "fct_data_tests (invocation_id int, executed_at timestamp, status text)")
    columns = ("file_count", "rows_read", "rows_accepted", "rows_quarantined", "quarantine_rate")
    assert tuple(row[column] for column in columns) == (2, 20, 16, 4, 0.2)


def test_sales_are_as_new_as_what_brings_them():
    for name in ("sales_summary", "category_sales", "customer_summary"):
        report = find_report(name)
        assert report.for_shop(states_orders=True).entities == ("orders", "order_items")
        assert report.for_shop(states_orders=False).entities == ("events",)


def test_definitions_state_what_is_excluded_and_what_is_read():
    assert "The 100 places" in find_report("sales_by_place").definition
    assert find_report("top_products").requires == ("fct_order_items",)
    assert "include_bots" in find_report("engagement").definition
    funnel = find_report("funnel")
    assert "only sessions and steps with its products count" in funnel.definition
    for name in ("session_summary", "sales_summary"):
        assert "also before exposure" in find_report(name).definition
