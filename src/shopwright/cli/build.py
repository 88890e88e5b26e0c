"""``shopwright build``: build and publish a tested warehouse."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from shopwright.cli.forget import finish_erasures
from shopwright.cli.output import (
    DEFAULT_PROJECT,
    JsonOption,
    ProjectOption,
    print_json,
    progress_bar,
    stdout_console,
)
from shopwright.settings import Project, load_project
from shopwright.warehouse.build import BuildReport, build
from shopwright.warehouse.publish import WarehouseReader


def command(
    project: ProjectOption = DEFAULT_PROJECT,
    full_refresh: Annotated[
        bool,
        typer.Option("--full-refresh", help="Compute everything again, not only what new data affects."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the warehouse up to date, test it, and publish it.

    Only sessions, days and users that new data affects are computed again. If a test fails, nothing is published: readers
    keep the last good state, and the message names the test and some failing rows.

    Example:
        shopwright build --project my-shop
    """
    loaded = load_project(project)
    finish_erasures(loaded)
    report = build_with_progress(loaded, full_refresh=full_refresh, quiet=as_json)
    if as_json:
        print_json(report)
    else:
        show_report(stdout_console(), report)


def build_with_progress(
    project: Project,
    *,
    full_refresh: bool = False,
    while_publishing: WarehouseReader | None = None,
    quiet: bool,
) -> BuildReport:
    """Build with a progress bar that names the current model.

    Args:
        while_publishing: reads the tested warehouse while it is copied for readers.
        quiet: show no progress bar.
    """
    with progress_bar(quiet=quiet) as bar:
        bar.update("starting dbt", 0, 0)
        return build(
            project,
            full_refresh=full_refresh,
            on_progress=lambda name, number, total: bar.update(f"{number} of {total}: {name}", number, total),
            while_publishing=while_publishing,
        )


def show_report(console: Console, report: BuildReport) -> None:
    """Print a summary of a build."""
    scope = f"everything ({report.reason})" if report.full_refresh else "what new data affects"
    console.print(
        f"Built {scope}: {report.models} models, {report.tests} tests passed, published; {report.seconds:.1f} s"
    )
    for sentence in report.merges:
        console.print(f"merged: {sentence}", markup=False)
    for warning, rows in zip(report.warnings, report.warning_rows, strict=True):
        console.print(f"warning: {warning}{f' ({rows})' if rows else ''}", markup=False)
