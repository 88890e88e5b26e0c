"""Loading reports from a shop's published warehouse."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from shopwright.core.errors import MissingDataError
from shopwright.reports.build_info import build_settings, has_rows, states_orders
from shopwright.reports.filter_values import check_values
from shopwright.reports.report import DataTestCounts, Filters, Freshness, Report, Statement, Table

if TYPE_CHECKING:
    from shopwright.core.engine import Connection

_NO_EVENTS = "no events, so there are no sessions. Add an events source"
_NO_ORDERS = "no orders and no purchase events. Add an orders or events source"
_MISSING = {
    "fct_sessions": _NO_EVENTS,
    "fct_funnel": _NO_EVENTS,
    "fct_daily_engagement": _NO_EVENTS,
    "fct_orders": _NO_ORDERS,
    "fct_order_items": _NO_ORDERS,
    "fct_revenue": _NO_ORDERS,
    "fct_customer_ltv": _NO_ORDERS,
    "agg_cohort_retention": _NO_ORDERS,
    "agg_payment_behavior": "no payments yet. Add a payments source",
    "dim_sellers": "the order lines name no sellers",
    "scores_churn": "no scores yet. Run `shopwright train churn`, then `shopwright score churn`",
    "scores_segmentation": (
        "no scores yet. Run `shopwright train segmentation`, then `shopwright score segmentation`"
    ),
    "fct_experiment_readouts": "shopwright.toml defines no experiments",
    "dim_products": "no event, order or catalog names a product",
}
"""Required table to the reason why it is empty and the next step."""


def read_report(connection: Connection, report: Report, filters: Filters | None = None) -> Table:
    """Read a report.

    Args:
        connection: to the published warehouse.
        report: one of ``REPORTS``.
        filters: restrictions; None reads the whole shop.

    Raises:
        ConfigurationError: the report does not accept one of the filters in this shop, or nothing has its value.
        MissingDataError: the shop has no data of the kind.
    """
    filters = filters or Filters()
    report.check_filters(filters)
    _check_data(connection, report)
    report = adapt_to_shop(connection, report)
    report.check_filters(filters)
    if filters.experiment and ":" in filters.experiment and not has_rows(connection, "fct_experiment_units"):
        raise MissingDataError(
            "no experiment to filter by: shopwright.toml defines no experiments", report.name
        )
    check_values(connection, filters)
    settings = build_settings(connection)
    return Table(
        report=report,
        filters=filters,
        rows=_read_rows(connection, report, filters, settings),
        currency=settings["shop_currency"],
        freshness=_read_freshness(connection, report),
        data_tests=_count_data_tests(connection, report),
    )


def adapt_to_shop(connection: Connection, report: Report) -> Report:
    """Return a report with only the filters that the shop's orders support.

    Raises:
        ConfigurationError: no complete build is published.
    """
    return report.for_shop(states_orders=states_orders(connection))


def _check_data(connection: Connection, report: Report) -> None:
    for table in report.requires:
        if not has_rows(connection, table):
            reason = _MISSING.get(table, f"gold.{table} has no rows")
            raise MissingDataError(f"no data for '{report.title}': {reason}", report.name)
    if report.row_condition and not has_rows(connection, report.requires[0], report.row_condition):
        raise MissingDataError(f"no data for '{report.title}': {report.no_rows_reason}", report.name)


def _read_rows(
    connection: Connection, report: Report, filters: Filters, settings: dict[str, str]
) -> list[tuple[Any, ...]]:
    conditions = {name: columns.condition(filters) for name, columns in report.filter_columns.items()}
    query = report.sql.format(**conditions)
    parameters = filters.active
    if "$timezone" in query:
        parameters["timezone"] = settings["shop_timezone"]
    cursor = connection.execute(query, parameters)
    report.check_column_names([column[0] for column in cursor.description])
    counts = [index for index, column in enumerate(report.columns) if column.unit == "count"]
    rows = [_with_plain_counts(row, counts) for row in cursor.fetchall()]
    unknown = _unknown_columns(connection, report)
    if not unknown:
        return rows
    return [tuple(None if index in unknown else value for index, value in enumerate(row)) for row in rows]


def _unknown_columns(connection: Connection, report: Report) -> set[int]:
    """Return the positions of columns of which the shop states nothing: they are undefined, not 0."""
    needed = {column.stated_by for column in report.columns}
    unstated = {name for name in needed if name and not _is_stated(connection, name)}
    return {index for index, column in enumerate(report.columns) if column.stated_by in unstated}


def _is_stated(connection: Connection, statement: Statement) -> bool:
    if statement == "orders":
        return states_orders(connection)
    return has_rows(connection, "fct_sessions", "has_cart" if statement == "carts" else "is_converted")


def _with_plain_counts(row: tuple[Any, ...], counts: list[int]) -> tuple[Any, ...]:
    """Return a row whose counts are whole numbers where they can be: units of goods by weight or length have decimals."""
    values = list(row)
    for index in counts:
        if isinstance(values[index], Decimal):
            values[index] = _plain_count(values[index])
    return tuple(values)


def _plain_count(value: Decimal) -> int | Decimal:
    """Return a decimal as a whole number, or without zeros at its end.

    Example:
        >>> _plain_count(Decimal("3.000000")), _plain_count(Decimal("13.750000"))
        (3, Decimal('13.75'))
    """
    return int(value) if value == value.to_integral_value() else value.normalize()


def _read_freshness(connection: Connection, report: Report) -> Freshness:
    data_until = connection.execute(
        "select max(last_event_at) from gold.fct_freshness where len($1) = 0 or entity in (select unnest($1))",
        [list(report.entities)],
    ).fetchone()
    built_at = connection.execute("select max(built_at) from meta.builds").fetchone()
    scored_dates = [
        connection.execute(f"select max(as_of_date) from gold.{table}").fetchone()
        for table in report.requires
        if table.startswith("scores_")
    ]
    return Freshness(
        data_until=data_until[0] if data_until else None,
        built_at=built_at[0] if built_at else None,
        # a report over the scores of two models is as old as the older ones
        scored_through=min((row[0] for row in scored_dates if row and row[0]), default=None),
    )


def _count_data_tests(connection: Connection, report: Report) -> DataTestCounts:
    query = """
        select count(*) filter (where status = 'pass'), count(*) filter (where status <> 'pass')
        from gold.fct_data_tests
        where
            invocation_id = (select invocation_id from gold.fct_data_tests order by executed_at desc limit 1)
            and (len($1) = 0 or model_name in (select unnest($1)))
    """
    passed, warned = connection.execute(query, [list(report.requires)]).fetchone() or (0, 0)
    return DataTestCounts(passed=passed, warned=warned)
