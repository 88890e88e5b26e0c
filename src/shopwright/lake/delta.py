"""The lake: Delta tables in one folder, committed exactly once.

Files are only ever added, or removed as a whole where batches are replaced. A commit has three steps, and the process may be killed after each of them:

1. Parquet files are written. Until a commit names them they are orphans, which the next run removes.
2. An *intent* is written with one rename: which files go into which tables and which leave them, under which sequence
   number.
3. Each table gets one Delta commit, with the files that it gains and those that it loses, that carries the sequence number
   as its application transaction (Delta protocol, "Transaction Identifiers"), and the intent is removed.

Files that a table lost stay on disk until ``delete_retired``: views of the published warehouse may still read them.

A run that finds an intent finishes it; tables whose transaction has that number already are skipped. So every table gets
every batch exactly once, whenever the process was killed.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from shopwright.contracts import BY_NAME
from shopwright.core.sql import quote_list, quote_name, quote_text
from shopwright.lake.tables import ROW_NUMBER, STATEMENT, TABLES, TECHNICAL, TableColumn

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shopwright.core.engine import Connection

APPLICATION = "shopwright"
"""Name of this program in the tables' application transactions; never change it, or commits would be repeated."""


@dataclass(frozen=True, slots=True)
class AddedFile:
    """One Parquet file that a commit makes visible."""

    name: str
    size_bytes: int
    rows: int
    first_at: str | None = None
    last_at: str | None = None
    """Earliest and latest time of its rows, ISO 8601 UTC; None where a row has no time."""
    batch_seq: int | None = None
    """Number of the batch of all its rows; None where there are several."""


@dataclass(slots=True)
class Intent:
    """Everything that one commit adds and removes."""

    sequence: int
    """Number of the commit: that of the last new batch in it."""
    files: dict[str, list[AddedFile]] = field(default_factory=dict)
    """New files by table."""
    removed: dict[str, list[str]] = field(default_factory=dict)
    """Names of the files that a table loses."""

    def add(self, table: str, file: AddedFile) -> None:
        """Add a file that the commit makes visible."""
        self.files.setdefault(table, []).append(file)

    def remove(self, table: str, names: Iterable[str]) -> None:
        """Remove files that are visible now, in the same commit that adds the others."""
        self.removed.setdefault(table, []).extend(names)

    def to_json(self) -> str:
        """Return the intent as it is stored."""
        # "added" is the key in intents of earlier versions, which a run after an update may have to finish
        files = {table: [asdict(file) for file in files] for table, files in self.files.items()}
        return json.dumps({"sequence": self.sequence, "added": files, "removed": self.removed})

    @classmethod
    def from_json(cls, text: str) -> Intent:
        """Return a stored intent."""
        stored = json.loads(text)
        files = {table: [AddedFile(**file) for file in files] for table, files in stored["added"].items()}
        return cls(stored["sequence"], files, stored.get("removed", {}))


@dataclass(frozen=True, slots=True)
class LakeFile:
    """One visible file of a table; times are naive UTC, and None where a row has none."""

    path: Path
    rows: int
    first_at: datetime | None
    last_at: datetime | None
    batch_seq: int = 0
    """Number of the batch of its rows; files of the ledger hold several batches, and have the number of their commit."""


def lake_columns(table: str) -> tuple[TableColumn, ...]:
    """Return the columns of a lake table as stored: those of its contract, then the technical ones.

    Args:
        table: one of the lake's own tables, such as ``ledger``, or an entity.
    """
    if table in TABLES:
        return TABLES[table]
    entity = BY_NAME[table]
    columns = tuple(
        TableColumn(column.name, column.kind.sql_type, column.kind.lake_type, column.meaning)
        for column in entity.stored_columns
    )
    return (*columns, *([STATEMENT] if entity.whole else []), *TECHNICAL)


