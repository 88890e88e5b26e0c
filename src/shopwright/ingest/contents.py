"""What files hold: the hash by which a content is known, taken while the engine reads the file before."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.core.errors import SourceFileError
from shopwright.ingest.adapters.mapping import FileKind
from shopwright.ingest.files import BINARY
from shopwright.ingest.text_scan import TextFacts, hash_file, scan_and_hash
from shopwright.ingest.workbooks import SheetText, Workbook, open_workbook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shopwright.ingest.adapters import Mapping
    from shopwright.ingest.files import SourceFile

OTHER_COLUMNS = "skipped: it lacks columns that other sheets of its workbook have"
"""What the ledger says of a sheet with something else than data."""

SHEET_FILE = "sheet.csv"
"""Name of the copy of a sheet in the staging folder."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is known of a file once its bytes were read."""

    sha256: str
    """Identifies the content: of a member of an archive, the archive's followed by its name; of a sheet, that of its values."""
    facts: TextFacts | None = None
    """Facts of the text, if the file on disk is itself the text."""
    sheet: SheetText | None = None
    note: str | None = None
    """What the ledger says of it."""
    is_skipped: bool = False
    """Whether it is a sheet of other things beside the data, such as notes."""


class ContentReader:
    """Reads the contents of files in turn; a workbook stays open while its sheets are read.

    Args:
        staging: folder for copies of sheets.
    """

    def __init__(self, staging: Path) -> None:
        self.staging = staging
        self._digests: dict[Path, str] = {}
        self._scans: dict[Path, Future[tuple[TextFacts, str]]] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._workbook: tuple[str, Workbook] | None = None

    @contextmanager
    def background(self) -> Iterator[None]:
        """Let ``scan_ahead`` work in the background while the block runs."""
        # one thread: hashing the next file hides behind the engine, which uses all cores, and a second would only compete
        with ThreadPoolExecutor(max_workers=1) as self._pool:
            yield
        self._pool = None

    def scan_ahead(self, files: list[SourceFile]) -> None:
        """Scan the bytes of the next files while the engine reads this one."""
        for file in files:
            if self._pool and file.is_plain and file.path not in self._scans and not _is_binary(file):
                self._scans[file.path] = self._pool.submit(scan_and_hash, file.path)

    def read(self, file: SourceFile, mapping: Mapping) -> Content:
        """Return what a file holds; a sheet is written to the staging folder.

        Raises:
            SourceFileError: it cannot be read.
        """
        if file.sheet is not None:
            return self._read_sheet(file, file.sheet, mapping)
        try:
            if file.is_plain and mapping.kind is not FileKind.PARQUET and not _is_binary(file):
                scan = self._scans.pop(file.path, None)
                facts, digest = scan.result() if scan else scan_and_hash(file.path)
                return Content(digest, facts)
        except OSError as error:
            raise _unreadable(file, error) from None
        return Content(self.hash_whole(file))

    def hash_whole(self, file: SourceFile) -> str:
        """Return what identifies the bytes of a file on disk, or of the workbook that a sheet belongs to.

        Raises:
            SourceFileError: it cannot be read.
        """
        try:
            # members of one archive share the digest of the archive
            digest = self._digests.get(file.path) or hash_file(file.path)
        except OSError as error:
            raise _unreadable(file, error) from None
        self._digests[file.path] = digest
        return f"{digest}!{file.member}" if file.member else digest

    def hash_sheet(self, file: SourceFile) -> str:
        """Return what identifies the values of a sheet.

        Raises:
            SourceFileError: it cannot be read.
        """
        return self._open(file).digest(str(file.sheet))

    def _read_sheet(self, file: SourceFile, name: str, mapping: Mapping) -> Content:
        book = self._open(file)
        sheet = book.write_sheet(name, self.staging / SHEET_FILE, mapping)
        if not sheet.is_empty and not sheet.has_columns and book.has_sheet_for(mapping):
            return Content(sheet.digest, sheet=sheet, note=OTHER_COLUMNS, is_skipped=True)
        note = "the sheet is hidden" if name in book.hidden else None
        return Content(sheet.digest, sheet=sheet, note=note)

    def _open(self, file: SourceFile) -> Workbook:
        if self._workbook is None or self._workbook[0] != file.file_label:
            self._workbook = (file.file_label, open_workbook(file.path, file.member, file.label))
        book = self._workbook[1]
        if file.sheet not in book.sheets:
            raise SourceFileError(file.label, "was removed from its workbook after the sheets were listed")
        return book


def _is_binary(file: SourceFile) -> bool:
    return file.data_name.casefold().endswith(BINARY)


def _unreadable(file: SourceFile, error: OSError) -> SourceFileError:
    return SourceFileError(file.label, f"cannot be read ({error.strerror})")
