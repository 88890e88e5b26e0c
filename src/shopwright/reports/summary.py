"""What a warehouse says about its shop, in a few lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shopwright.core.errors import MissingDataError
from shopwright.reports.customers import CUSTOMERS
from shopwright.reports.listing import find
from shopwright.reports.reading import read_report
from shopwright.reports.sales import SALES
from shopwright.reports.visits import VISITS

if TYPE_CHECKING:
    import duckdb

_REPORTS = (*VISITS, *SALES, *CUSTOMERS)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about the shop."""

    name: str
    value: Any
    """The number itself; None where it is undefined."""
    text: str
    """The number as people read it, with its unit."""


def summarise(connection: duckdb.DuckDBPyConnection, *, currency: str) -> list[Finding]:
    """Facts about the shop from its reports.

    Args:
        connection: to a warehouse whose tests passed.
        currency: the shop's, such as ``EUR``.
    """
    return [
        *_about_sessions(_rows(connection, "visits_summary"), _rows(connection, "engagement")),
        *_about_orders(
            _rows(connection, "sales_summary"),
            _rows(connection, "customer_summary"),
            _rows(connection, "sales_by_day"),
            currency=currency,
        ),
    ]


def _rows(connection: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, Any]]:
    """Rows of a report by column name; none where the shop has no such data."""
    try:
        found = read_report(connection, find(name, _REPORTS))
    except MissingDataError:
        return []
    names = [column.name for column in found.report.columns]
    return [dict(zip(names, row, strict=True)) for row in found.rows]


def _about_sessions(visits: list[dict[str, Any]], days: list[dict[str, Any]]) -> list[Finding]:
    if not visits:
        return [Finding("sessions", 0, "none: the lake holds no events")]
    (row,) = visits
    bots = row["bot_session_count"]
    sessions = row["session_count"] + bots
    found = [
        Finding("sessions", sessions, f"{sessions:,}, of which {bots:,} by bots and left out below"),
        _rate("conversion_rate", row, "of sessions end in a purchase", "no sessions"),
        _rate("abandonment_rate", row, "of sessions with a cart buy nothing", "no session has a cart"),
    ]
    if not days:
        return found
    first, last = days[0]["activity_date"], days[-1]["activity_date"]
    users = sum(day["new_users"] for day in days)
    return [
        Finding("period", [first, last], f"{first} to {last}"),
        Finding("users", users, f"{users:,}"),
        *found,
    ]


def _about_orders(
    sales: list[dict[str, Any]],
    customers: list[dict[str, Any]],
    days: list[dict[str, Any]],
    *,
    currency: str,
) -> list[Finding]:
    if not sales:
        return [Finding("orders", 0, "none: the lake holds neither orders nor purchase events")]
    (row,) = sales
    known = customers[0] if customers else {"customer_count": 0, "repeat_rate": None}
    dates = [day["order_date"] for day in days if day["order_date"] is not None]
    period = f" from {min(dates)} to {max(dates)}" if dates else ""
    placed, canceled = row["order_count"], row["canceled_order_count"]
    found = [
        Finding("orders", placed, f"{placed:,}{period}, {canceled:,} of them canceled"),
        Finding(
            "customers", known["customer_count"], f"{known['customer_count']:,}, as far as orders name them"
        ),
        _amount("gross_amount", row, currency),
        _amount("net_amount", row, currency),
        _amount("average_order_value", row, currency),
        _rate("repeat_rate", known, "of customers ordered again", "no known customer"),
        _rate("return_rate", row, "of what was sold came back", "nothing was sold"),
    ]
    if row["on_time_rate"] is not None:
        found.append(_rate("on_time_rate", row, "of promised deliveries were on time", ""))
    if (score := row["average_review_score"]) is not None:
        found.append(Finding("review_score", score, f"{score:.2f} of 5 stars"))
    return found


def _rate(name: str, row: dict[str, Any], meaning: str, undefined: str) -> Finding:
    value = row[name]
    return Finding(name, value, f"undefined: {undefined}" if value is None else f"{value:.2%} {meaning}")


def _amount(name: str, row: dict[str, Any], currency: str) -> Finding:
    value = row[name]
    return Finding(name, value, "undefined: no orders" if value is None else f"{value:,.2f} {currency}")
