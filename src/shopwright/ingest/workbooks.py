"""Excel workbooks: their sheets become one delimited file, which is then read like any other."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from shopwright.core.errors import SourceFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from python_calamine import CalamineWorkbook

    from shopwright.ingest.adapters.mapping import Mapping

EXTRA = "excel"
MAX_EXACT_INTEGER = 2**53
"""Limit up to which a workbook's numbers, which are all floats, represent every integer."""


@dataclass(frozen=True, slots=True)
class Sheets:
    """Names of a workbook's sheets that were written, and of those that were not because their header differs."""

    read: tuple[str, ...]
    left_out: tuple[str, ...]

    def note(self) -> str | None:
        """Return what the ledger says of it; None where the workbook has one sheet."""
        if not self.left_out and len(self.read) == 1:
            return None
        skipped = (
            f"; sheets skipped because their header differs: {', '.join(self.left_out)}"
            if self.left_out
            else ""
        )
        return f"sheets read: {', '.join(self.read)}{skipped}"


def write_sheets(workbook: Path, label: str, target: Path, mapping: Mapping) -> Sheets:
    """Write the sheets that have the header that a mapping needs as one CSV file, UTF-8.

    The header comes first, then the rows of every sheet with the same header. Empty rows stay as empty lines, so that a
    line number of the CSV is a row number of the first sheet (unless a cell holds a line break); later sheets count on.
    Dates are written as ``2010-12-01 08:26:00``.

    Args:
        workbook: an ``.xlsx`` file.
        label: the file's name in messages.
        target: where to write.
        mapping: what the sheets are read with. Where no sheet has its columns, the first sheet is written.

    Raises:
        SourceFileError: the file is not a workbook, or the package that reads workbooks is not installed.
    """
    book = _open(workbook, label)
    headers = {name: _header(_rows(book, name)) for name in book.sheet_names}
    fitting = [name for name, header in headers.items() if _fits(header, mapping)] or book.sheet_names[:1]
    read = [name for name in fitting if headers[name] == headers[fitting[0]]]
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for number, name in enumerate(read):
            rows = _rows(book, name)
            writer.writerows(_skip_header(rows) if number else rows)
    return Sheets(tuple(read), tuple(name for name in book.sheet_names if name not in read))


def _open(workbook: Path, label: str) -> CalamineWorkbook:
    try:
        from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415  # needs an extra
    except ImportError:
        raise SourceFileError(
            label, f"reading workbooks needs another package; run `pip install 'shopwright[{EXTRA}]'`"
        ) from None
    try:
        return CalamineWorkbook.from_path(str(workbook))
    except (CalamineError, OSError) as error:
        raise SourceFileError(label, f"is not a readable workbook ({error})") from None


def _rows(book: CalamineWorkbook, name: str) -> Iterator[list[str]]:
    """Yield a sheet's rows as text, from its first row on; a row without any value is an empty list."""
    for row in book.get_sheet_by_name(name).iter_rows():
        cells = [_text(value) for value in row]
        yield cells if any(cells) else []


def _header(rows: Iterator[list[str]]) -> list[str]:
    """Return the first row that has a value, with its names trimmed."""
    return [name.strip() for name in next((row for row in rows if row), [])]


def _skip_header(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    next((row for row in rows if row), None)
    return rows


def _fits(header: list[str], mapping: Mapping) -> bool:
    columns = {mapping.csv.synonyms.get(name, name) for name in header}
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
