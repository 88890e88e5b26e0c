"""``shopwright ingest``: load source files into the lake."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console

from shopwright.cli.output import (
    DEFAULT_PROJECT,
    Bar,
    JsonOption,
    ProjectOption,
    format_count,
    now,
    print_json,
    progress_bar,
    stdout_console,
    table,
)
from shopwright.contracts import BY_NAME
from shopwright.ingest.ledger import LedgerRow
from shopwright.ingest.run import IngestReport, Progress, ingest
from shopwright.settings import Project, load_project

MAX_LISTED_FILES = 40


def command(
    project: ProjectOption = DEFAULT_PROJECT,
    source: Annotated[list[str] | None, typer.Option(help="Only this source; can be repeated.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Load new source files into the lake.

    Each record goes to exactly one of three places: the lake, the quarantine (with every rule that it broke), or the
    count of exact duplicates. Files that were loaded before are skipped; an interrupted run is completed first.
    Exits with 1 if a file could not be read; all other files are loaded.

    Example:
        shopwright ingest --project my-shop
    """
    report = ingest_with_progress(load_project(project), tuple(source or ()), quiet=as_json)
    if as_json:
        print_json(to_dict(report))
    else:
        show_report(stdout_console(), report)
    if report.failed:
        raise typer.Exit(1)


def ingest_with_progress(project: Project, sources: tuple[str, ...] = (), *, quiet: bool) -> IngestReport:
    """Ingest, with a progress bar that shows file, rows and rows per second."""
    with progress_bar(quiet=quiet) as bar:
        return ingest(project, now=now(), sources=sources, on_progress=_Reporter(bar))


class _Reporter:
    def __init__(self, bar: Bar) -> None:
        self.bar = bar
        self.started = monotonic()

    def __call__(self, progress: Progress) -> None:
        rate = progress.rows / max(monotonic() - self.started, 1e-9)
        number = min(progress.files_done + 1, progress.files)
        text = f"file {number} of {progress.files}, {progress.file}: {progress.rows:,} rows, {rate:,.0f}/s"
        self.bar.update(text, progress.bytes_done, progress.bytes)


def to_dict(report: IngestReport) -> dict[str, object]:
    """Return an ingest report as JSON shows it."""
    return {
        "files": [asdict(row) | {"rules": row.rule_counts or None} for row in report.rows],
        "skipped": report.skipped,
        "recovered": report.recovered,
        "changed_sources": [asdict(changed) for changed in report.changed_sources],
        "seconds": round(report.seconds, 3),
        **{name: report.total(name) for name in COUNTS},
    }


COUNTS = ("rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate")


def show_report(console: Console, report: IngestReport) -> None:
    """Print an ingest report."""
    if report.recovered:
        console.print(f"Completed {format_count(report.recovered, 'commit')} of an interrupted run.")
    if report.rows:
        columns = ("file", "entity", "read", "accepted", "quarantined", "duplicate", "outcome")
        rows = [_cells(row) for row in report.rows[:MAX_LISTED_FILES]]
        if len(report.rows) > MAX_LISTED_FILES:
            rows.append(
                [f"… {len(report.rows) - MAX_LISTED_FILES} more files", "", None, None, None, None, ""]
            )
        rows.append(["total", "", *(report.total(name) for name in COUNTS), ""])
        console.print(table("", columns, rows))
    _show_rules(console, report)
    rate = report.total("rows_read") / max(report.seconds, 1e-9)
    outcomes = Counter(row.outcome for row in report.rows)
    console.print(
        f"{format_count(outcomes['loaded'], 'file')} loaded, {report.skipped:,} unchanged"
        + "".join(
            f", {outcomes[name]:,} {name}" for name in ("identical", "empty", "failed") if outcomes[name]
        )
        + f"; {report.seconds:.1f} s"
        + (f", {rate:,.0f} rows per second" if report.rows else "")
    )
    _show_notes(console, report)


def _show_notes(console: Console, report: IngestReport) -> None:
    """Print what is worth a look: columns that no mapping names, failures, changed settings, quarantined rows."""
    for row in report.rows:
        if row.new_columns:
            fate = "kept in properties" if _has_properties(row) else "not loaded"
            console.print(f"{row.file}: unmapped columns, {fate}: {row.new_columns}", markup=False)
        if row.reason and row.outcome == "loaded":
            console.print(f"{row.file}: {row.reason}", markup=False)
    for row in report.failed:
        console.print(f"Failed: {row.file}: {row.reason}", markup=False)
    for changed in report.changed_sources:
        if changed.files:
            console.print(f"Note: {changed.message}", markup=False)
    if report.total("rows_quarantined"):
        console.print("Review quarantined rows: shopwright quarantine list")


def _show_rules(console: Console, report: IngestReport) -> None:
    """Print how many accepted order lines each rule of an adapter applied to."""
    rows = [
        (_name(row), rule, count)
        for row in report.rows[:MAX_LISTED_FILES]
        for rule, count in row.rule_counts.items()
    ]
    if rows:
        console.print(table("\nAccepted order lines by rule", ("file", "rule", "rows"), rows))


def _has_properties(row: LedgerRow) -> bool:
    return any(column.name == "properties" for column in BY_NAME[row.entity].stored_columns)


def _name(row: LedgerRow) -> str:
    return row.file.rsplit("/", 1)[-1]


def _cells(row: LedgerRow) -> list[object]:
    return [
        _name(row),
        row.entity,
        row.rows_read,
        row.rows_accepted,
        row.rows_quarantined,
        row.rows_duplicate,
        row.outcome,
    ]
