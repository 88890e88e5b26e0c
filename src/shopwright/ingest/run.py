"""An ingest run: every new file of a project's sources is loaded once, wherever an earlier run was interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from shopwright.core.engine import StorageError
from shopwright.core.errors import ConfigurationError, SourceFileError, near_match
from shopwright.core.lock import exclusive_lock
from shopwright.ingest.adapters import Mapping, find_adapter
from shopwright.ingest.adapters.mapping import FileKind
from shopwright.ingest.batches import Batch
from shopwright.ingest.expressions import refused_expressions
from shopwright.ingest.file_guesses import explain_refusal
from shopwright.ingest.files import BINARY, SourceFile, data_name, find_files
from shopwright.ingest.fingerprint import ChangedSource, find_changed_sources, fingerprint
from shopwright.ingest.ledger import FORGOTTEN, LedgerRow
from shopwright.ingest.loader import BatchLoader, workspace
from shopwright.ingest.mending_plan import KeptFile
from shopwright.ingest.plain_files import COPIES, to_plain_file
from shopwright.ingest.postgres import check_source, read_chunks
from shopwright.ingest.segments import COLLECTOR_SOURCE, all_sources, delete_old_segments, drain_segments
from shopwright.ingest.text_scan import TextFacts, hash_file, scan_and_hash

if TYPE_CHECKING:
    from datetime import datetime

    from shopwright.core.engine import Connection
    from shopwright.ingest.batches import LoadedBatch
    from shopwright.ingest.mending_plan import Reread
    from shopwright.settings import Project, SourceSettings


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest has come."""

    files_done: int
    files: int
    bytes_done: int
    bytes: int
    """Total of all files; 0 where unknown, as with a database."""
    rows: int
    file: str


ProgressCallback = Callable[[Progress], None]


@dataclass(slots=True)
class IngestReport:
    """What one run did."""

    rows: list[LedgerRow] = field(default_factory=list)
    """Ledger rows written by this run, one per file."""
    skipped: int = 0
    """Files that an earlier run had loaded."""
    forgotten: int = 0
    """Files that were taken out of the lake, and are not read again until that is requested."""
    recovered: int = 0
    """Interrupted commits of an earlier run that this one finished."""
    refused: list[str] = field(default_factory=list)
    """What is wrong with the expressions of sources that were therefore not read."""
    changed_sources: list[ChangedSource] = field(default_factory=list)
    """Sources whose settings changed since some of their files were read."""
    retired: list[LedgerRow] = field(default_factory=list)
    """Ledger rows of the batches that were replaced or taken out."""
    kept: list[KeptFile] = field(default_factory=list)
    """Files that were to be read again and could not be; their rows stay as they were."""
    affected: list[str] = field(default_factory=list)
    """Files that were read again since rows of theirs were duplicates of rows that are gone now."""
    seconds: float = 0.0

    def total(self, name: str) -> int:
        """Return the sum of a ledger column, such as ``rows_read``, over the files of this run."""
        return sum(getattr(row, name) for row in self.rows)

    @property
    def is_complete(self) -> bool:
        """Whether everything that was to be read could be."""
        return not (
            self.failed or self.unaccepted or self.refused or any(item.has_failed for item in self.kept)
        )

    @property
    def unaccepted(self) -> list[LedgerRow]:
        """Files of which no row was accepted, all being in quarantine; segments of rejected events are meant to be so."""
        return [
            row
            for row in self.rows
            if row.rows_read
            and row.rows_quarantined == row.rows_read
            and row.outcome == "loaded"
            and row.source != COLLECTOR_SOURCE.name
        ]

    @property
    def failed(self) -> list[LedgerRow]:
        """Files that could not be read."""
        return [row for row in self.rows if row.outcome == "failed"]


def ingest(
    project: Project,
    *,
    now: datetime,
    sources: tuple[str, ...] = (),
    on_progress: ProgressCallback | None = None,
) -> IngestReport:
    """Load every file of the project's sources that is not in the lake yet.

    Args:
        project: the shop.
        now: the time of the run, naive UTC; it is written to the ledger and bounds times in the future.
        sources: names of the sources to read; all if empty.
        on_progress: called before each file and at the end.

    Raises:
        BusyError: another process writes to the project.
        ConfigurationError: a source is wrong, or no source is configured.
    """
    selected = _select_sources(project, sources)
    refused = [message for source in selected for message in refused_expressions(source)]
    # the others are read all the same
    selected = [source for source in selected if not refused_expressions(source)]
    started = monotonic()
    with exclusive_lock(project.work / "lock", "ingest"), workspace(project) as (connection, staging):
        run = IngestRun(project, connection, staging, now, on_progress)
        report = run.ingest(
            [
                (source, file)
                for source in selected
                if not source.is_database
                for file in _list_files(source, project)
            ]
        )
        for source in selected:
            if source.is_database:
                run.ingest_database(source)
        report.changed_sources = find_changed_sources(project, run.loader.ledger)
        if COLLECTOR_SOURCE in selected:
            delete_old_segments(project, run.loader.ledger)
    return replace(report, refused=refused, seconds=monotonic() - started)


