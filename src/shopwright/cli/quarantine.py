"""``shopwright quarantine``: rows that were put aside."""

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
from shopwright.ingest.quarantine import count_open, find_open, list_open, replay
from shopwright.settings import load_project

app = typer.Typer(help="Rows that were put aside: see them, and read them again.", no_args_is_help=True)

SourceOption = Annotated[str | None, typer.Option(help="Only rows of this source.")]
RuleOption = Annotated[str | None, typer.Option(help="Only rows that broke this rule.")]


@app.command("list")
def list_command(
    project: ProjectOption = DEFAULT_PROJECT, source: SourceOption = None, as_json: JsonOption = False
) -> None:
    """Count the rows in quarantine by file and by the rules they broke.

    Example:
        shopwright quarantine list --project my-shop
    """
    found = count_open(load_project(project), source=source)
    if as_json:
        print_json(found)
        return
    console = stdout_console()
    if not found:
        console.print("The quarantine is empty.")
        return
    rows = [(item.source, item.file.rsplit("/", 1)[-1], ", ".join(item.rules), item.rows) for item in found]
    console.print(table("", ("source", "file", "rules broken", "rows"), rows))
    console.print(
        "See rows: shopwright quarantine show. After mending a mapping: shopwright quarantine replay."
    )


@app.command("show")
def show_command(
    quarantine_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Show this row whole.", show_default="the first rows")
    ] = None,
    project: ProjectOption = DEFAULT_PROJECT,
    source: SourceOption = None,
    rule: RuleOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows to show.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Show rows in quarantine as they stood in their file, with every rule they broke.

    Example:
        shopwright quarantine show --rule event_type_unknown --limit 5
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
        console.print("No such row in quarantine.")
    for row in rows:
        console.print(f"{row.quarantine_id}  {row.file} line {row.line_number}", markup=False, style="bold")
        console.print(f"  broke: {', '.join(row.rules)}", markup=False)
        shown = row.raw if quarantine_id else row.raw[:300] + ("…" if len(row.raw) > 300 else "")
        console.print(f"  {shown}", markup=False)


@app.command("replay")
def replay_command(
    project: ProjectOption = DEFAULT_PROJECT,
    source: SourceOption = None,
    rule: RuleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the rows in quarantine again under today's settings; what is good now is landed, once.

    Rows that are still bad stay in quarantine. Run `shopwright build` afterwards.

    Example:
        shopwright quarantine replay --source clicks
    """
    report = replay(load_project(project), now=now(), source=source, rule=rule)
    if as_json:
        print_json(report)
        return
    stdout_console().print(
        f"{report.replayed:,} rows read again: {report.accepted:,} accepted, {report.duplicate:,} duplicates of rows "
        f"already there, {report.still_open:,} still in quarantine."
    )
