"""Reports of a simulated shop with clicks and orders, beside a second computation from its sessions and orders."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date
from statistics import fmean, median
from zoneinfo import ZoneInfo

import duckdb
import pytest

from shopwright.reports import (
    REPORTS,
    Filters,
    PublishedWarehouse,
    adapt_to_shop,
    read_filter_values,
    read_report,
)

pytestmark = pytest.mark.slow

NEW_YORK = ZoneInfo("America/New_York")
FIRST, LAST = date(2025, 2, 1), date(2025, 2, 20)


def _rows(project, query):
    with duckdb.connect(str(project.published), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        found = connection.execute(query)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(scope="module")
def sessions(full):
    """Sessions of people, with their start in the shop's zone."""
    found = _rows(full, "select * from gold.fct_sessions where not is_bot")
    for row in found:
        row["start"] = row["session_start_at"].replace(tzinfo=UTC).astimezone(NEW_YORK)
    return found


def _chosen(sessions, **wanted):
    return [
        row
        for row in sessions
        if FIRST <= row["start"].date() <= LAST
        and all((row[name] or "(unknown)") == value for name, value in wanted.items())
    ]


@pytest.fixture(scope="module")
def device(sessions):
    return Counter(row["entry_device"] or "(unknown)" for row in sessions).most_common(1)[0][0]


def test_sessions_and_their_lengths(full, read, sessions, device):
    chosen = _chosen(sessions, entry_device=device)
    filters = {"first": FIRST, "last": LAST, "device": device}
    (row,) = read(full, "session_summary", **filters)
    assert (row["session_count"], row["purchase_session_count"]) == (
        len(chosen),
        sum(s["is_converted"] for s in chosen),
    )
    (row,) = read(full, "behavior_summary", **filters)
    assert row["median_duration_seconds"] == median(s["duration_seconds"] for s in chosen)
    assert row["average_duration_seconds"] == pytest.approx(fmean(s["duration_seconds"] for s in chosen))
    times = [s["seconds_to_purchase"] for s in chosen if s["seconds_to_purchase"] is not None]
    assert row["median_time_to_purchase_seconds"] == (median(times) if times else None)


def test_sessions_by_hour_are_those_of_the_shops_clock(full, read, sessions):
    counted = Counter((row["start"].isoweekday(), row["start"].hour) for row in sessions)
    found = {
        (row["weekday_number"], row["hour"]): row["session_count"] for row in read(full, "sessions_by_hour")
    }
    assert {place: count for place, count in found.items() if count} == counted


def test_daily_users_are_the_users_with_events_of_the_day(full, read):
    found = {row["activity_date"]: row["daily_active_users"] for row in read(full, "engagement")}
    users = defaultdict(set)
    query = """
        select user_id, event_at from silver.int_sessionized_events
        inner join silver.int_user_keys using (user_key)
        inner join silver.int_sessions using (user_key, session_start_at)
        where not is_bot
    """
    for row in _rows(full, query):
        users[row["event_at"].replace(tzinfo=UTC).astimezone(NEW_YORK).date().isoformat()].add(row["user_id"])
    assert {day: count for day, count in found.items() if count} == {
        day: len(who) for day, who in users.items()
    }


def test_sales_add_up_to_those_of_the_orders(full, read):
    orders = _rows(full, "select * from gold.fct_orders")
    (row,) = read(full, "sales_summary")
    counted = [order for order in orders if order["is_counted"]]
    assert row["order_count"] == len(orders)
    assert row["net_amount"] == pytest.approx(float(sum(order["net_amount"] for order in orders)))
    assert row["customer_count"] == len({order["customer_id"] for order in counted} - {None})
    months = defaultdict(float)
    for order in orders:
        months[order["order_date"].replace(day=1).isoformat()] += float(order["net_amount"])
    found = {row["order_month"]: row["net_amount"] for row in read(full, "sales_by_month")}
    assert found == pytest.approx(dict(months))
    for name in ("sales_by_day", "category_sales", "sales_by_place", "orders_by_status"):
        assert sum(part["net_amount"] for part in read(full, name)) == pytest.approx(row["net_amount"]), name


def test_every_report_reads_with_every_filter_it_takes(full):
    with PublishedWarehouse(full.published, threads=2).connection() as connection:
        choices = read_filter_values(connection)
        given = {"first": FIRST, "last": LAST, "experiment": "nobody:control"}
        for name, values in (
            ("device", choices.devices),
            ("channel", choices.channels),
            ("category", choices.categories),
        ):
            given[name] = values[0]
        for report in REPORTS:
            names = tuple(name for name in adapt_to_shop(connection, report).filters if name != "experiment")
            if any(table.startswith(("scores_", "fct_experiment")) for table in report.requires):
                continue  # nothing was trained or tried
            whole = read_report(connection, report)
            part = read_report(connection, report, Filters(**given).select(names))
            assert all(len(row) == len(report.columns) for row in (*whole.rows, *part.rows)), report.name
            assert len(part.rows) <= len(whole.rows), report.name