def _select_sources(project: Project, names: tuple[str, ...]) -> list[SourceSettings]:
    by_name = {source.name: source for source in all_sources(project)}
    if not by_name:
        raise ConfigurationError(
            f"no source in {project.root / 'shopwright.toml'}; add a [[sources]] section"
        )
    for name in names:
        if name not in by_name:
            raise ConfigurationError(f"no source '{name}'{near_match(name, by_name)}")
    for source in by_name.values():
        find_adapter(source.adapter)
    selected = [by_name[name] for name in names] if names else list(by_name.values())
    for source in selected:
        if source.is_database:
            find_adapter(source.adapter).mapping_for(source, "")
            check_source(source)
    return selected


def _list_files(source: SourceSettings, project: Project) -> list[SourceFile]:
    return drain_segments(project) if source is COLLECTOR_SOURCE else find_files(source, project.root)


class IngestRun:
    """One ingest over a list of files.

    Args:
        project: the shop; its lock is held.
        connection: the engine.
        staging: an empty folder for temporary files.
        now: the time of the run, naive UTC.
        on_progress: called before each file.
    """

    def __init__(
        self,
        project: Project,
        connection: Connection,
        staging: Path,
        now: datetime,
        on_progress: ProgressCallback | None,
    ) -> None:
        self.loader = BatchLoader(project, connection, now)
        self.staging = staging
        self.now = now
        self.on_progress = on_progress
        self.report = IngestReport(recovered=self.loader.recovered)
        self._digests: dict[Path, str] = {}
        self._scans: dict[Path, Future[tuple[TextFacts, str]]] = {}
        self._pool: ThreadPoolExecutor

    def ingest(self, files: list[tuple[SourceSettings, SourceFile]]) -> IngestReport:
        """Load new files, and commit them in groups."""
        files = self._skip_unchanged(files)
        sizes = [_size_and_mtime(file)[0] for _, file in files]
        # one thread: hashing the next file hides behind the engine, which uses all cores, and a second would only compete
        with ThreadPoolExecutor(max_workers=1) as self._pool:
            for number, (source, file) in enumerate(files):
                self._scan_ahead([item for _, item in files[number : number + 2]])
                self._report_progress(number, len(files), sum(sizes[:number]), sum(sizes), file)
                self._ingest_file(source, file)
                self.loader.commit(if_due=True)
        self.loader.commit()
        if files:
            self._report_progress(len(files), len(files), sum(sizes), sum(sizes), files[-1][1])
        return self.report

    def _skip_unchanged(
        self, files: list[tuple[SourceSettings, SourceFile]]
    ) -> list[tuple[SourceSettings, SourceFile]]:
        """Return the files with another name, size or modification time than when they were loaded."""
        settled = self.loader.ledger.settled_files()
        forgotten = self.loader.ledger.forgotten_files()
        changed_files = []
        for source, file in files:
            state = (source.name, file.label, *_size_and_mtime(file))
            if state in settled:
                self._skip(is_forgotten=state in forgotten)
            else:
                changed_files.append((source, file))
        return changed_files

    def _skip(self, *, is_forgotten: bool) -> None:
        self.report.forgotten += is_forgotten
        self.report.skipped += not is_forgotten

    def _scan_ahead(self, files: list[SourceFile]) -> None:
        """Scan the bytes of the next file while the engine reads this one."""
        for file in files:
            if file.is_plain and file.path not in self._scans and not _is_binary(file):
                self._scans[file.path] = self._pool.submit(scan_and_hash, file.path)

    def _report_progress(
        self, files_done: int, files: int, bytes_done: int, total: int, file: SourceFile
    ) -> None:
        if self.on_progress:
            rows = self.report.total("rows_read")
            self.on_progress(Progress(files_done, files, bytes_done, total, rows, file.data_name))

    def read_again(
        self, files: list[Reread], databases: list[SourceSettings]
    ) -> dict[tuple[str, str], KeptFile]:
        """Read files whose batches were retired, and databases from the start, without a commit.

        Returns:
            Those that could not be read, by source and SHA-256.
        """
        failures = {}
        sizes = [_size_and_mtime(item.file)[0] for item in files]
        for number, item in enumerate(files):
            self._report_progress(number, len(files), sum(sizes[:number]), sum(sizes), item.file)
            if not self._ingest_file(item.source, item.file, replaced=item.replaced):
                reason = str(self.report.failed[-1].reason)
                failures[item.source.name, item.replaced.sha256] = KeptFile(item.file.label, reason, True)
        for source in databases:
            self.ingest_database(source, is_again=True)
            if failed := [row for row in self.report.failed if row.source == source.name]:
                failures[source.name, ""] = KeptFile(failed[-1].file, str(failed[-1].reason), True)
        return failures

    def ingest_database(self, source: SourceSettings, *, is_again: bool = False) -> None:
        """Load what is new in a table or a query; what was read before an error stays.

        Args:
            source: the source.
            is_again: whether nothing is to be committed before all of it has been read.
        """
        if self.loader.ledger.is_forgotten(source.name):
            self.report.forgotten += 1
            return
        bytes_done = 0
        try:
            with closing(read_chunks(source, self.staging, self.loader.ledger.watermark)) as chunks:
                for number, file in enumerate(chunks):
                    bytes_done += _size_and_mtime(file)[0]
                    self._report_progress(number, number + 1, bytes_done, 0, file)
                    if not self._ingest_file(source, file):
                        break  # a later part's watermark would say that this one has been read
                    if not is_again:
                        self.loader.commit(if_due=True)
        except SourceFileError as error:
            self._fail(
                self._new_ledger_row(source, SourceFile(Path(error.file), display_name=error.file)), error
            )
        if not is_again:
            self.loader.commit()

    def _ingest_file(
        self, source: SourceSettings, file: SourceFile, *, replaced: LedgerRow | None = None
    ) -> bool:
        """Load a file; return False where it cannot be read, which the ledger then says.

        Args:
            source: its source.
            file: the file.
            replaced: the batch whose place in the order of arrival it takes, if it is read again.
        """
        row = self._new_ledger_row(source, file, replaced)
        try:
            mapping = _mapping(source, file)
            digest, facts = self._identify(file, mapping)
            row = self._identified(row, mapping, source, file, digest)
            _check_content(row, replaced)
            if self._skip_known(row, mapping):
                return True
            row, loaded = self._load(row, mapping, source, file, facts)
            self.loader.record(row, loaded)
        except SourceFileError as error:
            self._fail(row, error)
            return False
        except StorageError as error:
            self._fail(row, SourceFileError(file.label, _describe_storage(error)))
            return False
        self.report.rows.append(row)
        return True

    def _new_ledger_row(
        self, source: SourceSettings, file: SourceFile, replaced: LedgerRow | None = None
    ) -> LedgerRow:
        """Return what is known of a file before it is opened."""
        size, modified_ns = _size_and_mtime(file)
        sequence = replaced.batch_seq if replaced else self.loader.sequence + 1
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

    def _identified(
        self, row: LedgerRow, mapping: Mapping, source: SourceSettings, file: SourceFile, digest: str
    ) -> LedgerRow:
        """Return a ledger row with the identity of the file's content and settings."""
        # a batch that takes another one's place has an id of its own, since rows of the other may be remembered by it
        commit = f"-{self.loader.sequence}" if row.batch_seq <= self.loader.sequence else ""
        return replace(
            row,
            entity=mapping.entity.name,
            batch_id=f"{source.name}-{row.batch_seq}-{digest[:12]}{commit}",
            sha256=f"{digest}!{file.member}" if file.member else digest,
            mapping=fingerprint(mapping, source, self.loader.project),
        )

    def _identify(self, file: SourceFile, mapping: Mapping) -> tuple[str, TextFacts | None]:
        """Return the SHA-256 of the file on disk, and the facts of its text if the file itself is the data."""
        try:
            if file.is_plain and mapping.kind is not FileKind.PARQUET and not _is_binary(file):
                scan = self._scans.pop(file.path, None)
                facts, digest = scan.result() if scan else scan_and_hash(file.path)
                return digest, facts
            # members of one archive share the digest of the archive
            digest = self._digests.get(file.path) or hash_file(file.path)
        except OSError as error:
            raise SourceFileError(file.label, f"cannot be read ({error.strerror})") from None
        self._digests[file.path] = digest
        return digest, None

    def _skip_known(self, row: LedgerRow, mapping: Mapping) -> bool:
        """Return whether this content need not be read; a copy under another name gets its own ledger row."""
        ledger = self.loader.ledger
        earlier_rows = ledger.find_settled(row.source, row.sha256)
        read_rows = [earlier for earlier in earlier_rows if earlier.outcome != FORGOTTEN]
        if read_rows and mapping.replaces_rows and ledger.comes_back(row):
            return False
        if earlier_rows and (not read_rows or any(earlier.file == row.file for earlier in read_rows)):
            self._skip(is_forgotten=not read_rows)
            return True
        names = {source.name for source in all_sources(self.loader.project)}
        elsewhere = [] if read_rows else ledger.find_under_other_names(row, names)
        first = next(iter(read_rows + elsewhere), None)
        if first is None:
            return False
        of_source = f" of source {first.source}" if elsewhere else ""
        self.loader.record(
            identical := replace(
                row,
                outcome="identical",
                reason=f"same bytes as {first.file}{of_source}",
                rows_read=first.rows_read,
                rows_duplicate=first.rows_read,
                mapping=first.mapping,
            )
        )
        self.report.rows.append(identical)
        return True

    def _load(
        self,
        row: LedgerRow,
        mapping: Mapping,
        source: SourceSettings,
        file: SourceFile,
        facts: TextFacts | None,
    ) -> tuple[LedgerRow, LoadedBatch | None]:
        if not file.path.exists():
            raise SourceFileError(file.label, "was deleted after the files were listed")
        plain = to_plain_file(file, self.staging, mapping, facts, encoding=source.encoding)
        before = plain.path.stat()
        if before.st_size == 0:
            return replace(row, outcome="empty", reason="the file is empty"), None
        if plain.mapping.kind is not FileKind.PARQUET and not plain.facts.has_text:
            return replace(row, outcome="empty", reason="the file has only blank lines"), None
        job = self.loader.job(
            file.label,
            plain.path,
            self.staging,
            plain.mapping,
            plain.facts,
            as_of=file.as_of,
            source=source.name,
        )
        batch = Batch(row.batch_seq, row.batch_id, row.source, max(row.batch_seq, self.loader.sequence))
        loaded = self.loader.load(job, batch)
        after = plain.path.stat()
        # rows of a file that someone is still writing would be loaded under a hash that is not theirs
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise SourceFileError(
                file.label, "changed while it was read; run `shopwright ingest` again when it is complete"
            )
        if plain.path != file.path:
            plain.path.unlink()
        return _complete_row(row, loaded, plain.note), loaded

    def _fail(self, row: LedgerRow, error: SourceFileError) -> None:
        # first of all: what the file left behind may be what has filled the disk
        self.loader.discard()
        for name in COPIES:
            (self.staging / name).unlink(missing_ok=True)
        failed_row = replace(row, outcome="failed", reason=error.reason, watermark=None)
        if not self.loader.ledger.has_failed(failed_row):
            self.loader.record(failed_row)
        self.report.rows.append(failed_row)


