"""``shopwright ingest``: load source files into the lake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console

from shopwright.cli.forget import finish_erasures
from shopwright.cli.output import (
    DEFAULT_PROJECT,
    Bar,
    JsonOption,
    ProjectOption,
    now,
    print_json,
    progress_bar,
    stdout_console,
    table,
)
from shopwright.contracts import BY_NAME
from shopwright.core.counts import format_count
from shopwright.ingest import mending
from shopwright.ingest.contents import OTHER_COLUMNS
from shopwright.ingest.ledger import LedgerRow
from shopwright.ingest.mending import plan_forget, read_again
from shopwright.ingest.mending_plan import Plan, count_rows
from shopwright.ingest.notes import describe_notes
from shopwright.ingest.run import IngestReport, Progress, ingest
from shopwright.settings import Project, load_project

MAX_LISTED_FILES = 40


def command(
    project: ProjectOption = DEFAULT_PROJECT,
    source: Annotated[list[str] | None, typer.Option(help="Only this source; can be repeated.")] = None,
    again: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE|FILE",
            help="Read the files of a source, or one file, again, after a change of settings.",
        ),
    ] = None,
    forget: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE|FILE",
            help="Take the rows of a source, or of one file, out of the lake. People are removed by `shopwright forget`.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Forget without asking.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Load new source files into the lake.

    Each record goes to exactly one of four places: the lake, the quarantine (with every rule that it broke), the count of
    exact duplicates, or that of event types that the source ignores. Files that were loaded before are skipped; an interrupted run is completed first.
    Exits with 1 if a file could not be read, or if nothing of it was accepted; all other files are loaded.

    `--again` replaces exactly the rows that a source or a file gave before, in one commit; they keep their place in the
    order of arrival. `--forget` takes them out. Files that it took out are not read again until `--again`.

    Example:
        shopwright ingest --project my-shop
    """
    loaded = load_project(project)
    if sum(map(bool, (source, again, forget))) > 1:
        raise typer.BadParameter("give one of --source, --again and --forget")
    finish_erasures(loaded)
    if again or forget:
        report = _mend(loaded, again=again, forget_target=forget, yes=yes, quiet=as_json)
    else:
        report = ingest_with_progress(loaded, tuple(source or ()), quiet=as_json)
    if as_json:
        print_json(to_dict(report))
    else:
        show_report(stdout_console(), report)
    if not report.is_complete:
        raise typer.Exit(1)


def _mend(
    project: Project, *, again: str | None, forget_target: str | None, yes: bool, quiet: bool
) -> IngestReport:
    if forget_target and not yes:
        if quiet:
            raise typer.BadParameter("--forget with --json needs --yes")
        for line in _describe_forget(plan_forget(project, forget_target)):
            stdout_console().print(line, markup=False)
        typer.confirm("Take them out?", abort=True)
    with progress_bar(quiet=quiet) as bar:
        if again:
            return read_again(project, again, now=now(), on_progress=Reporter(bar))
        return mending.forget(project, str(forget_target), now=now(), on_progress=Reporter(bar))


def _describe_forget(plan: Plan) -> Iterator[str]:
    """Yield what `--forget` would take out."""
    rows = ", ".join(f"{count:,} {entity}" for entity, count in count_rows(plan.forgotten)) or "no rows"
    yield f"{format_count(_count_files(plan.forgotten), 'file')} with {rows} would leave the lake."
    if quarantined := sum(row.rows_quarantined for row in plan.forgotten if row.outcome == "loaded"):
        yield f"{format_count(quarantined, 'quarantined row')} would go too."
    if plan.affected:
        yield f"Read again, since their duplicates are duplicates no more: {', '.join(plan.affected)}"


def _count_files(rows: list[LedgerRow]) -> int:
    return len({row.file for row in rows})


def ingest_with_progress(project: Project, sources: tuple[str, ...] = (), *, quiet: bool) -> IngestReport:
    """Ingest, with a progress bar that shows file, rows and rows per second."""
    with progress_bar(quiet=quiet) as bar:
        return ingest(project, now=now(), sources=sources, on_progress=Reporter(bar))