class Lake:
    """The Delta tables in one folder.

    Args:
        root: the folder; it may not exist yet.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._intents = root / "_intents"

    def folder(self, table: str) -> Path:
        """Return the folder of a table."""
        return self.root / table

    def new_file(self, table: str, sequence: int) -> Path:
        """Return the path of a new file, for a later commit to add."""
        # the sequence number is what tells orphans from committed files
        self.folder(table).mkdir(parents=True, exist_ok=True)
        return self.folder(table) / f"part-{sequence:010d}-{uuid4().hex}.parquet"

    def sequence(self, table: str = "ledger") -> int:
        """Return the number of the last batch committed to a table; 0 where there is none."""
        delta = self._open(table)
        return (delta.transaction_version(APPLICATION) or 0) if delta else 0

    def files(self, table: str) -> list[LakeFile]:
        """Return the visible files of a table, oldest batch first."""
        delta = self._open(table)
        if delta is None:
            return []
        actions = delta.get_add_actions(flatten=True)
        names = [str(name) for name in actions["path"].to_pylist()]
        rows = [int(number or 0) for number in actions["num_records"].to_pylist()]
        time = self._time_column(table)
        first = _times(actions, f"min.{time}", len(names))
        last = _times(actions, f"max.{time}", len(names))
        batches = _batches(actions, self._batch_column(table), names)
        files = [
            LakeFile(self.folder(table) / name, count, low, high, batch)
            for name, count, low, high, batch in zip(names, rows, first, last, batches, strict=True)
        ]
        return sorted(files, key=lambda item: (item.batch_seq, item.path.name))

    def recover(self) -> int:
        """Finish interrupted commits, and remove files that no commit will name. The caller is the only writer.

        Returns:
            Number of commits that were finished.
        """
        finished = 0
        for file in sorted(self._intents.glob("*.json")):
            self._apply(Intent.from_json(file.read_text(encoding="utf-8")))
            file.unlink()
            finished += 1
        self._remove_orphans()
        self._declare_statistics()
        return finished

    def commit(self, intent: Intent) -> None:
        """Make all files of the intent visible, exactly once."""
        self._intents.mkdir(parents=True, exist_ok=True)
        file = self._intents / f"{intent.sequence:010d}.json"
        unfinished = file.with_suffix(".tmp")
        with unfinished.open("w", encoding="utf-8") as stream:
            stream.write(intent.to_json())
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(file)
        self._apply(intent)
        file.unlink()

    def _apply(self, intent: Intent) -> None:
        # the ledger comes last, so that the rows that it lists are there already
        for table in sorted({*intent.files, *intent.removed}, key=lambda name: (name == "ledger", name)):
            if self.sequence(table) < intent.sequence:
                added, removed = intent.files.get(table, []), intent.removed.get(table, [])
                self._append(table, added, removed, intent.sequence)

    def _append(self, table: str, files: list[AddedFile], removed: list[str], sequence: int) -> None:
        columns = (self._time_column(table), self._batch_column(table))
        now = int(datetime.now(UTC).timestamp() * 1000)
        actions = [
            AddAction(item.name, item.size_bytes, {}, now, True, _stats(item, *columns)) for item in files
        ]
        properties = CommitProperties(app_transactions=[Transaction(APPLICATION, sequence)])
        schema = _schema(lake_columns(table))
        delta = self._open(table)
        if delta is None:
            create_table_with_add_actions(
                str(self.folder(table)),
                schema,
                actions,
                name=table,
                configuration=self._configuration(table),
                commit_properties=properties,
            )
        else:
            gone = [RemoveAction(name, True, now) for name in removed]
            delta.create_write_transaction([*actions, *gone], "append", schema, commit_properties=properties)

    def _open(self, table: str) -> DeltaTable | None:
        if not (self.folder(table) / "_delta_log").is_dir():
            return None
        try:
            return DeltaTable(str(self.folder(table)))
        except TableNotFoundError:
            return None  # killed while the first commit was being written

    def delete_retired(self) -> int:
        """Delete files that their tables have lost. The caller is the only writer, and no warehouse reads them any more.

        Returns:
            Number of deleted files.
        """
        deleted = 0
        for folder in self.root.glob("*/"):
            committed = self.sequence(folder.name)
            visible = {file.path.name for file in self.files(folder.name)} if committed else set()
            for file in folder.glob("part-*.parquet"):
                if file.name not in visible and int(file.name.split("-")[1]) <= committed:
                    file.unlink()
                    deleted += 1
        return deleted

    def _declare_statistics(self) -> None:
        """Say of tables of older versions which columns have statistics: of others only the first 32 columns' are read."""
        for folder in self.root.glob("*/"):
            delta = self._open(folder.name)
            configuration = self._configuration(folder.name)
            if delta is not None and not configuration.items() <= delta.metadata().configuration.items():
                delta.alter.set_table_properties(configuration)

    def _configuration(self, table: str) -> dict[str, str]:
        columns = filter(None, (self._time_column(table), self._batch_column(table)))
        return {"delta.dataSkippingStatsColumns": ",".join(columns)}

    def _remove_orphans(self) -> None:
        for leftover in self._intents.glob("*.tmp"):
            leftover.unlink()
        for folder in self.root.glob("*/"):
            committed = self.sequence(folder.name)
            for file in folder.glob("part-*.parquet"):
                if int(file.name.split("-")[1]) > committed:
                    file.unlink()

    @staticmethod
    def _time_column(table: str) -> str | None:
        return BY_NAME[table].time_column if table in BY_NAME else None

    @staticmethod
    def _batch_column(table: str) -> str:
        return "_batch_seq" if table in BY_NAME else "batch_seq"


