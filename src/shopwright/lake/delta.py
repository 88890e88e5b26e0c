"""The lake: Delta tables in one folder, committed exactly once.

Files are only ever added, or removed as a whole where batches are replaced. A commit has four steps, and the process may be
killed, or the power cut, after each of them:

1. Parquet files are written and synced to the disk. Until a commit names them they are orphans, which the next run moves to
   the trash.
2. An *intent* is written with one rename: which files go into which tables and which leave them, under which sequence
   number, after which commit.
3. Each table gets one Delta commit, with the files that it gains and those that it loses, that carries the sequence number
   as its application transaction (Delta protocol, "Transaction Identifiers"). The logs are synced.
4. The intent becomes a record in ``_commits``, and is removed.

Files that a table lost stay in place until ``set_aside_retired``: views of the published warehouse may still read them.

A run that finds an intent finishes it; tables whose transaction has that number already are skipped. So every table gets
every batch exactly once, whenever the process was killed. Where records, logs and files disagree, nothing is written
(see ``lake.checks``), and nothing is ever deleted but from the trash (see ``lake.trash``).
"""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from shopwright.core.disk import hash_file, sync_file, sync_folder, sync_folders
from shopwright.core.errors import LakeError
from shopwright.lake.commits import (
    KEPT_TWICE,
    AddedFile,
    CommitLog,
    Intent,
    Record,
    TableState,
    named_files,
    read_record,
    with_hashes,
    write_record,
)
from shopwright.lake.log_hashes import hash_log, note_replaced_log
from shopwright.lake.parquet import (
    batch_column,
    lake_columns,
    read_sql,
    stored_sql,
    time_column,
    write_parquet,
)
from shopwright.lake.statistics import batches_of, file_statistics, part_number, statistic, times_of
from shopwright.lake.trash import Trash

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from shopwright.lake.tables import TableColumn

APPLICATION = "shopwright"
"""Name of this program in the tables' application transactions; never change it, or commits would be repeated."""

RECORDED = "shopwrightCommit"
"""Key in the metadata of a Delta commit that has a record."""

PARALLEL_SYNCS = 4
"""Files that are hashed and synced at the same time: the disk, not the processor, is what they wait for."""


@dataclass(frozen=True, slots=True)
class LakeFile:
    """One visible file of a table; times are naive UTC, and None where a row has none."""

    path: Path
    rows: int
    first_at: datetime | None
    last_at: datetime | None
    batch_seq: int = 0
    """Number of the batch of its rows; files of the ledger hold several batches, and have the number of their commit."""
    size_bytes: int = 0
    """Size that the Delta log says."""


