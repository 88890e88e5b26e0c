"""``shopwright repair``: the lake after damage."""

from __future__ import annotations

import typer

from shopwright.cli.ingest import Reporter
from shopwright.cli.output import (
    DEFAULT_PROJECT,
    JsonOption,
    ProjectOption,
    now,
    print_json,
    progress_bar,
    stdout_console,
)
from shopwright.core.counts import format_count
from shopwright.ingest.repair import RepairReport, repair
from shopwright.settings import load_project


def command(project: ProjectOption = DEFAULT_PROJECT, as_json: JsonOption = False) -> None:
    """Repair the lake: Delta logs, records and files that are gone, damaged or do not fit each other.

    Logs are written again from the records of commits, files come back from the trash or from their second copy, and rows whose
    file is lost are read again from the source files. What is replaced moves to lake/_trash; nothing is deleted. Exits with 1
    if something is still wrong.

    Example:
        shopwright repair --project my-shop
        shopwright doctor --deep --project my-shop
    """
    loaded = load_project(project)
    with progress_bar(quiet=as_json) as bar:
        report = repair(loaded, now=now(), on_progress=Reporter(bar))
    if as_json:
        print_json(report)
    else:
        _show(report)
    if not report.is_whole:
        raise typer.Exit(1)


def _show(report: RepairReport) -> None:
    console = stdout_console()
    for line in report.done:
        console.print(f"{line[0].upper()}{line[1:]}", markup=False)
    if report.reread:
        console.print(
            f"Read {format_count(len(report.reread), 'file')} again: {', '.join(report.reread)}", markup=False
        )
    for line in report.remaining:
        console.print(f"Still wrong: {line}", markup=False)
    if report.is_whole:
        has_changed = report.done or report.reread
        console.print(
            "The lake is whole. Run `shopwright build` next"
            if has_changed
            else "The lake is whole; nothing to repair"
        )