def _batches(actions: object, column: str, names: list[str]) -> list[int]:
    """Return the number of the batch of each file; without statistics of it, the number in the file's name."""
    values = _statistics(actions, f"min.{column}", len(names))
    return [
        int(name.split("-")[1]) if value is None else int(str(value))
        for name, value in zip(names, values, strict=True)
    ]


def _times(actions: object, name: str, rows: int) -> list[datetime | None]:
    return [_to_naive_utc(value) for value in _statistics(actions, name, rows)]


def _statistics(actions: object, name: str, rows: int) -> list[object]:
    """Return one statistic of all files; nulls where none of them has it."""
    names = getattr(actions, "column_names", None) or actions.schema.names  # type: ignore[attr-defined]  # two arrow libraries, two spellings
    if name not in names:
        return [None] * rows
    values: list[object] = actions[name].to_pylist()  # type: ignore[index]  # a table of the arrow library that deltalake brings
    return values


def _to_naive_utc(value: object) -> datetime | None:
    if value is None:
        return None
    timestamp = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return timestamp.astimezone(UTC).replace(tzinfo=None) if timestamp.tzinfo else timestamp


def _stats(file: AddedFile, time: str | None, batch: str) -> str:
    low: dict[str, object] = {}
    high: dict[str, object] = {}
    if time and file.first_at:
        low[time], high[time] = file.first_at, file.last_at
    if file.batch_seq is not None:
        low[batch] = high[batch] = file.batch_seq
    bounds = {"minValues": low, "maxValues": high} if low else {}
    return json.dumps({"numRecords": file.rows, **bounds})


def _schema(columns: tuple[TableColumn, ...]) -> Schema:
    fields = [
        {"name": item.name, "type": item.lake_type, "nullable": True, "metadata": {"comment": item.meaning}}
        for item in columns
    ]
    return Schema.from_json(json.dumps({"type": "struct", "fields": fields}))


def write_parquet(connection: Connection, select: str, file: Path) -> AddedFile:
    """Write a query's rows to one Parquet file of the lake.

    Returns:
        The file with its size and number of rows, but without their time span.
    """
    connection.execute(
        f"copy ({select}) to {quote_text(str(file))} (format parquet, compression zstd, compression_level 1)"
    )
    fetched = connection.fetchone()
    return AddedFile(file.name, file.stat().st_size, int(fetched[0]) if fetched else 0)


def stored_sql(table: str, files: Iterable[Path]) -> str:
    """Return SQL that reads a lake table as it is stored: times have a zone.

    A file has only the columns that its source fills; the others are null, as in the Delta protocol. After the stored
    columns follows the position of the row in its file, ``_row_number``.

    Args:
        table: one of the lake's own tables, such as ``ledger``, or an entity.
        files: Parquet files of the table; without any, the SQL returns no rows.
    """
    columns = lake_columns(table)
    empty = ", ".join(
        f"null::{item.stored_type} as {quote_name(item.name)}" for item in (*columns, ROW_NUMBER)
    )
    paths = [str(file) for file in files]
    rows = f"(select {empty} where false)"
    if not paths:
        return rows
    stored = f"read_parquet({quote_list(paths)}, union_by_name = true, file_row_number = true)"
    return f"{rows} union all by name (select * rename (file_row_number as {ROW_NUMBER.name}) from {stored})"


def read_sql(table: str, files: Iterable[Path]) -> str:
    """Return SQL that reads a lake table with the warehouse's types: times are naive UTC.

    Args:
        table: one of the lake's own tables, such as ``ledger``, or an entity.
        files: Parquet files of the table; without any, the SQL returns no rows.
    """
    columns = (*lake_columns(table), *(() if table in TABLES else (ROW_NUMBER,)))
    read = ", ".join(f"{item.read_sql()} as {quote_name(item.name)}" for item in columns)
    return f"select {read} from ({stored_sql(table, files)})"
