"""``shopwright report``: the named tables that the app's pages and the service show."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from shopwright.cli.output import (
    DEFAULT_PROJECT,
    JsonOption,
    ProjectOption,
    print_json,
    show,
    stdout_console,
    table,
)
from shopwright.reports import REPORTS, Column, Filters, PublishedWarehouse, Table, find_report, read_report
from shopwright.settings import load_project


def command(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Which report.", show_default="list all of them")
    ] = None,
    project: ProjectOption = DEFAULT_PROJECT,
    first: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="First date, in the shop's zone."),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Last date, itself included."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="Only this device.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only this marketing channel.")] = None,
    category: Annotated[str | None, typer.Option(help="Only this category of products.")] = None,
    experiment: Annotated[
        str | None,
        typer.Option(metavar="NAME:VARIANT", help="Only users who were in this variant of an experiment."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a report from the last build that was published, or list which there are.

    Every report says what it counts; its numbers are those of the app's pages and of the service.

    Example:
        shopwright report sales_by_month --first 2025-01-01 --project my-shop
    """
    loaded = load_project(project)
    if name is None:
        _list(as_json=as_json)
        return
    report = find_report(name)
    filters = Filters(
        first=first.date() if first else None,
        last=last.date() if last else None,
        device=device,
        channel=channel,
        category=category,
        experiment=experiment,
    )
    warehouse = PublishedWarehouse(loaded.published, threads=loaded.settings.engine.threads)
    with warehouse.connection() as connection:
        found = read_report(connection, report, filters)
    if as_json:
        print_json(found.document())
    else:
        _show(found)


def _list(*, as_json: bool) -> None:
    if as_json:
        print_json([report.described() for report in REPORTS])
        return
    rows = [(report.name, report.title, ", ".join(report.filters)) for report in REPORTS]
    stdout_console().print(table("", ("report", "shows", "filters"), rows))


def _show(found: Table) -> None:
    console = stdout_console()
    columns = found.report.columns
    rows = [[_cell(value, column) for value, column in zip(row, columns, strict=True)] for row in found.rows]
    title = f"{found.report.title} ({found.currency})" if _has_money(found) else found.report.title
    if len(rows) == 1:  # lengthwise, which is easier to read
        rows = [[column.name, value] for column, value in zip(columns, rows[0], strict=True)]
        console.print(table(title, ("", ""), rows))
    else:
        console.print(table(title, [column.name for column in columns], rows))
    freshness, health = found.freshness, found.health
    console.print(f"\n{found.report.definition}", markup=False)
    scored = (
        f", scored on what was known at the end of {show(freshness.scored_through)}"
        if freshness.scored_through
        else ""
    )
    console.print(
        f"Data until {show(freshness.data_until)} UTC, built {show(freshness.built_at)} UTC{scored}; "
        f"{health.passed} data tests passed, {health.warned} warned."
    )


def _has_money(found: Table) -> bool:
    return any(column.unit == "money" for column in found.report.columns)


def _cell(value: Any, column: Column) -> Any:
    """A value as it is printed: shares in percent, money with two decimals."""
    if value is None or column.unit in {"text", "date", "time", "count"}:
        return value
    if column.unit == "share":
        return f"{float(value) * 100:.1f} %"
    return f"{float(value):,.2f}"
