"""Values that the filters of reports can take in a shop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shopwright.core.errors import ConfigurationError, near_match
from shopwright.reports.build_info import has_rows, states_orders

if TYPE_CHECKING:
    from datetime import date

    from shopwright.core.engine import Connection
    from shopwright.reports.report import Filters


@dataclass(frozen=True, slots=True)
class FilterValues:
    """Values to choose from; empty where there is nothing to choose."""

    first: date | None
    """First date with a session or an order, in the shop's time zone; None where there is neither."""
    last: date | None
    devices: tuple[str, ...]
    channels: tuple[str, ...]
    categories: tuple[str, ...]
    experiments: tuple[str, ...]
    """Groups of the shop's own scheme, and ``NAME:VARIANT`` of experiments whose units are users."""


def read_filter_values(connection: Connection) -> FilterValues:
    """Read the filter values of a published warehouse."""
    first, last = _read_row(connection, _PERIOD)
    has_orders = states_orders(connection)
    return FilterValues(
        first=first,
        last=last,
        devices=_read_options(connection, _session_values("device", has_orders=has_orders)),
        channels=_read_options(connection, _session_values("channel", has_orders=has_orders)),
        categories=_read_texts(connection, _CATEGORIES),
        experiments=_read_values(connection, "experiment"),
    )


def check_values(connection: Connection, filters: Filters) -> None:
    """Check that each filter has a value that occurs in the shop.

    Raises:
        ConfigurationError: a value does not occur.
    """
    for name in ("device", "channel", "category", "experiment"):
        value = filters.active.get(name)
        if value is None:
            continue
        values = _read_values(connection, name)
        if value not in values:
            raise ConfigurationError(f"the shop has no {name} '{value}'{near_match(value[:60], values)}")


def _read_values(connection: Connection, name: str) -> tuple[str, ...]:
    if name == "category":
        return _read_texts(connection, _CATEGORIES)
    if name == "experiment":
        return (*_read_texts(connection, _GROUPS), *_read_variants(connection))
    return _read_texts(connection, _session_values(name, has_orders=states_orders(connection)))


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
_VARIANTS = """
    select distinct concat(experiment, ':', variant) as name from gold.fct_experiment_units
    where unit_id = user_id
    order by name
"""


def _session_values(column: str, *, has_orders: bool) -> str:
    # orders that a shop states have neither device nor channel
    orders = "" if has_orders else f"union select coalesce({column}, '(unknown)') from gold.fct_orders"
    return f"select entry_{column} as name from gold.fct_funnel {orders} order by name"


def _read_options(connection: Connection, query: str) -> tuple[str, ...]:
    """Read values to choose from; none where there is only one, which would filter nothing."""
    values = _read_texts(connection, query)
    return values if len(values) > 1 else ()


def _read_variants(connection: Connection) -> tuple[str, ...]:
    return _read_texts(connection, _VARIANTS) if has_rows(connection, "fct_experiment_units") else ()


def _read_texts(connection: Connection, query: str) -> tuple[str, ...]:
    return tuple(str(name) for (name,) in connection.execute(query).fetchall())


def _read_row(connection: Connection, query: str) -> tuple[Any, ...]:
    return connection.execute(query).fetchone() or (None, None)
