"""Ingesting a project's sources: every file once, whatever happens on the way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from shopwright.contracts.events import EVENTS
from shopwright.core.engine import connect
from shopwright.core.errors import ConfigurationError, SourceFileError, near_match
from shopwright.core.lock import exclusive
from shopwright.ingest.adapters import Mapping, find_adapter
from shopwright.ingest.adapters.mapping import FileKind
from shopwright.ingest.collected import SOURCE, all_sources, drain, forget
from shopwright.ingest.effects import check_effect, effect_of
from shopwright.ingest.files import BINARY, SourceFile, find_files
from shopwright.ingest.jobs import Job, UnreliableReadError
from shopwright.ingest.landing import Batch, Landed, land
from shopwright.ingest.ledger import Known, LedgerRow, read_ledger, write_ledger, write_quarantine
from shopwright.ingest.opening import open_file
from shopwright.ingest.postgres import check_source, read_chunks
from shopwright.ingest.readers import read_file
from shopwright.ingest.scan import TextFacts, hash_file, scan_and_hash
from shopwright.lake.delta import Intent, Lake, LakeFile

if TYPE_CHECKING:
    import duckdb

    from shopwright.settings import Project, SourceSettings

COMMIT_FILES = 32
COMMIT_SECONDS = 5.0
"""A commit is due after this many files or seconds; many small files then share one."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest has come."""

    files_done: int
    files: int
    bytes_done: int
    bytes: int
    rows: int
    file: str


Report = Callable[[Progress], None]


@dataclass(slots=True)
class IngestReport:
    """What one run did."""

    rows: list[LedgerRow] = field(default_factory=list)
    """Ledger rows written."""
    skipped: int = 0
    """Files that an earlier run had taken in already."""
    recovered: int = 0
    """Commits that an earlier run was killed in and this one finished."""
    seconds: float = 0.0

    def total(self, name: str) -> int:
        """Sum of a count over the files of this run."""
        return sum(getattr(row, name) for row in self.rows)

    @property
    def failed(self) -> list[LedgerRow]:
        """Files that could not be read."""
        return [row for row in self.rows if row.outcome == "failed"]


def ingest(
    project: Project,
    *,
    now: datetime,
    sources: tuple[str, ...] = (),
    report: Report | None = None,
) -> IngestReport:
    """Take in every file of the project's sources that is not in the lake yet.

    Args:
        project: the shop.
        now: the time of the run, naive UTC; written to the ledger and the limit for times in the future.
        sources: names of the sources to read; all where empty.
        report: called as work goes on.

    Raises:
        BusyError: another process writes to the project.
        ConfigurationError: a source is wrong, no source is configured, or one simulates another effect than before.
    """
    chosen = _choose(project, sources)
    started = monotonic()
    with exclusive(project.work / "lock", "ingest"), workspace(project) as (connection, staging):
        run = _Run(project, connection, staging, now, report)
        for source in chosen:
            check_effect(project.settings, source, run.lander.known.rows)
        result = run.ingest(
            [
                (source, file)
                for source in chosen
                if not source.is_database
                for file in _files_of(source, project)
            ]
        )
        for source in chosen:
            if source.is_database:
                run.ingest_database(source)
        if SOURCE in chosen:
            forget(project, run.lander.known)
    result.seconds = monotonic() - started
    return result


def _choose(project: Project, names: tuple[str, ...]) -> list[SourceSettings]:
    known = {source.name: source for source in all_sources(project)}
    if not known:
        raise ConfigurationError(
            f"{project.root / 'shopwright.toml'} names no source; add a [[sources]] section"
        )
    for name in names:
        if name not in known:
            raise ConfigurationError(f"no source '{name}'{near_match(name, known)}")
    for source in known.values():
        find_adapter(source.adapter)
    chosen = [known[name] for name in names] if names else list(known.values())
    for source in chosen:
        if source.is_database:
            find_adapter(source.adapter).mapping_for(source, "")
            check_source(source)
    return chosen


