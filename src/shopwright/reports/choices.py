"""What there is to filter by in a shop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shopwright.core.errors import ConfigurationError, near_match
from shopwright.reports.gold import has_rows, states_orders

if TYPE_CHECKING:
    from datetime import date

    import duckdb

    from shopwright.reports.model import Filters


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
    stated = states_orders(connection)
    return Choices(
        first=first,
        last=last,
        devices=_told(connection, _names("device", stated=stated)),
        channels=_told(connection, _names("channel", stated=stated)),
        categories=_texts(connection, _CATEGORIES),
        experiments=_known(connection, "experiment"),
    )


def check_values(connection: duckdb.DuckDBPyConnection, filters: Filters) -> None:
    """See that something in the shop has the values of the filters.

    Raises:
        ConfigurationError: nothing has one of them.
    """
    for name in ("device", "channel", "category", "experiment"):
        value = filters.given.get(name)
        if value is None:
            continue
        known = _known(connection, name)
        if value not in known:
            raise ConfigurationError(
                f"nothing in the shop has {name} '{value}'{near_match(value[:60], known)}"
            )


def _known(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[str, ...]:
    if name == "category":
        return _texts(connection, _CATEGORIES)
    if name == "experiment":
        return (*_texts(connection, _GROUPS), *_experiments(connection))
    return _texts(connection, _names(name, stated=states_orders(connection)))


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
    union
    select coalesce(category, '(none)') from gold.dim_products where product_view_count > 0
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


def _names(column: str, *, stated: bool) -> str:
    # orders that a shop states know neither device nor channel
    of_orders = "" if stated else f"union select coalesce({column}, '(unknown)') from gold.fct_orders"
    return f"select entry_{column} as name from gold.fct_funnel {of_orders} order by name"


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
