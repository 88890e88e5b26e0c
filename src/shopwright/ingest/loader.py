"""Loading batches: files are read, written to the lake and committed in groups, by an ingest and by a replay."""

from __future__ import annotations

import shutil
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

from shopwright.contracts import BY_NAME
from shopwright.core.engine import EngineError, connect
from shopwright.ingest.batches import Batch, LoadedBatch, write_batch
from shopwright.ingest.ledger import (
    LedgerIndex,
    LedgerRow,
    count_accepted,
    ledger_files,
    read_ledger,
    write_ledger,
    write_quarantine,
    write_retired,
)
from shopwright.ingest.number_signs import detect_json_signs
from shopwright.ingest.privacy import set_key
from shopwright.ingest.read_job import ReadJob, UnreliableReadError
from shopwright.ingest.readers import read_file
from shopwright.ingest.shop_limits import for_shop
from shopwright.ingest.tombstones import matcher_for, redactor_for
from shopwright.lake.checks import ledger_problems
from shopwright.lake.delta import Intent, Lake, LakeFile
from shopwright.migrations import migrate
from shopwright.tombstones import declare, load_tombstones

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from shopwright.core.engine import Connection
    from shopwright.ingest.adapters import Mapping
    from shopwright.ingest.text_scan import TextFacts
    from shopwright.settings import Project


COMMIT_FILES = 32
COMMIT_SECONDS = 5.0
"""A commit is due after this many files or seconds, so that many small files share one."""


@contextmanager
def workspace(project: Project) -> Iterator[tuple[Connection, Path]]:
    """Open an engine and an empty staging folder; both are gone when the block ends. The caller holds the project's lock."""
    project.lake.mkdir(exist_ok=True)
    migrate(project)
    staging = project.work / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    connection = _connect(project)
    try:
        yield connection, staging
    finally:
        connection.close()
        shutil.rmtree(staging, ignore_errors=True)


def _connect(project: Project) -> Connection:
    engine = project.settings.engine
    spill = project.work / "staging" / "spill"
    return connect(threads=engine.threads, memory_limit=engine.memory_limit, spill=spill)