def _files_of(source: SourceSettings, project: Project) -> list[SourceFile]:
    return drain(project) if source is SOURCE else find_files(source, project.root)


@contextmanager
def workspace(project: Project) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """An engine and an empty staging folder, both gone when the block ends."""
    staging = project.work / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    engine = project.settings.engine
    connection = connect(threads=engine.threads, memory_limit=engine.memory_limit, spill=staging / "spill")
    try:
        yield connection, staging
    finally:
        connection.close()
        shutil.rmtree(staging, ignore_errors=True)


class Lander:
    """Lands batches and commits them in groups; shared by ingest and replay."""

    def __init__(self, project: Project, connection: duckdb.DuckDBPyConnection, now: datetime) -> None:
        self.project = project
        self.connection = connection
        self.now = now
        self.lake = Lake(project.lake)
        self.recovered = self.lake.recover()
        self.known = Known(read_ledger(connection, self.lake))
        self.sequence = self.lake.sequence()
        self._visible: dict[str, list[LakeFile]] = {}
        self._intent: Intent | None = None
        self._waiting: list[LedgerRow] = []
        self._since = monotonic()

    def batch(self, row: LedgerRow, source: SourceSettings) -> Batch:
        """What a file becomes in the lake."""
        effect = effect_of(self.project.settings, source) if row.entity == EVENTS.name else None
        return Batch(row.batch_seq, row.batch_id, row.source, effect)

    def land(self, job: Job, batch: Batch) -> tuple[Landed, list[str], list[str]]:
        """Read a file and write its good rows; nothing is visible before ``record`` and ``commit``."""
        entity = job.mapping.entity
        loaded = read_file(job)
        try:
            landed = land(
                self.connection, loaded, entity, batch, lake=self.lake, visible=self._files(entity.name)
            )
        except UnreliableReadError:
            return self.land(replace(job, may_stream=False), batch)
        self.connection.execute("drop table if exists landing")
        return landed, loaded.columns, loaded.new_columns

    def record(self, row: LedgerRow, landed: Landed | None = None) -> Intent:
        """Let the next commit make a batch visible."""
        intent = self._intent = self._intent or Intent(row.batch_seq)
        intent.sequence = row.batch_seq
        if landed and landed.file:
            intent.add(row.entity, landed.file)
            path = self.lake.folder(row.entity) / landed.file.name
            self._files(row.entity).append(LakeFile(path, landed.accepted, landed.first_at, landed.last_at))
        if landed and landed.quarantined:
            intent.add("quarantine", write_quarantine(self.connection, self.lake, row, landed.quarantined))
        self._waiting.append(row)
        self.known.rows.append(row)
        self.sequence = row.batch_seq
        return intent

    def commit(self, *, if_due: bool = False) -> None:
        """Make what was recorded visible; with ``if_due`` only when enough has gathered."""
        due = len(self._waiting) >= COMMIT_FILES or monotonic() - self._since >= COMMIT_SECONDS
        if self._intent is None or (if_due and not due):
            return
        self._intent.add("ledger", write_ledger(self.connection, self.lake, self._waiting))
        self.lake.commit(self._intent)
        self._intent, self._waiting, self._since = None, [], monotonic()

    def _files(self, table: str) -> list[LakeFile]:
        if table not in self._visible:
            self._visible[table] = self.lake.files(table)
        return self._visible[table]

    def job(
        self,
        label: str,
        plain: Path,
        staging: Path,
        mapping: Mapping,
        facts: TextFacts,
        *,
        judged_at: datetime | None = None,
    ) -> Job:
        """A file to read under the project's limits.

        Args:
            judged_at: the moment, naive UTC, that times are compared with; that of the run where not given.
        """
        limits = self.project.settings.ingest
        latest = (judged_at or self.now) + timedelta(hours=limits.max_future_hours)
        return Job(
            connection=self.connection,
            label=label,
            plain=plain,
            staging=staging,
            mapping=mapping,
            facts=facts,
            latest=latest.isoformat(sep=" ", timespec="seconds"),
            max_record_bytes=limits.max_record_bytes,
        )


