"""What a published warehouse says about its shop, in a few lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shopwright.core.engine import connect
from shopwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from shopwright.settings import Project


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about the shop."""

    name: str
    value: Any
    """The number itself; None where it is undefined."""
    text: str
    """The number as people read it, with its unit."""


_QUERY = """
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
    sum(is_abandoned::int) / nullif(sum(has_cart::int), 0) as abandonment_rate,
    coalesce(sum(gross_amount), 0) as gross_amount,
    (select sum(gross_amount) / nullif(count(*), 0) from silver.int_orders where not is_bot) as average_order_value
from people
"""


def summarise(project: Project) -> list[Finding]:
    """Facts about the shop from the published warehouse; bots are left out of every rate.

    Raises:
        ConfigurationError: nothing was published yet.
    """
    if not project.published.exists():
        raise ConfigurationError("nothing is published yet; run 'shopwright run' first")
    with connect(project.published, read_only=True) as connection:
        result = connection.execute(_QUERY)
        names = [str(column[0]) for column in result.description or []]
        row = dict(zip(names, result.fetchone() or (), strict=True))
    currency = project.settings.shop.currency
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
        Finding("gross_amount", row["gross_amount"], f"{row['gross_amount']:,.2f} {currency}"),
        _amount("average_order_value", row, currency),
    ]


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
