"""Reading a report from a shop's published warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shopwright.core.errors import MissingDataError
from shopwright.reports.choices import check_values
from shopwright.reports.gold import build_settings, has_rows, states_orders
from shopwright.reports.model import Filters, Freshness, Health, Report, Table

if TYPE_CHECKING:
    import duckdb

_CLICKS = "it holds no clicks, so there are no sessions; a source of events brings them"
_ORDERS = "it holds neither orders nor purchase events; a source of either brings them"
_LACKS = {
    "fct_sessions": _CLICKS,
    "fct_funnel": _CLICKS,
    "fct_daily_engagement": _CLICKS,
    "fct_orders": _ORDERS,
    "fct_order_items": _ORDERS,
    "fct_revenue": _ORDERS,
    "fct_customer_ltv": _ORDERS,
    "agg_cohort_retention": _ORDERS,
    "agg_payment_behavior": "it holds no payments; a source of the entity payments brings them",
    "dim_sellers": "its order lines name no sellers",
    "scores_churn": "nobody was scored yet; 'shopwright train churn' and 'shopwright score churn' do it",
    "scores_segmentation": (
        "nobody was scored yet; 'shopwright train segmentation' and 'shopwright score segmentation' do it"
    ),
    "fct_experiment_readouts": "no experiment is told of in shopwright.toml",
    "dim_products": "no event, order or catalog names a product",
}


def read_report(
    connection: duckdb.DuckDBPyConnection, report: Report, filters: Filters | None = None
) -> Table:
    """Read a report.

    Args:
        connection: to the published warehouse.
        report: which one.
        filters: what it is narrowed to; the whole shop where not given.

    Raises:
        ConfigurationError: the report does not take one of the filters in this shop, or nothing has its value.
        MissingDataError: the shop has no data of the kind.
    """
    filters = filters or Filters()
    report.check(filters)
    for table in report.needs:
        if not has_rows(connection, table):
            reason = _LACKS.get(table, f"gold.{table} has no rows")
            raise MissingDataError(f"the shop's data cannot show '{report.title}': {reason}", report.name)
    if report.kind and not has_rows(connection, report.needs[0], report.kind):
        raise MissingDataError(f"the shop's data cannot show '{report.title}': {report.lacks}", report.name)
    report = in_shop(connection, report)
    report.check(filters)
    if filters.experiment and ":" in filters.experiment and not has_rows(connection, "fct_experiment_units"):
        raise MissingDataError(
            "the shop has no experiment to filter by: none is told of in shopwright.toml", report.name
        )
    check_values(connection, filters)
    settings = build_settings(connection)
    return Table(
        report=report,
        filters=filters,
        rows=_rows(connection, report, filters, settings),
        currency=settings["shop_currency"],
        freshness=_freshness(connection, report),
        health=_health(connection, report),
    )


def in_shop(connection: duckdb.DuckDBPyConnection, report: Report) -> Report:
    """A report as it stands in a shop: it takes only filters that the shop's orders know.

    Raises:
        ConfigurationError: no whole build is recorded.
    """
    return report.in_shop(states_orders=states_orders(connection))


def _rows(
    connection: duckdb.DuckDBPyConnection, report: Report, filters: Filters, settings: dict[str, str]
) -> list[tuple[Any, ...]]:
    conditions = {name: scope.condition(filters) for name, scope in report.scopes.items()}
    query = report.sql.format(**conditions)
    values = filters.given
    if "$timezone" in query:
        values["timezone"] = settings["shop_timezone"]
    return connection.execute(query, values).fetchall()


def _freshness(connection: duckdb.DuckDBPyConnection, report: Report) -> Freshness:
    until = connection.execute(
        "select max(last_event_at) from gold.fct_freshness where len($1) = 0 or entity in (select unnest($1))",
        [list(report.entities)],
    ).fetchone()
    built = connection.execute("select max(built_at) from meta.builds").fetchone()
    oldest = [
        connection.execute(f"select max(as_of_date) from gold.{table}").fetchone()
        for table in report.needs
        if table.startswith("scores_")
    ]
    return Freshness(
        data_until=until[0] if until else None,
        built_at=built[0] if built else None,
        scored_through=min((found[0] for found in oldest if found and found[0]), default=None),
    )


def _health(connection: duckdb.DuckDBPyConnection, report: Report) -> Health:
    query = """
        select count(*) filter (where status = 'pass'), count(*) filter (where status <> 'pass')
        from gold.fct_data_tests
        where
            invocation_id = (select invocation_id from gold.fct_data_tests order by executed_at desc limit 1)
            and (len($1) = 0 or model_name in (select unnest($1)))
    """
    passed, warned = connection.execute(query, [list(report.needs)]).fetchone() or (0, 0)
    return Health(passed=passed, warned=warned)