class Reporter:
    """Shows the progress of an ingest in a bar."""

    def __init__(self, bar: Bar) -> None:
        self.bar = bar
        self.started = monotonic()

    def __call__(self, progress: Progress) -> None:
        """Show which file is read."""
        rate = progress.rows / max(monotonic() - self.started, 1e-9)
        number = min(progress.files_done + 1, progress.files)
        text = f"file {number} of {progress.files}, {progress.file}: {progress.rows:,} rows, {rate:,.0f}/s"
        self.bar.update(text, progress.bytes_done, progress.bytes)


def to_dict(report: IngestReport) -> dict[str, object]:
    """Return an ingest report as JSON shows it."""
    return {
        "files": [asdict(row) | {"rules": row.rule_counts or None} for row in report.rows],
        "skipped": report.skipped,
        "forgotten": report.forgotten,
        "refused": report.refused,
        "replaced": [row.batch_id for row in report.retired],
        "kept": [asdict(item) for item in report.kept],
        "recovered": report.recovered,
        "retained_segments": report.retained_segments,
        "changed_sources": [asdict(changed) for changed in report.changed_sources],
        "seconds": round(report.seconds, 3),
        **{name: report.total(name) for name in COUNTS},
    }


COUNTS = ("rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate", "rows_ignored")


def show_report(console: Console, report: IngestReport) -> None:
    """Print an ingest report."""
    if report.recovered:
        console.print(f"Completed {format_count(report.recovered, 'commit')} of an interrupted run.")
    if report.rows:
        columns = ("file", "entity", "read", "accepted", "quarantined", "duplicate", "ignored", "outcome")
        rows = [_cells(row) for row in report.rows[:MAX_LISTED_FILES]]
        if len(report.rows) > MAX_LISTED_FILES:
            rows.append(
                [f"… {len(report.rows) - MAX_LISTED_FILES} more files", "", *([None] * len(COUNTS)), ""]
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


def _show_mending(console: Console, report: IngestReport) -> None:
    """Print what `--again` and `--forget` replaced, took out and left as it was."""
    if report.retired:
        rows = sum(row.rows_accepted for row in report.retired)
        new_rows = report.total("rows_accepted")
        console.print(
            f"{format_count(rows, 'row')} of {format_count(_count_files(report.retired), 'file')} left the lake, "
            f"{format_count(new_rows, 'row')} took their place; the next build computes everything again"
        )
    for label in report.affected:
        console.print(f"{label}: read again, since its duplicates may be duplicates no more", markup=False)
    for item in report.kept:
        console.print(f"Kept as it was: {item.file}: {item.reason}", markup=False)
    if report.forgotten:
        console.print(
            f"{format_count(report.forgotten, 'file')} that `--forget` took out not read; "
            "`shopwright ingest --again FILE` does"
        )


def _show_notes(console: Console, report: IngestReport) -> None:
    """Print what is worth a look: columns that no mapping names, failures, changed settings, quarantined rows."""
    _show_mending(console, report)
    for row in report.rows:
        if row.new_columns:
            fate = "kept in properties" if _has_properties(row) else "not loaded"
            if row.source in report.privacy:
                fate += " but for what is dropped or hashed"
            console.print(f"{row.file}: unmapped columns, {fate}: {row.new_columns}", markup=False)
        is_note = row.outcome == "loaded" or row.reason == OTHER_COLUMNS
        if row.reason and (is_note or " of source " in row.reason):
            console.print(f"{row.file}: {row.reason}", markup=False)
    lines = [
        *(f"Privacy: {line}" for line in report.privacy.values()),
        *(f"Noted: {sentence}" for sentence in describe_notes(report.rows)),
        *(f"Not read: {message}" for message in report.refused),
        *(f"Segment not deleted: {line}. See `shopwright doctor`" for line in report.retained_segments),
    ]
    for line in lines:
        console.print(line, markup=False)
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
        *(getattr(row, name) for name in COUNTS),
        row.outcome,
    ]
