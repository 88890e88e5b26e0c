"""``shopwright forget``: remove people everywhere; ``shopwright subject``: export what is known of a person."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shopwright.cli.output import (
    DEFAULT_PROJECT,
    JsonOption,
    ProjectOption,
    now,
    print_json,
    progress_bar,
    stderr_console,
    stdout_console,
    table,
)
from shopwright.core.counts import format_count
from shopwright.core.errors import BuildError, ConfigurationError, DataTestError
from shopwright.erasure.run import ErasureReport, finish_pending, forget, preview
from shopwright.erasure.subject import export_subject
from shopwright.settings import Project, load_project
from shopwright.tombstones import load_tombstones


def forget_command(
    persons: Annotated[
        list[str] | None,
        typer.Argument(metavar="PERSON...", help="Ids of users, customers or devices, or e-mail addresses."),
    ] = None,
    project: ProjectOption = DEFAULT_PROJECT,
    file: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="File with more of them, one a line.", exists=True, dir_okay=False
        ),
    ] = None,
    older_than: Annotated[
        int | None,
        typer.Option(metavar="DAYS", min=1, help="Everyone whose latest row is older than this many days."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Forget without asking.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove people everywhere, for good: lake, quarantine, collected events, warehouse, published database, scores.

    A person is everything that is stitched to the ids: their other customer ids, their devices, their orders, and profiles with
    the same e-mail address. Old files are deleted, and the databases are written anew. A later file or event that holds them adds
    nothing: `ingest` counts its rows as ignored. A receipt without an id says what left which store. Files of the sources
    are yours; the command names those that still hold the person.

    To take a file or a source out of the lake, which may come back, is something else: `shopwright ingest --forget`.

    An interrupted erasure goes on with the next `forget`, `ingest`, `build` or `run`.

    Example:
        shopwright forget 17850 ada@example.com --project my-shop
    """
    loaded = load_project(project)
    names = [*(persons or []), *_read_names(file)]
    if older_than and (names or dry_run):
        raise typer.BadParameter("give people or --older-than; --dry-run is about people")
    if not names and not older_than:
        _finish(loaded, as_json=as_json)
        return
    if dry_run:
        _show_preview(loaded, names, as_json=as_json)
        return
    if not yes:
        if as_json:
            raise typer.BadParameter("--json needs --yes or --dry-run")
        if names:
            _show_preview(loaded, names, as_json=False)
        typer.confirm("Remove them for good?", abort=True)
    before = now() - timedelta(days=older_than) if older_than else None
    with progress_bar(quiet=as_json) as bar:
        report = forget(
            loaded, names, inactive_before=before, on_progress=lambda text: bar.update(text, 0, 0)
        )
    _show(report, as_json=as_json)


def _read_names(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file} is not UTF-8; write one id a line as plain text") from None
    names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not names:
        raise ConfigurationError(f"{file} names nobody; write one id a line")
    return names


def _finish(project: Project, *, as_json: bool) -> None:
    """Finish what was interrupted, or say that nobody was named."""
    report = finish_pending(project)
    if report is None:
        raise typer.BadParameter("name somebody, or give --from or --older-than; no erasure is unfinished")
    _show(report, as_json=as_json)


def finish_erasures(project: Project) -> None:
    """Finish erasures that were interrupted, before a command writes to the project.

    Where the build fails, the command goes on: what it writes may be what makes the next build pass.
    """
    if not load_tombstones(project.tombstones).unfinished:
        return
    stderr_console().print("Finishing an interrupted erasure first.")
    try:
        finish_pending(project)
    except (BuildError, DataTestError) as error:
        stderr_console().print(
            f"warning: the published database still holds people who were forgotten, until a build passes: {error}",
            markup=False,
        )


def _show_preview(project: Project, names: list[str], *, as_json: bool) -> None:
    planned = preview(project, names)
    if as_json:
        print_json(planned)
        return
    console = stdout_console()
    rows = ", ".join(f"{name} {count:,}" for name, count in planned.rows.items()) or "no rows of the lake"
    console.print(
        f"{format_count(len(names), 'name')} with {format_count(planned.ids, 'id')} would go, with these rows: {rows}"
    )
    _show_shared(console, planned.shared)


def _show_shared(console: Console, shared: dict[str, int]) -> None:
    for email, count in shared.items():
        console.print(
            f"{email} is an address of {count} customers, and was not followed to them", markup=False
        )


def _show(report: ErasureReport, *, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    console = stdout_console()
    receipt = report.receipt
    rows = [(item.store, item.removed, item.unit) for item in receipt.stores if item.removed]
    console.print(table("", ("store", "removed", "what"), rows))
    for experiment, variants in receipt.experiment_units.items():
        units = ", ".join(f"{count:,} of {variant}" for variant, count in variants.items())
        console.print(f"experiment {experiment}: units that left: {units}", markup=False)
    _show_shared(console, report.shared)
    for label in report.sources:
        console.print(f"still holds them, and adds nothing when it is read: {label}", markup=False)
    for name in report.leftovers:
        console.print(f"still holds an id, delete it by hand: {name}", markup=False)
    if receipt.backups:
        console.print(
            f"{format_count(receipt.backups, 'backup')} made before: a restore with --tombstones "
            "erasure/tombstones.json leaves them out"
        )
    console.print(f"Receipt: {report.receipt_file}")


def subject_command(
    person: Annotated[
        str, typer.Argument(metavar="PERSON", help="Id of a user, customer or device, or e-mail address.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write to; new or empty.")],
    project: ProjectOption = DEFAULT_PROJECT,
    as_json: JsonOption = False,
) -> None:
    """Export all that is known of a person to a folder, one JSON file a table, and as CSV.

    It holds the rows of the lake, quarantined records, collected events that are not ingested yet, and what the published
    database says of the person: sessions, scores, units of experiments. Keep the folder outside of the project.

    Example:
        shopwright subject ada@example.com --out ada --project my-shop
    """
    counts = export_subject(load_project(project), person, out)
    if as_json:
        print_json({"folder": str(out), "rows": counts})
        return
    console = stdout_console()
    console.print(table("", ("table", "rows"), list(counts.items())))
    console.print(f"Written to {out}", markup=False)
