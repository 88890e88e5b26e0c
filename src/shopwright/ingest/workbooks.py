"""Excel workbooks: every sheet is a file of its own, and becomes a delimited file that is read like any other."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from io import BytesIO, StringIO
from itertools import chain
from typing import TYPE_CHECKING, Any

from shopwright.core.errors import SourceFileError
from shopwright.ingest.decompression_limits import UnpackLimits, read_within_limits
from shopwright.ingest.file_errors import file_errors
from shopwright.ingest.workbook_limits import check_archive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from python_calamine import CalamineWorkbook

    from shopwright.ingest.adapters.mapping import Mapping

EXTRA = "excel"
LIMITS = UnpackLimits(max_bytes=1 << 30)
"""A workbook is read as a whole, so its file must fit into memory."""
MAX_EXACT_INTEGER = 2**53
"""Limit up to which a workbook's numbers, which are all floats, represent every integer."""

MAX_TITLE_ROWS = 30
"""Rows of a sheet, from the first one with a value, among which its header is looked for."""


@dataclass(frozen=True, slots=True)
class SheetText:
    """A sheet that was written as a delimited file."""

    path: Path
    digest: str
    """SHA-256 of the sheet's values, whatever its name and wherever its header is."""
    is_empty: bool
    has_columns: bool
    """Whether it has the columns that the mapping requires."""


@dataclass(slots=True)
class Workbook:
    """An open workbook."""

    book: CalamineWorkbook
    sheets: tuple[str, ...]
    """Names of its sheets of cells, hidden ones included, in order; charts are none."""
    hidden: frozenset[str]
    _fitting: dict[tuple[str, ...], bool] = field(default_factory=dict)

    def write_sheet(self, name: str, target: Path, mapping: Mapping) -> SheetText:
        """Write a sheet as a CSV file, UTF-8.

        Empty rows, and rows above the header such as a title, become empty lines, so that a line number of the CSV is a row
        number of the sheet (unless a cell holds a line break). Dates are written as ``2010-12-01 08:26:00``.
        """
        first, rows = self._rows_to_header(name, mapping)
        has_header = mapping.csv.header
        has_columns = bool(first) and (not has_header or _fits(first[-1], mapping))
        digest = hashlib.sha256()
        with target.open("w", encoding="utf-8", newline="") as file:
            for number, row in enumerate(chain(first, rows), start=1):
                text = _to_csv(row)
                digest.update(text.encode())
                file.write("\n" if has_columns and has_header and number < len(first) else text)
        return SheetText(target, digest.hexdigest(), not any(first), has_columns)

    def digest(self, name: str) -> str:
        """Return the SHA-256 of a sheet's values."""
        digest = hashlib.sha256()
        for row in self._rows(name):
            digest.update(_to_csv(row).encode())
        return digest.hexdigest()

    def has_sheet_for(self, mapping: Mapping) -> bool:
        """Return whether any sheet has the columns that a mapping requires."""
        if mapping.required_columns not in self._fitting:
            headers = (self._rows_to_header(name, mapping)[0][-1:] for name in self.sheets)
            self._fitting[mapping.required_columns] = any(
                _fits(row, mapping) for header in headers for row in header
            )
        return self._fitting[mapping.required_columns]

    def _rows_to_header(self, name: str, mapping: Mapping) -> tuple[list[list[str]], Iterator[list[str]]]:
        """Return a sheet's first rows, of which the last one is the header, and an iterator over the rest.

        Without the columns that the mapping requires, the header is the first row with a value. In an empty sheet there is
        none.
        """
        rows = self._rows(name)
        first: list[list[str]] = []
        begin = 0
        for row in rows:
            first.append(row)
            begin = begin or (len(first) if row else 0)
            if row and (_fits(row, mapping) or not mapping.csv.header):
                return first, rows
            if begin and len(first) - begin >= MAX_TITLE_ROWS:
                break
        return first[:begin], chain(first[begin:], rows)

    def _rows(self, name: str) -> Iterator[list[str]]:
        """Yield a sheet's rows as text, from its first row on; a row without any value is an empty list."""
        for row in self.book.get_sheet_by_name(name).iter_rows():
            cells = [_text(value) for value in row]
            yield cells if any(cells) else []


def open_workbook(path: Path, member: str | None, label: str, *, reads_cells: bool = True) -> Workbook:
    """Open a workbook.

    Args:
        path: an ``.xlsx`` file, which may be compressed, or a zip archive.
        member: name of the workbook in that archive.
        label: the file's name in messages.
        reads_cells: whether its sheets will be read, and not only listed.

    Raises:
        SourceFileError: the file is not a workbook, it is too large when it is unpacked, or the package that reads workbooks is
            not installed.
    """
    try:
        from python_calamine import (  # noqa: PLC0415  # needs an extra
            CalamineWorkbook,
            SheetTypeEnum,
            SheetVisibleEnum,
        )
    except ImportError:
        raise SourceFileError(
            label, f"reading workbooks needs another package; run `pip install 'shopwright[{EXTRA}]'`"
        ) from None
    with file_errors(label, what="is not a readable workbook"):
        content = BytesIO(b"".join(read_within_limits(path, member, LIMITS)))
        check_archive(content, reads_cells=reads_cells)
        book = CalamineWorkbook.from_filelike(content)
        sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    return Workbook(
        book,
        tuple(sheet.name for sheet in sheets),
        frozenset(sheet.name for sheet in sheets if sheet.visible != SheetVisibleEnum.Visible),
    )


def list_sheets(path: Path, member: str | None) -> tuple[str, ...]:
    """Return the names of a workbook's sheets; none where it cannot be opened, which reading it will say."""
    try:
        return open_workbook(path, member, "", reads_cells=False).sheets
    except SourceFileError:
        return ()


def _to_csv(row: list[str]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue()


def _fits(header: list[str], mapping: Mapping) -> bool:
    columns = {mapping.csv.synonyms.get(name.strip(), name.strip()) for name in header}
    return bool(header) and columns.issuperset(mapping.required_columns)


def _text(value: Any) -> str:
    """Return a cell as an export would write it: whole numbers without a point, times to the second."""
    match value:
        case bool():
            return str(value).lower()
        case float() if value.is_integer() and abs(value) < MAX_EXACT_INTEGER:
            return str(int(value))
        case datetime():
            # times are stored as fractions of a day, which are rarely exactly a second
            return str((value + timedelta(microseconds=500_000)).replace(microsecond=0))
        case date():
            return f"{value} 00:00:00"
    return str(value)
