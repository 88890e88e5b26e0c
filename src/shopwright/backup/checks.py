"""Whether the stores of a project can be opened and fit each other: asked of a backup before it counts, and before it is used."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from deltalake.exceptions import DeltaError

from shopwright.contracts import BY_NAME, ENTITIES
from shopwright.core.engine import EngineError, connect
from shopwright.core.errors import BackupError, ShopwrightError
from shopwright.core.sql import quote_list
from shopwright.ingest.ledger import read_ledger
from shopwright.lake.delta import Lake
from shopwright.lake.tables import TABLES
from shopwright.settings import load_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shopwright.core.engine import Connection

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LakeCounts:
    """What a lake holds."""

    commit: int = 0
    """Number of its last batch."""
    ledger_rows: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    """Rows by entity, of those that have any."""


@dataclass(frozen=True, slots=True)
class Stores:
    """What the stores of a project hold."""

    lake: LakeCounts
    published_tables: int | None
    """Tables of gold; None where nothing was published."""


def check_stores(root: Path) -> Stores:
    """Open every store of a project without writing to it.

    Args:
        root: folder of the project.

    Raises:
        BackupError: one cannot be opened, or ledger and lake do not have the same rows.
    """
    try:
        project = load_project(root)
    except ShopwrightError as error:
        raise BackupError(f"its settings cannot be read: {error}") from None
    counts = check_lake(project.lake)
    tables = _check_published(project.published) if project.published.exists() else None
    for database in sorted(project.models.glob("*.db")):
        _check_registry(database)
    if project.keys.exists():
        _check_keys(project.keys)
    return Stores(counts, tables)


def check_lake(folder: Path) -> LakeCounts:
    """Check that each file of a lake is there with the rows that its log states, and that the ledger balances with them.

    Args:
        folder: of the lake; it may not exist.

    Raises:
        BackupError: it is not so; the message names table and file.
    """
    lake = Lake(folder)
    rows: dict[str, int] = {}
    with connect() as connection:
        for table in [*(entity.name for entity in ENTITIES), *TABLES]:
            if count := _count_rows(connection, lake, table):
                rows[table] = count
        ledger = _open("lake/ledger", lambda: read_ledger(connection, lake))
    for entity in ENTITIES:
        accepted = sum(row.rows_accepted for row in ledger if row.entity == entity.name)
        if accepted != rows.get(entity.name, 0):
            raise BackupError(
                f"lake/{entity.name} has {rows.get(entity.name, 0):,} rows, and the ledger says {accepted:,}"
            )
    loaded = {name: count for name, count in rows.items() if name in BY_NAME}
    return LakeCounts(lake.sequence(), len(ledger), loaded)


def _count_rows(connection: Connection, lake: Lake, table: str) -> int:
    """Count the rows of a table in its files, and compare them with its log."""
    files = _open(f"lake/{table}", lambda: lake.files(table))
    for file in files:
        if not file.path.is_file():
            raise BackupError(f"lake/{table}/{file.path.name} is gone")
    if not files:
        return 0
    paths = quote_list([str(file.path) for file in files])
    sql = f"select file_name, sum(num_rows) from parquet_file_metadata({paths}) group by all"
    counts = dict(_open(f"lake/{table}", lambda: connection.execute(sql).fetchall()))
    for file in files:
        if counts.get(str(file.path)) != file.rows:
            raise BackupError(
                f"lake/{table}/{file.path.name} has {counts.get(str(file.path), 0):,} rows, and its log says {file.rows:,}"
            )
    return sum(file.rows for file in files)


def _check_published(file: Path) -> int:
    def count() -> int:
        with connect(file, read_only=True) as connection:
            fetched = connection.execute(
                "select count(*) from information_schema.tables where table_schema = 'gold'"
            ).fetchone()
        return int(fetched[0]) if fetched else 0

    return _open("published/warehouse.duckdb", count)


def _check_registry(file: Path) -> None:
    try:
        # immutable: nothing is written beside it, neither a lock nor a log
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            (result,) = database.execute("pragma integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise BackupError(f"models/{file.name} cannot be opened ({error})") from None
    if result != "ok":
        raise BackupError(f"models/{file.name} is damaged ({result})")


def _check_keys(file: Path) -> None:
    try:
        records = json.loads(file.read_bytes())
    except (OSError, ValueError):
        records = None
    if not isinstance(records, list):
        raise BackupError("service/keys.json is not a file of keys")


def _open(store: str, read: Callable[[], T]) -> T:
    """Return what is read of a store, with one line that names it where that fails."""
    try:
        return read()
    except (EngineError, DeltaError, ShopwrightError, OSError, ValueError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise BackupError(f"{store} cannot be read ({lines[0]})") from None
