"""One run over a list of files: each is skipped, loaded or reported, and committed with others."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from shopwright.core.errors import SourceFileError
from shopwright.ingest.adapters import Mapping, find_adapter
from shopwright.ingest.adapters.mapping import FileKind
from shopwright.ingest.adapters.privacy import describe_privacy
from shopwright.ingest.batches import Batch
from shopwright.ingest.contents import Content, ContentReader
from shopwright.ingest.decompression_limits import UnpackLimits
from shopwright.ingest.file_errors import file_errors
from shopwright.ingest.files import SourceFile
from shopwright.ingest.fingerprint import fingerprint
from shopwright.ingest.ledger import FORGOTTEN, LedgerRow
from shopwright.ingest.ledger_rows import complete_row, new_row, size_and_mtime
from shopwright.ingest.loader import BatchLoader
from shopwright.ingest.mending_plan import KeptFile
from shopwright.ingest.plain_files import COPIES, to_plain_file
from shopwright.ingest.postgres import read_chunks
from shopwright.ingest.report import IngestReport, Progress
from shopwright.ingest.segments import all_sources

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from shopwright.core.engine import Connection
    from shopwright.ingest.batches import LoadedBatch
    from shopwright.ingest.mending_plan import Reread
    from shopwright.ingest.report import ProgressCallback
    from shopwright.settings import Project, SourceSettings


class IngestRun:
    """One ingest over a list of files.

    Args:
        project: the shop; its lock is held.
        connection: the engine.
        staging: an empty folder for temporary files.
        now: the time of the run, naive UTC.
        on_progress: called before each file.
        damaged: names of files of the lake that this run replaces.
    """

    def __init__(
        self,
        project: Project,
        connection: Connection,
        staging: Path,
        now: datetime,
        on_progress: ProgressCallback | None,
        *,
        damaged: Collection[str] = (),
    ) -> None:
        self.loader = BatchLoader(project, connection, now, damaged=damaged)
        self.staging = staging
        self.now = now
        self.on_progress = on_progress
        self.report = IngestReport(recovered=self.loader.recovered)
        self.contents = ContentReader(staging)

    def ingest(self, files: list[tuple[SourceSettings, SourceFile]]) -> IngestReport:
        """Load new files, and commit them in groups."""
        files = self._skip_unchanged(files)
        sizes = [size_and_mtime(file)[0] for _, file in files]
        with self.contents.background():
            for number, (source, file) in enumerate(files):
                self.contents.scan_ahead([item for _, item in files[number : number + 2]])
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
            state = (source.name, file.label, *size_and_mtime(file))
            if state in settled:
                self._skip(is_forgotten=state in forgotten)
            else:
                changed_files.append((source, file))
        return changed_files

    def _skip(self, *, is_forgotten: bool) -> None:
        self.report.forgotten += is_forgotten
        self.report.skipped += not is_forgotten

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
        sizes = [size_and_mtime(item.file)[0] for item in files]
        for number, item in enumerate(files):
            self._report_progress(number, len(files), sum(sizes[:number]), sum(sizes), item.file)
            if not self._ingest_file(item.source, item.file, again=item):
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
                    bytes_done += size_and_mtime(file)[0]
                    self._report_progress(number, number + 1, bytes_done, 0, file)
                    if not self._ingest_file(source, file):
                        break  # a later part's watermark would say that this one has been read
                    if not is_again:
                        self.loader.commit(if_due=True)
        except SourceFileError as error:
            file = SourceFile(Path(error.file), display_name=error.file)
            self._fail(new_row(source, file, sequence=self.loader.sequence + 1, now=self.now), error)
        if not is_again:
            self.loader.commit()

    def _ingest_file(self, source: SourceSettings, file: SourceFile, *, again: Reread | None = None) -> bool:
        """Load a file; return False where it cannot be read, which the ledger then says.

        Args:
            source: its source.
            file: the file.
            again: its place in the order of arrival, if it is read again.
        """
        sequence = again.sequence if again and again.sequence else self.loader.sequence + 1
        row = new_row(source, file, sequence=sequence, now=self.now)
        try:
            mapping = _mapping(source, file)
            self.loader.set_key(mapping)
            self.loader.open_table(mapping.entity.name)
            with file_errors(file.label):
                content = self.contents.read(file, mapping)
            row = self._identified(row, mapping, source, content.sha256)
            _check_content(row, again)
            if self._skip_known(row, mapping, file):
                return True
            if mapping.privacy and (line := describe_privacy(source)):
                self.report.privacy[source.name] = line
            with file_errors(file.label, lake=self.loader.lake.root):
                row, loaded = self._load(row, mapping, source, file, content)
                self.loader.record(row, loaded)
        except SourceFileError as error:
            self._fail(row, error)
            return False
        self.report.rows.append(row)
        return True

    def _identified(self, row: LedgerRow, mapping: Mapping, source: SourceSettings, sha256: str) -> LedgerRow:
        """Return a ledger row with the identity of the file's content and settings."""
        # a batch that takes another one's place has an id of its own, since rows of the other may be remembered by it
        commit = f"-{self.loader.sequence}" if row.batch_seq <= self.loader.sequence else ""
        return replace(
            row,
            entity=mapping.entity.name,
            batch_id=f"{source.name}-{row.batch_seq}-{sha256[:12]}{commit}",
            sha256=sha256,
            mapping=fingerprint(mapping, source, self.loader.project),
        )

    def _skip_known(self, row: LedgerRow, mapping: Mapping, file: SourceFile) -> bool:
        """Return whether this content need not be read; a copy under another name gets its own ledger row."""
        ledger = self.loader.ledger
        names = {source.name for source in all_sources(self.loader.project)}
        if file.sheet is not None and (
            whole := ledger.find_whole_workbook(
                row, file.file_label, sha256=lambda: self.contents.hash_whole(file), names=names
            )
        ):
            self._skip(is_forgotten=whole.outcome == FORGOTTEN)
            return True
        earlier_rows = ledger.find_settled(row.source, row.sha256)
        read_rows = [earlier for earlier in earlier_rows if earlier.outcome != FORGOTTEN]
        if read_rows and mapping.replaces_rows and ledger.comes_back(row):
            return False
        if earlier_rows and (not read_rows or any(earlier.file == row.file for earlier in read_rows)):
            self._skip(is_forgotten=not read_rows)
            return True
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
                rows_duplicate=first.rows_read - first.rows_ignored,
                rows_ignored=first.rows_ignored,
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
        content: Content,
    ) -> tuple[LedgerRow, LoadedBatch | None]:
        if not file.path.exists():
            raise SourceFileError(file.label, "was deleted after the files were listed")
        if content.sheet and content.sheet.is_empty:
            return replace(row, outcome="empty", reason="the sheet is empty"), None
        if content.is_skipped:
            return replace(row, outcome="empty", reason=content.note), None
        limits = self.loader.project.settings.ingest
        plain = to_plain_file(
            file,
            self.staging,
            mapping,
            content,
            encoding=source.encoding,
            limits=UnpackLimits(limits.max_unpacked_bytes, limits.max_unpack_ratio),
        )
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
        return complete_row(row, loaded, plain.note), loaded

    def _fail(self, row: LedgerRow, error: SourceFileError) -> None:
        # first of all: what the file left behind may be what has filled the disk
        self.loader.discard()
        for name in COPIES:
            (self.staging / name).unlink(missing_ok=True)
        failed_row = self.loader.redact(replace(row, outcome="failed", reason=error.reason, watermark=None))
        if not self.loader.ledger.has_failed(failed_row):
            self.loader.record(failed_row)
        self.report.rows.append(failed_row)


def _check_content(row: LedgerRow, again: Reread | None) -> None:
    if again and again.sha256 not in (None, row.sha256):
        raise SourceFileError(row.file, "changed before it was read again")


def _mapping(source: SourceSettings, file: SourceFile) -> Mapping:
    if file.data_name.casefold().endswith(".zip"):
        raise SourceFileError(
            file.label, "is not a zip archive with data files in it; is the download complete?"
        )
    return find_adapter(source.adapter).mapping_for(source, file.data_name)
