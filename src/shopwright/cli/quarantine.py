"""``shopwright quarantine``: review and replay quarantined rows."""

from __future__ import annotations

from typing import Annotated

import typer

from shopwright.cli.output import (
    DEFAULT_PROJECT,
    JsonOption,
    ProjectOption,
    now,
    print_json,
    stdout_console,
    table,
)
from shopwright.core.counts import format_count
from shopwright.ingest.quarantine import count_open, find_open, list_open, replay
from shopwright.settings import load_project

app = typer.Typer(help="Review quarantined rows, and replay them after a fix.", no_args_is_help=True)

SourceOption = Annotated[str | None, typer.Option(help="Only rows of this source.")]
RuleOption = Annotated[str | None, typer.Option(help="Only rows that broke this rule.")]

MAX_CHARACTERS = 300
"""Length of a row in a list; longer rows are cut."""


@app.command("list")
def list_command(
    project: ProjectOption = DEFAULT_PROJECT, source: SourceOption = None, as_json: JsonOption = False
) -> None:
    """Count quarantined rows by file and by the rules that they broke.

    Example:
        shopwright quarantine list --project my-shop
    """
    counts = count_open(load_project(project), source=source)
    if as_json:
        print_json(counts)
        return
    console = stdout_console()
    if not counts:
        console.print("The quarantine is empty.")
        return
    rows = [(item.source, item.file.rsplit("/", 1)[-1], ", ".join(item.rules), item.rows) for item in counts]
    console.print(table("", ("source", "file", "rules broken", "rows"), rows))
    console.print("Show rows: shopwright quarantine show")
    console.print("Load them after fixing a mapping: shopwright quarantine replay")


@app.command("show")
def show_command(
    quarantine_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Show this row in full.", show_default="the first rows")
    ] = None,
    project: ProjectOption = DEFAULT_PROJECT,
    source: SourceOption = None,
    rule: RuleOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Number of rows to show.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Show quarantined rows as they are in their file, with every rule that they broke.

    Example:
        shopwright quarantine show --rule event_at_unreadable --limit 5
    """
    loaded = load_project(project)
    rows = (
        [find_open(loaded, quarantine_id)]
        if quarantine_id
        else list_open(loaded, source=source, rule=rule, limit=limit)
    )
    if as_json:
        print_json(rows)
        return
    console = stdout_console()
    if not rows:
        console.print("No matching rows in quarantine.")
    for row in rows:
        console.print(f"{row.quarantine_id}  {row.file} line {row.line_number}", markup=False, style="bold")
        console.print(f"  broke: {', '.join(row.rules)}", markup=False)
        is_cut = not quarantine_id and len(row.raw) > MAX_CHARACTERS
        console.print(f"  {row.raw[:MAX_CHARACTERS] + '…' if is_cut else row.raw}", markup=False)


@app.command("replay")
def replay_command(
    project: ProjectOption = DEFAULT_PROJECT,
    source: SourceOption = None,
    rule: RuleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read quarantined rows again with the current settings, and load those that are valid now.

    Rows that are still bad stay in quarantine. Run `shopwright build` afterwards.

    Example:
        shopwright quarantine replay --source clicks
    """
    report = replay(load_project(project), now=now(), source=source, rule=rule)
    if as_json:
        print_json(report)
        return
    stdout_console().print(
        f"{format_count(report.replayed, 'row')} replayed: {report.accepted:,} accepted, {report.duplicate:,} duplicates, "
        + (f"{report.ignored:,} ignored, " if report.ignored else "")
        + f"{report.still_open:,} still in quarantine"
    )