class Lake:
    """The Delta tables in one folder.

    Args:
        root: the folder; it may not exist yet.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.commits = CommitLog(root / "_commits")
        self.trash = Trash(root)
        self._intents = root / "_intents"
        self._head: Record | None = None
        self._new_files: list[Path] = []

    def folder(self, table: str) -> Path:
        """Return the folder of a table."""
        return self.root / table

    def tables(self) -> list[str]:
        """Return the names of the tables that have a folder, sorted."""
        return sorted(folder.name for folder in self.root.glob("[!_]*/"))

    def new_file(self, table: str, sequence: int) -> Path:
        """Return the path of a new file, for a later commit to add."""
        self.commits.folder.mkdir(parents=True, exist_ok=True)
        self.folder(table).mkdir(exist_ok=True)
        # the sequence number is what tells orphans from committed files
        file = self.folder(table) / f"part-{sequence:010d}-{uuid4().hex}.parquet"
        self._new_files.append(file)
        return file

    def discard_new_files(self, *, except_for: Collection[str]) -> None:
        """Delete the files that this object named since its last commit, but for some names."""
        for file in self._new_files:
            if file.name not in except_for:
                file.unlink(missing_ok=True)
        self._new_files = [file for file in self._new_files if file.name in except_for]

    def parts(self, table: str) -> list[Path]:
        """Return all files of rows in the folder of a table, visible or not."""
        return sorted(self.folder(table).glob("part-*.parquet"))

    def sequence(self, table: str = "ledger") -> int:
        """Return the number of the last batch committed to a table; 0 where there is none.

        Raises:
            LakeError: its Delta log cannot be read.
        """
        delta = self._open(table)
        return (delta.transaction_version(APPLICATION) or 0) if delta else 0

    def files(self, table: str) -> list[LakeFile]:
        """Return the visible files of a table, oldest batch first.

        Raises:
            LakeError: its Delta log cannot be read.
        """
        delta = self._open(table)
        return [] if delta is None else self._files(table, delta)

    def _files(self, table: str, delta: DeltaTable) -> list[LakeFile]:
        try:
            actions = delta.get_add_actions(flatten=True)
        except DeltaError as error:
            raise LakeError(table, f"its Delta log cannot be read ({_first_line(error)})") from None
        names = [str(name) for name in actions["path"].to_pylist()]
        rows = [int(number or 0) for number in statistic(actions, "num_records", len(names))]  # type: ignore[call-overload]  # counts
        sizes = [int(number) for number in actions["size_bytes"].to_pylist()]
        time = time_column(table)
        first = times_of(actions, f"min.{time}", len(names))
        last = times_of(actions, f"max.{time}", len(names))
        batches = batches_of(actions, batch_column(table), names)
        files = [
            LakeFile(self.folder(table) / name, count, low, high, batch, size)
            for name, count, low, high, batch, size in zip(
                names, rows, first, last, batches, sizes, strict=True
            )
        ]
        return sorted(files, key=lambda item: (item.batch_seq, item.path.name))

    def state(self, table: str) -> TableState:
        """Return what the Delta log of a table says of it.

        Raises:
            LakeError: its Delta log cannot be read.
        """
        return TableState.from_names(self.sequence(table), [file.path.name for file in self.files(table)])

    def intent_files(self) -> list[Path]:
        """Return the files of the intents of interrupted commits, oldest first."""
        return sorted(self._intents.glob("*.json"))

    def pending(self) -> list[Record]:
        """Return the intents of interrupted commits, oldest first.

        Raises:
            LakeError: one of them cannot be read.
        """
        return [read_record(file) for file in self.intent_files()]

    def recover(self, *, damaged: Collection[str] = ()) -> int:
        """Finish interrupted commits, and move files that no commit will name to the trash. The caller is the only writer.

        Args:
            damaged: names of files that the caller is about to replace: it is no matter that they are gone or damaged.

        Returns:
            Number of commits that were finished.

        Raises:
            LakeError: records, logs and files disagree; nothing was changed.
        """
        from shopwright.lake.checks import check, drop_torn_entries  # noqa: PLC0415  # the checks read a lake

        pending = self.pending()
        drop_torn_entries(self, pending)
        check(self, pending, damaged=damaged)
        for leftover in self._intents.glob("*.tmp"):
            leftover.unlink()
        for record in pending:
            if record.commit.tables:
                self._finish(
                    record
                )  # again, where only the intent is left of a finished one: all of it is idempotent
            else:  # a version without records wrote it
                self._apply(record.commit)
                record.file.unlink()
                sync_folder(self._intents)
        self._head = None
        self._set_aside_orphans()
        self._declare_statistics()
        return len(pending)

    def commit(self, intent: Intent) -> Record:
        """Make all files of the intent visible, exactly once.

        Returns:
            The record of the commit; the commit is on the disk.
        """
        self._seal(intent)
        head = self._head or self.commits.head() or self.begin_chain()
        intent.previous = head.sha256 if head else None
        intent.tables = intent.states_after(head.commit.tables if head else {})
        return self.commit_sealed(intent)

    def commit_sealed(self, intent: Intent) -> Record:
        """Commit an intent that says already which commit is before it, and what the tables are after it."""
        self._intents.mkdir(parents=True, exist_ok=True)
        sync_folder(self.root)
        record = write_record(self._intents / f"{intent.sequence:010d}.json", intent)
        self._new_files = []
        self._head = self._finish(record)
        return self._head

    def _seal(self, intent: Intent) -> None:
        """Sync all new files and the folders that name them, and note the hashes of their bytes."""
        paths = [self.folder(table) / file.name for table, files in intent.files.items() for file in files]
        with ThreadPoolExecutor(PARALLEL_SYNCS) as pool:
            hashes = dict(zip([path.name for path in paths], pool.map(_hash_and_sync, paths), strict=True))
        intent.files = {table: with_hashes(files, hashes) for table, files in intent.files.items()}
        self._keep_twice(intent)
        sync_folders([*(path.parent for path in paths), self.root, self.root.parent])

    def _keep_twice(self, intent: Intent) -> None:
        """Copy files that cannot be made again from source files to where the records are."""
        names = [
            (table, file.name)
            for table, files in intent.files.items()
            for file in files
            if table in KEPT_TWICE
        ]
        self.commits.folder.mkdir(parents=True, exist_ok=True)
        for table, name in names:
            copy = self.copy_of(table, name)
            shutil.copyfile(self.folder(table) / name, copy)
            sync_file(copy)
        sync_folder(self.commits.folder)

    def copy_of(self, table: str, name: str) -> Path:
        """Return where a second copy of a file of the ledger, of resolutions or of retired batches is kept."""
        return self.commits.folder / f"{table}-{name}"

    def begin_chain(self) -> Record | None:
        """Record all files that the Delta logs name, as the first commit of a chain; None in a new lake."""
        if not (sequence := self.sequence()):
            return None
        snapshot = Intent(sequence, is_snapshot=True)
        for table in self.tables():
            for file in self.files(table):
                snapshot.add(table, _added(file))
            snapshot.tables[table] = self.state(table)
            snapshot.logs |= hash_log(self.root, table)
        self._keep_twice(snapshot)
        sync_folder(self.root)
        return write_record(self.commits.path(sequence), snapshot)

    def replace_log(self, table: str, files: list[AddedFile], sequence: int) -> None:
        """Move the Delta log of a table to the trash, and write another one that names these files.

        Args:
            table: the table.
            files: its visible files.
            sequence: number of the last commit to it.
        """
        log = self.folder(table) / "_delta_log"
        if log.is_dir():
            self.trash.take([log])
        if sequence:
            self._append(table, files, [], sequence)
            self._sync_log(table)
        note_replaced_log(self.root, self.commits.folder, table, max(sequence, self.sequence()))

    def _finish(self, record: Record) -> Record:
        commit = record.commit
        self._apply(commit)
        commit.logs = self._sync_logs(commit)
        finished = write_record(self.commits.path(commit.sequence), commit)
        record.file.unlink()
        sync_folder(self._intents)
        return finished

    def _apply(self, commit: Intent) -> None:
        """Give each table its Delta commit, where it does not have it yet."""
        for table in commit.changed_tables:
            if self.sequence(table) < commit.sequence:
                added, removed = commit.files.get(table, []), commit.removed.get(table, [])
                if commit.is_snapshot:
                    visible = {file.path.name for file in self.files(table)}
                    removed = sorted(visible - {file.name for file in added})
                    added = [file for file in added if file.name not in visible]
                self._append(table, added, removed, commit.sequence)

    def _sync_logs(self, commit: Intent) -> dict[str, str]:
        """Sync what the commit wrote to the tables' Delta logs; return the hashes of the entries by path."""
        hashes: dict[str, str] = {}
        for table in commit.changed_tables:
            hashes |= self._sync_log(table)
        return hashes

    def _sync_log(self, table: str) -> dict[str, str]:
        log = self.folder(table) / "_delta_log"
        delta = self._open(table)
        version = 0 if delta is None else delta.version()
        hashes = {}
        for name in (f"{version:020d}.json", f"{version:020d}.checkpoint.parquet", "_last_checkpoint"):
            if (file := log / name).exists():
                sync_file(file)
                if name != "_last_checkpoint":
                    hashes[str(file.relative_to(self.root))] = hash_file(file)
        sync_folders([log, self.folder(table)])
        return hashes

    def _append(self, table: str, files: list[AddedFile], removed: list[str], sequence: int) -> None:
        columns = (time_column(table), batch_column(table))
        now = int(datetime.now(UTC).timestamp() * 1000)
        actions = [
            AddAction(item.name, item.size_bytes, {}, now, True, file_statistics(item, *columns))
            for item in files
        ]
        properties = CommitProperties(
            app_transactions=[Transaction(APPLICATION, sequence)], custom_metadata={RECORDED: str(sequence)}
        )
        schema = _schema(lake_columns(table))
        delta = self._open(table)
        if delta is None:
            self.folder(table).mkdir(exist_ok=True)
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
        except Exception as error:  # noqa: BLE001  # whatever the library says of a damaged log
            raise LakeError(table, f"its Delta log cannot be read ({_first_line(error)})") from None

    def is_recorded(self, table: str = "ledger") -> bool:
        """Return whether the last commit to a table had a record."""
        delta = self._open(table)
        return delta is not None and any(RECORDED in commit for commit in delta.history(2))

    def unnamed_parts(self, table: str) -> list[Path]:
        """Return the files in a table's folder that are not visible."""
        visible = {file.path.name for file in self.files(table)}
        return [file for file in self.parts(table) if file.name not in visible]

    def set_aside_retired(self) -> int:
        """Move files that their tables have lost to the trash. The caller is the only writer, and no warehouse reads them.

        Returns:
            Number of files.
        """
        last = self.sequence()
        retired = [
            file for table in self.tables() for file in self.unnamed_parts(table) if part_number(file) <= last
        ]
        return len(self.trash.take(retired))

    def _declare_statistics(self) -> None:
        """Say of tables of older versions which columns have statistics: of others only the first 32 columns' are read."""
        for table in self.tables():
            delta = self._open(table)
            configuration = self._configuration(table)
            if delta is not None and not configuration.items() <= delta.metadata().configuration.items():
                delta.alter.set_table_properties(configuration)
                self._sync_log(table)

    def _configuration(self, table: str) -> dict[str, str]:
        columns = filter(None, (time_column(table), batch_column(table)))
        return {
            "delta.dataSkippingStatsColumns": ",".join(columns),
            # an entry that is gone is damage, and never age
            "delta.enableExpiredLogCleanup": "false",
        }

    def _set_aside_orphans(self) -> None:
        """Move files that no commit ever named to the trash."""
        last = self.sequence()
        unnamed = [(table, file) for table in self.tables() for file in self.unnamed_parts(table)]
        orphans = [file for _, file in unnamed if part_number(file) > last]
        if self.commits.files() and len(orphans) < len(unnamed):
            # of a batch that failed while others of its number were committed, or that a repair left out
            named = set(named_files(self.commits.chain()))
            started = self.commits.chain()[0].commit
            first = started.sequence if started.is_snapshot else 0
            orphans += [
                file
                for table, file in unnamed
                if first < part_number(file) <= last and (table, file.name) not in named
            ]
        self.trash.take(orphans)

    def empty_trash(self, *, days: int) -> int:
        """Delete what has been in the trash for a number of days; return the number of files."""
        return self.trash.empty(older_than=timedelta(days=days))


def _hash_and_sync(file: Path) -> str:
    digest = hash_file(file)
    sync_file(file)
    return digest


def _added(file: LakeFile) -> AddedFile:
    """Return a visible file as a commit would add it."""
    first, last = (
        at.isoformat(timespec="microseconds") + "Z" if at else None for at in (file.first_at, file.last_at)
    )
    return AddedFile(file.path.name, file.size_bytes, file.rows, first, last, file.batch_seq)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _schema(columns: tuple[TableColumn, ...]) -> Schema:
    fields = [
        {"name": item.name, "type": item.lake_type, "nullable": True, "metadata": {"comment": item.meaning}}
        for item in columns
    ]
    return Schema.from_json(json.dumps({"type": "struct", "fields": fields}))


__all__ = [
    "AddedFile",
    "Intent",
    "Lake",
    "LakeFile",
    "lake_columns",
    "part_number",
    "read_sql",
    "stored_sql",
    "write_parquet",
]
