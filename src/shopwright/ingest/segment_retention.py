"""Deletion of old segments: only after the lake's own copy of their events was synced and read back.

Until its segment is deleted, a collected event is on disk twice. So the deletion trusts nothing that this process remembers:
it reads the ledger from the disk again, compares the bytes of the segment with it, syncs the files of the batch with the
log entries that name them, and reads every row of them. A segment whose events are not all there is retained, and the
report of the run says why.
"""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import time
from typing import TYPE_CHECKING

from shopwright.core.disk import sync_folder
from shopwright.core.engine import EngineError
from shopwright.core.sql import quote_list, quote_name
from shopwright.ingest.files import SourceFile
from shopwright.ingest.ledger import FORGOTTEN, LedgerIndex, LedgerRow, read_ledger
from shopwright.ingest.segments import Segments
from shopwright.ingest.text_scan import hash_file
from shopwright.lake.delta import Lake
from shopwright.settings.collector import SOURCE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shopwright.core.engine import Connection
    from shopwright.settings import Project

_WRITTEN_BACK_SECONDS = 86_400.0
"""Age of a log entry beyond which it is not synced again: the system itself has written it to the disk long ago."""


@dataclass(slots=True)
class Retention:
    """What became of the old segments of one run."""

    deleted: int = 0
    retained: list[str] = field(default_factory=list)
    """Segments that are old enough and were not deleted, each with the reason."""


def delete_old_segments(project: Project, connection: Connection) -> Retention:
    """Delete ingested segments older than the setting ``collector.keep_days``, if the lake has what is in them.

    Args:
        project: the shop; its lock is held, and everything that this run read is committed.
        connection: the engine to read the lake with.
    """
    result = Retention()
    keep_days = project.settings.collector.keep_days
    if keep_days is None:
        return result
    before = datetime.now(UTC) - timedelta(days=keep_days)
    old_files = [file for file in Segments(project.collector).closed_files() if _is_old(file, before)]
    if not old_files:
        return result
    lake = Lake(project.lake)
    try:
        copies = _LakeCopies(connection, lake, LedgerIndex(read_ledger(connection, lake)))
        copies.sync()
    except Exception as error:  # noqa: BLE001  # whatever is wrong with the lake, the segments stay
        result.retained = [f"{file.name}: {_describe(error)}" for file in old_files]
        return result
    settled = [file for file in old_files if copies.is_settled(file)]  # the next ingest reads the others
    faults = {file: reason for file in settled if (reason := copies.find_fault(file))}
    result.retained = [f"{file.name}: {reason}" for file, reason in faults.items()]
    for file in settled:
        if file not in faults:
            file.unlink()
            result.deleted += 1
    return result


class _LakeCopies:
    """What the lake on disk has of collected segments."""

    def __init__(self, connection: Connection, lake: Lake, ledger: LedgerIndex) -> None:
        self._connection = connection
        self._lake = lake
        self._ledger = ledger
        self._settled = ledger.settled_files()
        self._rows = {
            row.file: row for row in ledger.rows if row.source == SOURCE_NAME and row.outcome != "failed"
        }
        self._files: dict[str, dict[int, list[Path]]] = {}
        for table in {"quarantine", *(row.entity for row in self._rows.values())}:
            by_batch: dict[int, list[Path]] = defaultdict(list)
            for file in lake.files(table):
                by_batch[file.batch_seq].append(file.path)
            self._files[table] = by_batch

    def is_settled(self, segment: Path) -> bool:
        """Return whether an ingest need not read the segment again."""
        status = segment.stat()
        state = (SOURCE_NAME, SourceFile(segment).label, status.st_size, status.st_mtime_ns)
        return state in self._settled

    def sync(self) -> None:
        """Wait until ledger and log entries are on disk; the files of a batch follow when they are read back."""
        for table in ("ledger", *self._files):
            folder = self._lake.folder(table)
            if not folder.is_dir():
                continue
            log = folder / "_delta_log"
            recent = time() - _WRITTEN_BACK_SECONDS
            _sync(file for file in log.iterdir() if file.is_file() and file.stat().st_mtime > recent)
            sync_folder(log)
            sync_folder(folder)
        _sync(file.path for file in self._lake.files("ledger"))
        sync_folder(self._lake.root)
        sync_folder(self._lake.root.parent)

    def find_fault(self, segment: Path) -> str | None:
        """Return why the events of a settled segment cannot be relied on in the lake; None where all of them are there."""
        try:
            row = self._rows[SourceFile(segment).label]
            if hash_file(segment) != row.sha256:
                return "its bytes are not those that the ledger lists"
            if row.outcome in (FORGOTTEN, "empty"):
                return None
            original = self._original(row)
            if original is None:
                return f"the ledger has no batch of these bytes ({row.reason})"
            return self._find_missing(original)
        except (EngineError, OSError) as error:
            return _describe(error)

    def _original(self, row: LedgerRow) -> LedgerRow | None:
        """Return the ledger row of the batch that loaded the bytes of a file."""
        if row.outcome == "loaded":
            return row
        return next(
            (
                earlier
                for earlier in self._ledger.rows
                if earlier.sha256 == row.sha256 and earlier.outcome == "loaded"
            ),
            None,
        )

    def _find_missing(self, row: LedgerRow) -> str | None:
        counts = (
            (row.entity, "_batch_seq", row.rows_accepted),
            ("quarantine", "batch_seq", row.rows_quarantined),
        )
        for table, column, expected in counts:
            count = self._count(table, column, row.batch_seq) if expected else 0
            if count < expected:
                return f"{table} in the lake has {count:,} of its {expected:,} rows"
        return None

    def _count(self, table: str, column: str, batch: int) -> int:
        """Sync the files of a batch, and count its rows by reading all of their columns from the disk."""
        by_batch = self._files.get(table, {})
        files = by_batch.get(batch) or [file for several in by_batch.values() for file in several]
        if not files:
            return 0
        _sync(files, forget=True)
        # an aggregate over whole rows: a count alone would be answered by the footer of the file
        query = (
            f"select count(*), bit_xor(hash(stored)) from read_parquet({quote_list([str(file) for file in files])}, "
            f"union_by_name = true) as stored where {quote_name(column)} = {batch:d}"
        )
        fetched = self._connection.execute(query).fetchone()
        return int(fetched[0]) if fetched else 0


def _sync(files: Iterable[Path], *, forget: bool = False) -> None:
    """Wait until the bytes of files are on disk.

    Args:
        files: the files.
        forget: whether the system should drop its copy in memory, so that the next reader reads the disk.
    """
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            if forget:
                with suppress(OSError):  # a file system without such a cache
                    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def _is_old(file: Path, before: datetime) -> bool:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC) <= before


def _describe(error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
    return f"the lake cannot be read back ({reason})"
