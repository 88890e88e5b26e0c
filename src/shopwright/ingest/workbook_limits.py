"""Limits of workbooks, which a library reads into memory as a whole: a bomb would end the process, which nothing can catch."""

from __future__ import annotations

import re
import zipfile
import zlib
from typing import IO, TYPE_CHECKING

from shopwright.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_CELLS = 64_000_000
"""Cells of a sheet, empty ones included: the library allocates all of them from the first row and column with a value to the
last ones."""
MAX_XML_BYTES = 4 << 30
MAX_XML_RATIO = 250
RATIO_COUNTS_FROM = 1 << 26
"""XML of a workbook: greatest size of one file in it, and how many times its packed size it may be, from a size on."""

BLOCK = 1 << 20
LOCAL_HEADER = 30
SHEETS = "xl/worksheets/"

_REFERENCE = re.compile(rb'[ \t\r\n]r="([A-Za-z]{1,3})([0-9]{1,7})"')
_TAIL = 32
"""Bytes of a block that are searched again with the next one: more than a reference has."""


def check_archive(content: IO[bytes], *, reads_cells: bool) -> None:
    """Check what a workbook becomes when it is unpacked, by unpacking it; what it says of itself may be a lie.

    Args:
        content: the workbook, which is left at its beginning.
        reads_cells: whether its sheets will be read; otherwise they are not checked.

    Raises:
        DataError: it becomes too large.
        zipfile.BadZipFile: it is no archive.
    """
    with zipfile.ZipFile(content) as archive:
        for info in archive.infolist():
            is_sheet = info.filename.casefold().lstrip("/").startswith(SHEETS)
            if is_sheet and not reads_cells:
                continue
            blocks = _within_limits(info, _inflate(content, info))
            if is_sheet:
                _check_cells(info.filename, blocks)
            else:
                for _ in blocks:
                    pass
    content.seek(0)


def _within_limits(info: zipfile.ZipInfo, blocks: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for block in blocks:
        size += len(block)
        if size > MAX_XML_BYTES or size > max(RATIO_COUNTS_FROM, info.compress_size * MAX_XML_RATIO):
            raise DataError(
                f"holds {info.filename}, which is more than {size >> 20} MB when it is unpacked; export it as CSV"
            )
        yield block


def _inflate(content: IO[bytes], info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield what a file in an archive really unpacks to."""
    content.seek(info.header_offset)
    header = content.read(LOCAL_HEADER)
    name_size, extra_size = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
    content.seek(name_size + extra_size, 1)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    remaining = info.compress_size
    while remaining > 0 and (packed := content.read(min(BLOCK, remaining))):
        remaining -= len(packed)
        if info.compress_type != zipfile.ZIP_DEFLATED:
            yield packed
            continue
        while packed and not inflater.eof:
            yield inflater.decompress(packed, BLOCK)
            packed = inflater.unconsumed_tail


def _check_cells(name: str, blocks: Iterator[bytes]) -> None:
    """Check how many cells a sheet spans."""
    height = width = 0
    tail = b""
    for block in blocks:
        references = _REFERENCE.findall(tail + block)
        if references:
            height = max(height, *(int(row) for _, row in references))
            width = max(width, *(_column_number(column) for column in {column for column, _ in references}))
        if height * width > MAX_CELLS:
            raise DataError(
                f"holds {name}, whose cells span {height:,} rows and {width:,} columns; delete what stands far outside "
                "of the table, or export it as CSV"
            )
        tail = block[-_TAIL:]


def _column_number(letters: bytes) -> int:
    """Return the number of a column from 1, given its letters."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number
