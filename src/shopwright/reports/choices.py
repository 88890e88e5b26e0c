"""What there is to filter by in a shop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shopwright.reports.reading import has_rows

if TYPE_CHECKING:
    from datetime import date

    import duckdb


@dataclass(frozen=True, slots=True)
class Choices:
    """The values that filters can take."""

    first: date | None
    """First date with a session or an order, in the shop's zone; None where there is neither."""
    last: date | None
    devices: tuple[str, ...]
    channels: tuple[str, ...]
    categories: tuple[str, ...]
    experiments: tuple[str, ...]
    """Groups of the shop's own scheme, and ``NAME:VARIANT`` of experiments whose units are users."""


def read_choices(connection: duckdb.DuckDBPyConnection) -> Choices:
    """Read them from the published warehouse."""
    first, last = _row(connection, _PERIOD)
    return Choices(
        first=first,
        last=last,
        devices=_told(connection, _names("device")),
        channels=_told(connection, _names("channel")),
        categories=_texts(connection, _CATEGORIES),
        experiments=(*_texts(connection, _GROUPS), *_experiments(connection)),
    )


_PERIOD = """
    with days as (
        select min(activity_date) as first_date, max(activity_date) as last_date from gold.fct_daily_engagement
        union all
        select min(order_date), max(order_date) from gold.fct_orders
    )

    select min(first_date), max(last_date) from days
"""
_CATEGORIES = """
    select category from gold.fct_revenue
    union
    select category from gold.fct_funnel where category <> '(all)'
    order by category
"""
_GROUPS = """
    select distinct experiment_group from gold.fct_sessions
    where experiment_group is not null
    order by experiment_group
"""
_UNITS = """
    select distinct concat(experiment, ':', variant) as name from gold.fct_experiment_units
    where unit_id = user_id
    order by name
"""


def _names(column: str) -> str:
    return f"""
        select entry_{column} as name from gold.fct_funnel
        union
        select coalesce({column}, '(unknown)') from gold.fct_orders
        order by name
    """


def _told(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[str, ...]:
    """Nothing where there is but one value: it would narrow nothing."""
    found = _texts(connection, query)
    return found if len(found) > 1 else ()


def _experiments(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    return _texts(connection, _UNITS) if has_rows(connection, "fct_experiment_units") else ()


def _texts(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[str, ...]:
    return tuple(str(name) for (name,) in connection.execute(query).fetchall())


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    return connection.execute(query).fetchone() or (None, None)