class BatchLoader:
    """The only writer of the lake: loads batches and commits them in groups.

    For each file: ``load`` writes its rows to new files that no one sees yet, ``record`` adds them to the next commit, and
    ``commit`` makes everything recorded visible at once. A process killed at any point leaves either nothing of a batch or
    all of it (see ``lake.delta``).

    Args:
        project: the shop; its lock is held.
        connection: the engine to read and write with.
        now: the time of the run, naive UTC.
        damaged: names of files of the lake that this run replaces, and that may be gone or damaged.

    Raises:
        LakeError: ledger, logs and files of the lake disagree.
    """

    def __init__(
        self, project: Project, connection: Connection, now: datetime, *, damaged: Collection[str] = ()
    ) -> None:
        self.project = project
        self.connection = connection
        self.now = now
        self.lake = Lake(project.lake)
        # before anything is read: commits that a killed run left behind belong to the ledger
        self.recovered = self.lake.recover(damaged=damaged)
        self.ledger = LedgerIndex(read_ledger(connection, self.lake))
        for problem in ledger_problems(count_accepted(self.ledger.rows), self.lake):
            raise problem
        self.lake.empty_trash(days=project.settings.lake.trash_days)
        self.sequence = self.lake.sequence()
        self._visible: dict[str, list[LakeFile]] = {}
        self._intent: Intent | None = None
        self._uncommitted: list[LedgerRow] = []
        self._retired: list[LedgerRow] = []
        self._retired_by = ""
        self._last_commit = monotonic()
        self._tombstones = load_tombstones(project.tombstones)
        if self._tombstones.erasures:
            declare(connection, self._tombstones)

    def redact(self, row: LedgerRow) -> LedgerRow:
        """Return a row of the ledger whose texts name nobody who was erased."""
        if not self._tombstones.erasures:
            return row
        return redactor_for(self.project, self._tombstones)(row)

    def load(self, job: ReadJob, batch: Batch) -> LoadedBatch:
        """Read a file and write its good rows; nothing is visible before ``record`` and ``commit``.

        Raises:
            SourceFileError: the file as a whole cannot be read as its source describes it.
        """
        entity = job.mapping.entity
        read = read_file(job)
        visible = self._files(entity.name)
        try:
            loaded = write_batch(self.connection, read, entity, batch, lake=self.lake, visible=visible)
        except UnreliableReadError:
            return self.load(replace(job, allows_streaming=False), batch)
        self.connection.execute("drop table if exists typed_rows")
        loaded = self._without_erased(loaded, job)
        if signs := detect_json_signs(job, loaded.quarantined):
            if loaded.file:
                (self.lake.folder(entity.name) / loaded.file.name).unlink()
            return self.load(replace(job, mapping=replace(job.mapping, numbers=signs)), batch)
        return loaded

    def _without_erased(self, loaded: LoadedBatch, job: ReadJob) -> LoadedBatch:
        """Return a batch without the bad records that name somebody who was erased."""
        if not loaded.quarantined or not self._tombstones.erasures:
            return loaded
        matcher = matcher_for(
            job.mapping, self._tombstones, columns=tuple(loaded.columns), project=self.project
        )
        retained = [row for row in loaded.quarantined if not matcher.names_erased(row.raw)]
        erased = loaded.erased + len(loaded.quarantined) - len(retained)
        return replace(loaded, quarantined=retained, erased=erased)

    def record(self, row: LedgerRow, loaded: LoadedBatch | None = None) -> Intent:
        """Add a batch to the next commit.

        Args:
            row: its row of the ledger.
            loaded: its rows; None where the file gave none, such as one that failed.

        Returns:
            What the next commit makes visible so far.
        """
        intent = self._intent = self._intent or Intent(row.batch_seq)
        # a file that is read again keeps its number, and its commit has a greater one
        intent.sequence = max(intent.sequence, row.batch_seq)
        if loaded and loaded.quarantined:
            # written before anything is added: a full disk must leave the commit as it was
            bad_rows = write_quarantine(self.connection, self.lake, row, loaded.quarantined, intent.sequence)
            intent.add("quarantine", bad_rows)
        if loaded and loaded.file:
            intent.add(row.entity, loaded.file)
            path = self.lake.folder(row.entity) / loaded.file.name
            # files of this run that are not committed yet are compared for duplicates too
            self._files(row.entity).append(
                LakeFile(path, loaded.accepted, loaded.first_at, loaded.last_at, row.batch_seq)
            )
        self._uncommitted.append(row)
        self.ledger.rows.append(row)
        self.sequence = intent.sequence
        return intent

    def retire(self, rows: Sequence[LedgerRow], *, by: str) -> int:
        """Take batches out of the lake and the ledger with the next commit, which nothing else may be part of yet.

        Their ledger rows move to the table ``retired_batches``; their rows and their quarantined rows go.

        Args:
            rows: ledger rows of the batches.
            by: what takes them out, ``again`` or ``forget``.

        Returns:
            Number of the commit.
        """
        numbers = {row.batch_seq for row in rows}
        intent = self._intent = Intent(self.sequence + 1)
        for table in {row.entity for row in rows} & BY_NAME.keys():
            visible = self._files(table)
            intent.remove(table, [file.path.name for file in visible if file.batch_seq in numbers])
            self._visible[table] = [file for file in visible if file.batch_seq not in numbers]
        bad_rows = [file for file in self.lake.files("quarantine") if file.batch_seq in numbers]
        intent.remove("quarantine", [file.path.name for file in bad_rows])
        self._retired, self._retired_by = list(rows), by
        self.ledger.rows = [row for row in self.ledger.rows if row.batch_seq not in numbers]
        self.sequence = intent.sequence
        return intent.sequence

    def open_table(self, entity: str) -> None:
        """List the lake's files of an entity, so that a damaged lake is not taken for a damaged source file."""
        self._files(entity)

    def discard(self) -> None:
        """Forget a batch that was not recorded: delete what this run wrote of it, and make sure that the engine works."""
        try:
            self.connection.execute("drop table if exists typed_rows")
        except EngineError:
            # after an internal error it refuses everything; nothing of it is needed, since it has no database
            with suppress(EngineError):
                self.connection.close()
            self.connection = _connect(self.project)
        added = self._intent.files.values() if self._intent else ()
        self.lake.discard_new_files(except_for={file.name for files in added for file in files})

    def commit(self, *, if_due: bool = False) -> None:
        """Make everything recorded visible.

        Args:
            if_due: commit only when enough files or time have passed since the last commit.
        """
        is_due = len(self._uncommitted) >= COMMIT_FILES or monotonic() - self._last_commit >= COMMIT_SECONDS
        if self._intent is None or (if_due and not is_due):
            return
        if self._retired:
            self._move_retired(self._intent)
        if self._uncommitted:
            rows = write_ledger(self.connection, self.lake, self._uncommitted, self._intent.sequence)
            self._intent.add("ledger", rows)
        self.lake.commit(self._intent)
        self._intent, self._uncommitted, self._last_commit = None, [], monotonic()
        self._retired = []

    def _move_retired(self, intent: Intent) -> None:
        """Move the ledger rows of retired batches to their own table; other rows of the same files stay in the ledger."""
        numbers = {row.batch_seq for row in self._retired}
        intent.add(
            "retired_batches",
            write_retired(
                self.connection,
                self.lake,
                self._retired,
                intent.sequence,
                retired_by=self._retired_by,
                retired_at=self.now,
            ),
        )
        files = ledger_files(self.connection, self.lake)
        affected = {name: batches for name, batches in files.items() if batches & numbers}
        intent.remove("ledger", affected)
        written = {row.batch_seq for row in self._uncommitted}
        staying = set().union(*affected.values()) - numbers - written
        self._uncommitted += [row for row in self.ledger.rows if row.batch_seq in staying]

    def _files(self, table: str) -> list[LakeFile]:
        if table not in self._visible:
            self._visible[table] = self.lake.files(table)
        return self._visible[table]

    def set_key(self, mapping: Mapping) -> None:
        """Give the engine the key of hashed values where a mapping hashes any; the first time, the key is created."""
        if mapping.needs_key:
            set_key(self.connection, self.project)

    def job(
        self,
        label: str,
        plain: Path,
        staging: Path,
        mapping: Mapping,
        facts: TextFacts,
        *,
        as_of: datetime | None = None,
        source: str = "",
    ) -> ReadJob:
        """Return the job of reading a file under the project's limits.

        Args:
            label: the file's name in the ledger and in messages.
            plain: the file on disk, uncompressed.
            staging: folder for temporary files.
            mapping: which columns become which.
            facts: what the file's bytes are like.
            source: name of its source, for messages.
            as_of: naive UTC; later times count as in the future. The time of the run if None.
        """
        limits = self.project.settings.ingest
        latest = (as_of or self.now) + timedelta(hours=limits.max_future_hours)
        self.set_key(mapping)
        return ReadJob(
            connection=self.connection,
            label=label,
            plain=plain,
            staging=staging,
            mapping=for_shop(mapping, self.project),
            facts=facts,
            latest=latest.isoformat(sep=" ", timespec="seconds"),
            max_record_bytes=limits.max_record_bytes,
            source=source,
        )
