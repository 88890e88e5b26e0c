"""``shopwright report``: the named tables behind the app's pages and the service."""

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
        str | None, typer.Argument(metavar="NAME", help="Report to show.", show_default="list all reports")
    ] = None,
    project: ProjectOption = DEFAULT_PROJECT,
    first: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="First date, in the shop's time zone."),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Last date, inclusive."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="Filter by device.")] = None,
    channel: Annotated[str | None, typer.Option(help="Filter by marketing channel.")] = None,
    category: Annotated[str | None, typer.Option(help="Filter by product category.")] = None,
    experiment: Annotated[
        str | None,
        typer.Option(metavar="NAME:VARIANT", help="Filter by users in this variant of an experiment."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a report from the last published build, or list all reports.

    A report states what it counts. Its numbers are those of the app's pages and of the service.

    Example:
        shopwright report sales_by_month --first 2025-01-01 --project my-shop
    """
    loaded_project = load_project(project)
    if name is None:
        _list_reports(as_json=as_json)
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
    warehouse = PublishedWarehouse(loaded_project.published, threads=loaded_project.settings.engine.threads)
    with warehouse.connection() as connection:
        data = read_report(connection, report, filters)
    if as_json:
        print_json(data.to_dict())
    else:
        _print_report(data)


def _list_reports(*, as_json: bool) -> None:
    if as_json:
        print_json([report.to_dict() for report in REPORTS])
        return
    rows = [(report.name, report.title, ", ".join(report.filters)) for report in REPORTS]
    stdout_console().print(table("", ("report", "title", "filters"), rows))


def _print_report(data: Table) -> None:
    console = stdout_console()
    report = data.report
    rows = [
        [_format(value, column) for value, column in zip(row, report.columns, strict=True)]
        for row in data.rows
    ]
    title = f"{report.title} ({data.currency})" if _has_money(data) else report.title
    if len(rows) == 1:  # a single row is easier to read as a list
        rows = [[column.name, value] for column, value in zip(report.columns, rows[0], strict=True)]
        console.print(table(title, ("", ""), rows))
    else:
        console.print(table(title, [column.name for column in report.columns], rows))
    console.print(f"\n{report.definition}", markup=False)
    console.print(f"{_format_freshness(data)}; {_format_data_tests(data)}.")


def _format_freshness(data: Table) -> str:
    freshness = data.freshness
    notes = [
        f"Data through {show(freshness.data_until)} UTC"
        if freshness.data_until
        else "No timestamps in the source",
        f"built {show(freshness.built_at)} UTC",
    ]
    if freshness.scored_through:
        notes.append(f"scored as of {show(freshness.scored_through)}")
    return ", ".join(notes)


def _format_data_tests(data: Table) -> str:
    tests = data.data_tests
    return f"{tests.passed:,} data tests passed, {tests.warned:,} with warnings"


def _has_money(data: Table) -> bool:
    return any(column.unit == "money" for column in data.report.columns)


def _format(value: Any, column: Column) -> Any:
    """Format a value for the terminal: shares in percent, numbers with two decimals."""
    if value is None or column.unit in {"text", "date", "time", "count"}:
        return value
    if column.unit == "share":
        return f"{float(value):.1%}"
    return f"{float(value):,.2f}"