def _describe_storage(error: Exception) -> str:
    """Return one line about a disk that is full or fails."""
    reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
    if "no space" in reason.casefold() or "too large" in reason.casefold():
        return f"does not fit on the disk while it is read ({reason}); what it had written was removed"
    return f"cannot be read or written ({reason})"


def _check_content(row: LedgerRow, replaced: LedgerRow | None) -> None:
    if replaced and row.sha256 != replaced.sha256:
        raise SourceFileError(row.file, "changed before it was read again")


def _complete_row(row: LedgerRow, loaded: LoadedBatch, note: str | None) -> LedgerRow:
    reason = note if loaded.read else "the file has no records"
    if loaded.read and len(loaded.quarantined) == loaded.read:
        reason = explain_refusal(loaded.quarantined, loaded.columns, loaded.new_columns, data_name(row.file))
    return replace(
        row,
        outcome="loaded" if loaded.read else "empty",
        reason=reason,
        rows_read=loaded.read,
        rows_accepted=loaded.accepted,
        rows_quarantined=len(loaded.quarantined),
        rows_duplicate=loaded.duplicate,
        new_columns=", ".join(loaded.new_columns) or None,
        columns=json.dumps(loaded.columns) if loaded.columns else None,
        rules=json.dumps(loaded.rules) if loaded.rules else None,
        notes=json.dumps(loaded.notes) if loaded.notes else None,
        first_at=loaded.first_at,
        last_at=loaded.last_at,
    )


def _is_binary(file: SourceFile) -> bool:
    return file.data_name.casefold().endswith(BINARY)


def _size_and_mtime(file: SourceFile) -> tuple[int, int]:
    """Return a file's size in bytes and modification time in nanoseconds; zeros where it no longer exists.

    Reading it will then say so, in the ledger.
    """
    try:
        stat = file.path.stat()
    except OSError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


def _mapping(source: SourceSettings, file: SourceFile) -> Mapping:
    if file.data_name.casefold().endswith(".zip"):
        raise SourceFileError(
            file.label, "is not a zip archive with data files in it; is the download complete?"
        )
    return find_adapter(source.adapter).mapping_for(source, file.data_name)
