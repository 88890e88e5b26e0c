"""What a published warehouse says about its shop, in a few lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shopwright.core.engine import connect
from shopwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    import duckdb

    from shopwright.settings import Project


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about the shop."""

    name: str
    value: Any
    """The number itself; None where it is undefined."""
    text: str
    """The number as people read it, with its unit."""


_SESSIONS = """
with sessions as (
    select * from gold.fct_sessions
),

people as (
    select * from sessions where not is_bot
)

select
    (select count(*) from sessions) as sessions,
    (select count(*) from sessions where is_bot) as bot_sessions,
    count(distinct user_id) as users,
    min(session_start_at) as first_at,
    max(session_end_at) as last_at,
    sum(is_converted::int) / nullif(count(*), 0) as conversion_rate,
    sum(is_abandoned::int) / nullif(sum(has_cart::int), 0) as abandonment_rate
from people
"""

_ORDERS = """
with customers as (
    select * from gold.fct_customer_ltv where counted_order_count > 0
)

select
    count(*) as orders,
    count(*) filter (where is_canceled) as canceled_orders,
    min(order_date) as first_date,
    max(order_date) as last_date,
    sum(gross_amount) as gross_amount,
    sum(net_amount) as net_amount,
    sum(order_value_amount) / nullif(count(order_value_amount), 0) as average_order_value,
    sum(return_amount)::double / nullif(sum(gross_amount), 0) as return_rate,
    sum(is_on_time::int) / nullif(count(is_on_time), 0) as on_time_rate,
    avg(review_score) as review_score,
    (select count(*) from customers) as customers,
    (select sum((counted_order_count > 1)::int) / nullif(count(*), 0) from customers) as repeat_rate
from gold.fct_orders
"""


def summarise(project: Project) -> list[Finding]:
    """Facts about the shop from the published warehouse; bots are left out of every rate.

    Raises:
        ConfigurationError: nothing was published yet.
    """
    if not project.published.exists():
        raise ConfigurationError("nothing is published yet; run 'shopwright run' first")
    with connect(project.published, read_only=True) as connection:
        sessions, orders = _first_row(connection, _SESSIONS), _first_row(connection, _ORDERS)
    currency = project.settings.shop.currency
    return [*_about_sessions(sessions), *_about_orders(orders, currency)]


def _first_row(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    result = connection.execute(query)
    names = [str(column[0]) for column in result.description or []]
    return dict(zip(names, result.fetchone() or (), strict=True))


def _about_sessions(row: dict[str, Any]) -> list[Finding]:
    if not row["sessions"]:
        return [Finding("sessions", 0, "none: the lake holds no events")]
    return [
        Finding(
            "period",
            [row["first_at"], row["last_at"]],
            f"{row['first_at']:%Y-%m-%d} to {row['last_at']:%Y-%m-%d}",
        ),
        Finding("users", row["users"], f"{row['users']:,}"),
        Finding(
            "sessions",
            row["sessions"],
            f"{row['sessions']:,}, of which {row['bot_sessions']:,} by bots and left out below",
        ),
        _rate("conversion_rate", row, "of sessions end in a purchase", "no sessions"),
        _rate("abandonment_rate", row, "of sessions with a cart buy nothing", "no session has a cart"),
    ]


def _about_orders(row: dict[str, Any], currency: str) -> list[Finding]:
    if not row["orders"]:
        return [Finding("orders", 0, "none: the lake holds neither orders nor purchase events")]
    found = [
        Finding(
            "orders",
            row["orders"],
            f"{row['orders']:,} from {row['first_date']} to {row['last_date']}, {row['canceled_orders']:,} of them canceled",
        ),
        Finding("customers", row["customers"], f"{row['customers']:,}, as far as orders name them"),
        Finding("gross_amount", row["gross_amount"], f"{row['gross_amount']:,.2f} {currency}"),
        Finding("net_amount", row["net_amount"], f"{row['net_amount']:,.2f} {currency}"),
        _amount("average_order_value", row, currency),
        _rate("repeat_rate", row, "of customers ordered again", "no known customer"),
        _rate("return_rate", row, "of what was sold came back", "nothing was sold"),
    ]
    if row["on_time_rate"] is not None:
        found.append(_rate("on_time_rate", row, "of promised deliveries were on time", ""))
    if row["review_score"] is not None:
        found.append(Finding("review_score", row["review_score"], f"{row['review_score']:.2f} of 5 stars"))
    return found


def _rate(name: str, row: dict[str, Any], meaning: str, undefined: str) -> Finding:
    value = row[name]
    return Finding(name, value, f"undefined: {undefined}" if value is None else f"{value:.2%} {meaning}")


def _amount(name: str, row: dict[str, Any], currency: str) -> Finding:
    value = row[name]
    return Finding(name, value, "undefined: no orders" if value is None else f"{value:,.2f} {currency}")


def table_sizes(project: Project) -> dict[str, int]:
    """Rows of every published gold table."""
    with connect(project.published, read_only=True) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'gold' order by table_name"
        ).fetchall()
        counts = {}
        for (name,) in names:
            fetched = connection.execute(f'select count(*) from gold."{name}"').fetchone()
            counts[str(name)] = int(fetched[0]) if fetched else 0
    return counts