class _Run:
    """One ingest over a list of files."""

    def __init__(
        self,
        project: Project,
        connection: duckdb.DuckDBPyConnection,
        staging: Path,
        now: datetime,
        report: Report | None,
    ) -> None:
        self.lander = Lander(project, connection, now)
        self.staging = staging
        self.now = now
        self.report = report
        self.result = IngestReport(recovered=self.lander.recovered)
        self._by_path: dict[Path, str] = {}
        self._looks: dict[Path, Future[tuple[TextFacts, str]]] = {}
        self._pool: ThreadPoolExecutor

    def ingest(self, files: list[tuple[SourceSettings, SourceFile]]) -> IngestReport:
        files = self._changed(files)
        sizes = [_stat(file)[0] for _, file in files]
        with ThreadPoolExecutor(max_workers=1) as self._pool:
            for number, (source, file) in enumerate(files):
                self._look_ahead([item for _, item in files[number : number + 2]])
                self._tell(number, len(files), sum(sizes[:number]), sum(sizes), file)
                self._take(source, file)
                self.lander.commit(if_due=True)
        self.lander.commit()
        if files:
            self._tell(len(files), len(files), sum(sizes), sum(sizes), files[-1][1])
        return self.result

    def _changed(
        self, files: list[tuple[SourceSettings, SourceFile]]
    ) -> list[tuple[SourceSettings, SourceFile]]:
        """The files that do not look as they did when they were taken in: other name, size or age."""
        known = self.lander.known.looks()
        changed = [
            (source, file) for source, file in files if (source.name, file.label, *_stat(file)) not in known
        ]
        self.result.skipped += len(files) - len(changed)
        return changed

    def _look_ahead(self, files: list[SourceFile]) -> None:
        """Have the bytes of the next file looked at while the engine reads this one."""
        for file in files:
            if file.is_plain and file.path not in self._looks and not _is_binary(file):
                self._looks[file.path] = self._pool.submit(scan_and_hash, file.path)

    def _tell(self, done: int, files: int, bytes_done: int, total: int, file: SourceFile) -> None:
        if self.report:
            read = self.result.total("rows_read")
            self.report(Progress(done, files, bytes_done, total, read, file.data_name))

    def ingest_database(self, source: SourceSettings) -> None:
        """Take in what is new in a table or a query; what was read before an error stays."""
        reached = self.lander.known.watermark
        bytes_done = 0
        try:
            with closing(read_chunks(source, self.staging, reached)) as chunks:
                for number, file in enumerate(chunks):
                    bytes_done += _stat(file)[0]
                    self._tell(number, number + 1, bytes_done, 0, file)
                    if not self._take(source, file):
                        break  # a later part must not say that this one has been read
                    self.lander.commit(if_due=True)
        except SourceFileError as error:
            self._fail(self._row(source, SourceFile(Path(error.file), shown=error.file)), error)
        self.lander.commit()

    def _take(self, source: SourceSettings, file: SourceFile) -> bool:
        """Land a file; False where it cannot be read, which the ledger then says."""
        row = self._row(source, file)
        try:
            mapping = _mapping(source, file)
            digest, facts = self._identify(file, mapping)
            identity = f"{digest}!{file.member}" if file.member else digest
            row = replace(
                row,
                entity=mapping.entity.name,
                batch_id=f"{source.name}-{row.batch_seq}-{digest[:12]}",
                sha256=identity,
            )
            if self._repeats(row):
                return True
            row, landed = self._land(row, mapping, source, file, facts)
        except SourceFileError as error:
            self._fail(row, error)
            return False
        self.lander.record(row, landed)
        self.result.rows.append(row)
        return True

    def _row(self, source: SourceSettings, file: SourceFile) -> LedgerRow:
        """What can be said of a file before it is opened."""
        size, modified_ns = _stat(file)
        sequence = self.lander.sequence + 1
        return LedgerRow(
            batch_seq=sequence,
            batch_id=f"{source.name}-{sequence}",
            source=source.name,
            adapter=source.adapter,
            entity=source.entity,
            file=file.label,
            size_bytes=size,
            modified_ns=modified_ns,
            sha256="",
            outcome="loaded",
            ingested_at=self.now,
            watermark=file.watermark,
        )

    def _identify(self, file: SourceFile, mapping: Mapping) -> tuple[str, TextFacts | None]:
        """SHA-256 of the file on disk, and what its text is like where it is itself the data."""
        try:
            if file.is_plain and mapping.kind is not FileKind.PARQUET and not _is_binary(file):
                look = self._looks.pop(file.path, None)
                facts, digest = look.result() if look else scan_and_hash(file.path)
                return digest, facts
            digest = self._by_path.get(file.path) or hash_file(file.path)
        except OSError as error:
            raise SourceFileError(file.label, f"cannot be read ({error.strerror})") from None
        self._by_path[file.path] = digest
        return digest, None

    def _repeats(self, row: LedgerRow) -> bool:
        """Whether this content is known; a copy under another name gets a ledger row of its own."""
        before = self.lander.known.settled(row.source, row.sha256)
        if not before:
            return False
        if any(earlier.file == row.file for earlier in before):
            self.result.skipped += 1
            return True
        first = before[0]
        row = replace(
            row,
            outcome="identical",
            reason=f"same bytes as {first.file}",
            rows_read=first.rows_read,
            rows_duplicate=first.rows_read,
        )
        self.lander.record(row)
        self.result.rows.append(row)
        return True

    def _land(
        self,
        row: LedgerRow,
        mapping: Mapping,
        source: SourceSettings,
        file: SourceFile,
        facts: TextFacts | None,
    ) -> tuple[LedgerRow, Landed | None]:
        if not file.path.exists():
            raise SourceFileError(file.label, "has gone since the files were listed")
        opened = open_file(file, self.staging, mapping, facts, encoding=source.encoding)
        before = opened.path.stat()
        if before.st_size == 0:
            return replace(row, outcome="empty", reason="the file has no bytes"), None
        if opened.mapping.kind is not FileKind.PARQUET and not opened.facts.has_text:
            return replace(row, outcome="empty", reason="the file has only blank lines"), None
        job = self.lander.job(
            file.label,
            opened.path,
            self.staging,
            opened.mapping,
            opened.facts,
            judged_at=file.judged_at,
        )
        landed, columns, new = self.lander.land(job, self.lander.batch(row, source))
        after = opened.path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise SourceFileError(file.label, "changed while it was read; run again when it is whole")
        if opened.path != file.path:
            opened.path.unlink()
        filled = replace(
            row,
            outcome="loaded" if landed.read else "empty",
            reason=opened.note if landed.read else "the file has no records",
            rows_read=landed.read,
            rows_accepted=landed.accepted,
            rows_quarantined=len(landed.quarantined),
            rows_duplicate=landed.duplicate,
            new_columns=", ".join(new) or None,
            columns=json.dumps(columns) if columns else None,
            rules=json.dumps(landed.rules) if landed.rules else None,
            simulated_effect=landed.effect.to_json() if landed.effect else None,
            first_at=landed.first_at,
            last_at=landed.last_at,
        )
        return filled, landed

    def _fail(self, row: LedgerRow, error: SourceFileError) -> None:
        failed = replace(row, outcome="failed", reason=error.reason, watermark=None)
        if not self.lander.known.failed(failed):
            self.lander.record(failed)
        self.result.rows.append(failed)


def _is_binary(file: SourceFile) -> bool:
    return file.data_name.casefold().endswith(BINARY)


def _stat(file: SourceFile) -> tuple[int, int]:
    """Size of a file in bytes and its age in nanoseconds; zeros where it has gone, which reading it will say."""
    try:
        found = file.path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _mapping(source: SourceSettings, file: SourceFile) -> Mapping:
    if file.data_name.casefold().endswith(".zip"):
        raise SourceFileError(file.label, "is no zip archive that holds data files; is the download whole?")
    return find_adapter(source.adapter).mapping_for(source, file.data_name)
