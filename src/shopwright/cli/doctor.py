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
from typing import Annotated

import typer

from shopwright.cli.output import (
    DEFAULT_PROJECT,
    JsonOption,
    ProjectOption,
    print_json,
    stdout_console,
    table,
)
from shopwright.core.engine import connect
from shopwright.core.errors import LakeError, ShopwrightError
from shopwright.core.sql import quote_name
from shopwright.erasure.receipts import verify_receipts
from shopwright.ingest.files import find_files
from shopwright.ingest.fingerprint import find_changed_sources
from shopwright.ingest.ledger import LedgerIndex, count_accepted, read_ledger
from shopwright.ingest.postgres import probe
from shopwright.ingest.segments import count_pending_segments
from shopwright.lake.checks import find_problems, ledger_problems
from shopwright.lake.delta import Lake
from shopwright.lake.repair import find_damage
from shopwright.settings import FILE_NAME, Project, SourceSettings, load_project
from shopwright.tombstones import load_tombstones
from shopwright.warehouse.build import (
    is_outdated,
    published_mismatch,
    warehouse_mismatch,
    was_built,
    was_moved,
)

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


DeepOption = Annotated[
    bool, typer.Option("--deep", help="Read every byte of the lake and of both databases, too.")
]


def command(
    project: ProjectOption = DEFAULT_PROJECT, deep: DeepOption = False, as_json: JsonOption = False
) -> None:
    """Check the machine, the settings, the sources, and that ledger, lake and warehouse agree to the row.

    With --deep every file of the lake is compared with the SHA-256 that its commit recorded, and both databases are read in
    full, so that damage by the disk is found. Exits with 1 when something is wrong.

    Example:
        shopwright doctor --project my-shop
        shopwright doctor --deep --project my-shop
    """
    findings = [*_machine(project), *_project(project, deep=deep)]
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


def _project(folder: Path, *, deep: bool = False) -> Iterator[Finding]:
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
    yield from _lake(project, deep=deep)
    yield _try("warehouse", lambda: _check_warehouse(project))
    yield _try("published", lambda: _open(project))
    yield _try("erasures", lambda: _check_erasures(project))
    if deep:
        for name, file in (("warehouse", project.warehouse), ("published", project.published)):
            if file.exists():
                yield _try(f"bytes of {name}", partial(_read_database, file))


def _lake(project: Project, *, deep: bool) -> Iterator[Finding]:
    lake = Lake(project.lake)
    try:
        problems = list(find_problems(lake, lake.pending()))
    except LakeError as error:
        problems = [error]
    for problem in problems:
        yield Finding("lake", False, str(problem))
    yield _try("ledger and lake", lambda: _compare(project))
    if deep:
        yield _try("bytes of the lake", lambda: _read_lake(lake))


def _read_lake(lake: Lake) -> str:
    """Compare every file of the lake with the SHA-256 that its commit recorded."""
    if damaged := find_damage(lake):
        more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        raise ShopwrightError(f"{damaged[0]}{more} is not what was written; run `shopwright repair`")
    return "every file is what was written"


def _check_warehouse(project: Project) -> str:
    if not project.warehouse.exists():
        if was_built(project):
            raise ShopwrightError("warehouse.duckdb is gone; run `shopwright build`")
        return "nothing built yet"
    with connect(project.warehouse, read_only=True):
        pass  # a file that is damaged says so
    if reason := warehouse_mismatch(project):
        raise ShopwrightError(f"{reason}; run `shopwright build`, which then builds everything")
    return "built from this lake"


def _read_database(file: Path) -> str:
    """Read every column of every table: the engine compares the checksum of each block that it reads."""
    with connect(file, read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
        ).fetchall()
        for schema, name in tables:
            stored = f"{quote_name(schema)}.{quote_name(name)}"
            connection.execute(f"select bit_xor(hash(stored)) from {stored} as stored").fetchall()
    return f"{len(tables)} tables were read in full"


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
    counts = count_accepted(ledger)
    for problem in ledger_problems(counts, lake):
        raise problem
    return f"{len(ledger)} ledger rows balance, {sum(counts.values()):,} rows in the lake"


def _check_erasures(project: Project) -> str:
    tombstones = load_tombstones(project.tombstones)
    if unfinished := tombstones.unfinished:
        raise ShopwrightError(
            f"{len(unfinished)} erasures are not finished; run `shopwright forget` to go on"
        )
    if problems := verify_receipts(project):
        raise ShopwrightError("; ".join(problems))
    return f"{len(tombstones.erasures)} erasures are finished, each has its receipt"


def _open(project: Project) -> str:
    if not project.published.exists():
        if was_built(project):
            raise ShopwrightError("published/warehouse.duckdb is gone; run `shopwright build`")
        return "nothing published yet"
    if is_outdated(project):
        raise ShopwrightError("the published warehouse was built by another version; run `shopwright build`")
    if was_moved(project):
        raise ShopwrightError("the shop has another folder than when it was built; run `shopwright build`")
    if reason := published_mismatch(project):
        raise ShopwrightError(f"{reason}; run `shopwright build`")
    with connect(project.published, read_only=True) as connection:
        fetched = connection.execute(
            "select count(*) from information_schema.tables where table_schema = 'gold'"
        ).fetchone()
    return f"{fetched[0] if fetched else 0} gold tables can be read"
