"""A source's file as the readers take it: plain UTF-8 text or Parquet on disk, and what its bytes are like."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shopwright.ingest.adapters.mapping import FileKind
from shopwright.ingest.files import SourceFile, open_plain
from shopwright.ingest.scan import TextFacts, scan_text
from shopwright.ingest.workbooks import write_sheets

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.ingest.adapters.mapping import Mapping


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that can be read."""

    path: Path
    mapping: Mapping
    """How to read it; that of a workbook is for delimited text."""
    facts: TextFacts
    note: str | None = None
    """What to know of how it was opened."""


def open_file(
    file: SourceFile, staging: Path, mapping: Mapping, facts: TextFacts | None, *, encoding: str
) -> Opened:
    """Unpack, decode or convert a file, as far as it needs it.

    Args:
        file: the file.
        staging: folder for copies.
        mapping: what it is read with.
        facts: what the bytes on disk are like, where they were looked at.
        encoding: encoding that its source states.

    Raises:
        SourceFileError: it cannot be read, unpacked, converted or decoded.
    """
    if mapping.kind is FileKind.XLSX:
        return _open_workbook(file, staging, replace(mapping, kind=FileKind.CSV))
    plain = open_plain(file, staging, encoding=encoding)
    if mapping.kind is FileKind.PARQUET:
        return Opened(plain, mapping, TextFacts())
    if facts is None or plain != file.path:
        facts = scan_text(plain)
    if facts.is_utf8 or mapping.fallback_encoding is None:
        return Opened(plain, mapping, facts)
    plain = open_plain(file, staging, encoding=mapping.fallback_encoding)
    note = f"its bytes are no UTF-8, so it was read as {mapping.fallback_encoding}"
    return Opened(plain, mapping, scan_text(plain), note)


def _open_workbook(file: SourceFile, staging: Path, mapping: Mapping) -> Opened:
    plain = open_plain(file, staging, encoding="utf-8")
    if plain.stat().st_size == 0:
        return Opened(plain, mapping, TextFacts())
    text = staging / "sheets.csv"
    sheets = write_sheets(plain, file.label, text, mapping)
    return Opened(text, mapping, scan_text(text), sheets.note())
