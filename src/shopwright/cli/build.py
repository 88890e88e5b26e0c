"""``shopwright build``: the lake into a tested warehouse."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

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
from shopwright.warehouse.publish import Reading


def command(
    project: ProjectOption = DEFAULT_PROJECT,
    full_refresh: Annotated[
        bool,
        typer.Option("--full-refresh", help="Compute everything again, not only what new batches touch."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the warehouse up to date, test it, and publish it.

    Only sessions, days and users that new batches touch are computed again. When a test fails nothing is
    published: readers keep the last good state, and the message names the test and rows it objects to.

    Example:
        shopwright build --project my-shop
    """
    report = build_with_progress(load_project(project), full_refresh=full_refresh, quiet=as_json)
    if as_json:
        print_json(report)
    else:
        show_report(stdout_console(), report)


def build_with_progress(
    project: Project, *, full_refresh: bool = False, meanwhile: Reading | None = None, quiet: bool
) -> BuildReport:
    """Build, with a bar that tells the model at work; ``meanwhile`` reads what was built before it is published."""
    with progress_bar(quiet=quiet) as bar:
        bar.update("starting dbt", 0, 0)
        return build(
            project,
            full_refresh=full_refresh,
            watch=lambda name, at, total: bar.update(f"{at} of {total}, {name}", at, total),
            meanwhile=meanwhile,
        )


def show_report(console: Console, report: BuildReport) -> None:
    """Print what a build did."""
    what = f"everything ({report.reason})" if report.full_refresh else "what new batches touched"
    console.print(
        f"Built {what}: {report.models} models, {report.tests} tests passed, published; {report.seconds:.1f} s"
    )
    for warning in report.warnings:
        console.print(f"warning: {warning}", markup=False)
