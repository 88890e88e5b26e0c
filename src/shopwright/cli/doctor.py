"""``shopwright doctor``: checks of this machine and this project."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import typer

from shopwright.cli.output import (
    DEFAULT_PROJECT,
    JsonOption,
    ProjectOption,
    print_json,
    stdout_console,
    table,
)
from shopwright.contracts import ENTITIES
from shopwright.core.engine import connect
from shopwright.core.errors import ShopwrightError
from shopwright.ingest.files import find_files
from shopwright.ingest.fingerprint import find_changed_sources
from shopwright.ingest.ledger import LedgerIndex, read_ledger
from shopwright.ingest.postgres import probe
from shopwright.ingest.segments import count_pending_segments
from shopwright.lake.delta import Lake
from shopwright.settings import FILE_NAME, Project, SourceSettings, load_project
from shopwright.warehouse.build import is_outdated

PACKAGES = ("duckdb", "deltalake", "dbt-core", "dbt-duckdb")
MIN_FREE_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check."""

    check: str
    ok: bool
    detail: str
    is_note: bool = False
    """Whether it is worth a look, although nothing is wrong."""


def command(project: ProjectOption = DEFAULT_PROJECT, as_json: JsonOption = False) -> None:
    """Check the machine, the settings, the sources, and that lake and ledger agree to the row.

    Exits with 1 when something is wrong.

    Example:
        shopwright doctor --project my-shop
    """
    findings = [*_machine(project), *_project(project)]
    if as_json:
        print_json(findings)
    else:
        rows = [(_mark(item), item.check, item.detail) for item in findings]
        stdout_console().print(table("", ("", "check", "detail"), rows))
    if not all(item.ok for item in findings):
        raise typer.Exit(1)


def _mark(finding: Finding) -> str:
    return "note" if finding.is_note else "ok" if finding.ok else "WRONG"


def _machine(folder: Path) -> Iterator[Finding]:
    yield Finding("python", sys.version_info >= (3, 11), f"{platform.python_version()}, needs 3.11 or newer")
    yield Finding("packages", True, ", ".join(f"{name} {version(name)}" for name in PACKAGES))
    where = folder if folder.exists() else Path()
    free = shutil.disk_usage(where).free
    yield Finding("disk", free >= MIN_FREE_BYTES, f"{free / (1 << 30):.1f} GiB free, at least 2 recommended")


def _project(folder: Path) -> Iterator[Finding]:
    if not (folder / FILE_NAME).exists():
        yield Finding(
            "project", False, f"No {FILE_NAME} in {folder}. Create one with `shopwright init {folder}`"
        )
        return
    try:
        project = load_project(folder)
    except ShopwrightError as error:
        yield Finding("settings", False, str(error))
        return
    yield Finding("settings", True, str(folder / FILE_NAME))
    for source in project.settings.sources:
        yield _try(f"source {source.name}", partial(_check_source, project, source))
    yield _try("collector", lambda: _check_collector(project))
    yield from _changed_settings(project)
    yield _try("ledger and lake", lambda: _compare(project))
    yield _try("published", lambda: _open(project))


def _check_source(project: Project, source: SourceSettings) -> str:
    if source.is_database:
        return probe(source)
    return f"{len(find_files(source, project.root))} files"


def _check_collector(project: Project) -> str:
    with connect() as connection:
        pending = count_pending_segments(project, LedgerIndex(read_ledger(connection, Lake(project.lake))))
    if pending is None:
        return "no events collected"
    if not os.access(project.collector, os.W_OK):
        raise ShopwrightError(f"{project.collector} cannot be written to")
    return f"{pending.segments} segments with {pending.size_bytes:,} bytes not yet ingested"


def _changed_settings(project: Project) -> Iterator[Finding]:
    """Yield the sources whose settings changed since their files were read."""
    try:
        with connect() as connection:
            ledger = LedgerIndex(read_ledger(connection, Lake(project.lake)))
    except Exception:  # noqa: BLE001  # the next check reads the ledger too, and says what is wrong
        return
    for changed in find_changed_sources(project, ledger):
        yield Finding(f"source {changed.source}", True, changed.message, is_note=True)


def _try(check: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(check, True, look())
    except Exception as error:  # noqa: BLE001  # whatever is wrong with the project is the finding
        return Finding(check, False, str(error).splitlines()[0])


def _compare(project: Project) -> str:
    """Check that the ledger and the lake hold the same number of rows for each entity."""
    lake = Lake(project.lake)
    with connect() as connection:
        ledger = read_ledger(connection, lake)
    total = 0
    for entity in ENTITIES:
        ledger_rows = sum(row.rows_accepted for row in ledger if row.entity == entity.name)
        lake_rows = sum(file.rows for file in lake.files(entity.name))
        if ledger_rows != lake_rows:
            raise ShopwrightError(
                f"{entity.name}: the ledger says {ledger_rows:,} rows, the lake holds {lake_rows:,}"
            )
        total += lake_rows
    return f"{len(ledger)} ledger rows balance, {total:,} rows in the lake"


def _open(project: Project) -> str:
    if not project.published.exists():
        return "nothing published yet"
    if is_outdated(project):
        raise ShopwrightError("the published warehouse was built by another version; run `shopwright build`")
    with connect(project.published, read_only=True) as connection:
        fetched = connection.execute(
            "select count(*) from information_schema.tables where table_schema = 'gold'"
        ).fetchone()
    return f"{fetched[0] if fetched else 0} gold tables can be read"
