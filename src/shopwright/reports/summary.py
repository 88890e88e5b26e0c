"""The main numbers of a shop, a line each: what ``shopwright run`` prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shopwright.core.errors import MissingDataError
from shopwright.reports.catalog import find_report
from shopwright.reports.loader import read_report

if TYPE_CHECKING:
    from shopwright.core.engine import Connection


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """One number about the shop."""

    name: str
    """Column of the report that it comes from, or what it counts."""
    value: Any
    """The number itself; None where it is undefined."""
    text: str
    """The number with its unit, formatted."""


def summarize(connection: Connection, *, currency: str) -> list[SummaryLine]:
    """Summarize a shop by its reports.

    Args:
        connection: to a warehouse whose tests passed.
        currency: the shop's, such as ``EUR``.
    """
    return [
        *_summarize_sessions(_read(connection, "session_summary"), _read(connection, "engagement")),
        *_summarize_orders(
            _read(connection, "sales_summary"),
            _read(connection, "customer_summary"),
            _read(connection, "sales_by_day"),
            currency=currency,
        ),
    ]


def _read(connection: Connection, name: str) -> list[dict[str, Any]]:
    """Read the rows of a report by column name; none where the shop lacks the data."""
    try:
        table = read_report(connection, find_report(name))
    except MissingDataError:
        return []
    names = [column.name for column in table.report.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def _summarize_sessions(sessions: list[dict[str, Any]], days: list[dict[str, Any]]) -> list[SummaryLine]:
    if not sessions:
        return [SummaryLine("sessions", 0, "none. Add an events source")]
    (row,) = sessions
    bots = row["bot_session_count"]
    total = row["session_count"] + bots
    lines = [
        SummaryLine("sessions", total, f"{total:,}, including {bots:,} by bots (excluded below)"),
        _rate_line(
            "session_conversion_rate",
            row,
            "of sessions end in a purchase",
            "no session has a purchase" if row["session_count"] else "no sessions",
        ),
        _rate_line(
            "cart_abandonment_rate",
            row,
            "of sessions with a cart have no purchase",
            "no session has a purchase"
            if row["cart_rate"] and not row["purchase_session_count"]
            else "no sessions with a cart",
        ),
    ]
    if not days:
        return lines
    first, last = days[0]["activity_date"], days[-1]["activity_date"]
    users = sum(day["new_users"] for day in days)
    return [
        SummaryLine("period", [first, last], f"{first} to {last}"),
        SummaryLine("users", users, f"{users:,}"),
        *lines,
    ]


def _summarize_orders(
    sales: list[dict[str, Any]],
    customers: list[dict[str, Any]],
    days: list[dict[str, Any]],
    *,
    currency: str,
) -> list[SummaryLine]:
    if not sales:
        return [SummaryLine("orders", 0, "none. Add an orders or events source")]
    (row,) = sales
    customer_row = customers[0] if customers else {"customer_count": 0, "repeat_rate": None}
    dates = [day["order_date"] for day in days if day["order_date"] is not None]
    period = f" from {min(dates)} to {max(dates)}" if dates else ""
    order_count, unknown = row["order_count"], row["unknown_order_count"]
    customer_count = customer_row["customer_count"]
    lines = [
        SummaryLine("orders", order_count, f"{order_count:,}{period}, {_format_canceled(row)}"),
        SummaryLine("customers", customer_count, f"{customer_count:,} identified customers"),
        _amount_line("gross_amount", row, currency),
        _amount_line("net_amount", row, currency),
        _amount_line("average_order_value", row, currency),
        _rate_line("repeat_rate", customer_row, "of customers ordered again", "no identified customers"),
        _rate_line("return_rate", row, "of gross sales were returned", _return_reason(row)),
    ]
    if unknown:
        text = f"{unknown:,} of unknown value (no price, or no rate of exchange), in no total"
        lines.append(SummaryLine("unknown_orders", unknown, text))
    if row["on_time_rate"] is not None:
        lines.append(_rate_line("on_time_rate", row, "of deliveries with a promised date were on time", ""))
    if (score := row["average_review_score"]) is not None:
        lines.append(SummaryLine("average_review_score", score, f"{score:.2f} of 5 stars"))
    return lines


def _rate_line(name: str, row: dict[str, Any], meaning: str, undefined: str) -> SummaryLine:
    value = row[name]
    return SummaryLine(name, value, f"undefined: {undefined}" if value is None else f"{value:.2%} {meaning}")


def _amount_line(name: str, row: dict[str, Any], currency: str) -> SummaryLine:
    value = row[name]
    reason = "undefined: no orders" if not row["order_count"] else "unknown: no order has a known value"
    return SummaryLine(name, value, reason if value is None else f"{value:,.2f} {currency}")


def _format_canceled(row: dict[str, Any]) -> str:
    canceled = row["canceled_order_count"]
    return "cancellations not known" if canceled is None else f"{canceled:,} of them canceled"


def _return_reason(row: dict[str, Any]) -> str:
    """Return why the return rate is undefined: nothing was sold, or nothing could say what came back."""
    if row["order_count"] and row["return_amount"] is None:
        return "no source states returns"
    return "no sales"
