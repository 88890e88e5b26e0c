"""Source files as the readers need them: decompressed, decoded and converted to UTF-8 text or Parquet on disk."""

from __future__ import annotations

import codecs
import errno
import os
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

from shopwright.core.errors import SourceFileError
from shopwright.ingest.adapters.mapping import FileKind
from shopwright.ingest.contents import SHEET_FILE, Content
from shopwright.ingest.decompression import BROKEN
from shopwright.ingest.decompression_limits import UnpackLimitError, UnpackLimits, read_within_limits
from shopwright.ingest.files import BINARY
from shopwright.ingest.text_scan import TextFacts, scan_text
from shopwright.ingest.workbooks import open_workbook

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shopwright.ingest.adapters.mapping import Mapping
    from shopwright.ingest.files import SourceFile

COPIES = ("plain", SHEET_FILE, "records.jsonl")
"""Names of the copies of a file that reading it may make in the staging folder."""

FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
"""Errors of a disk that has no room; they say nothing about the file."""


LIMITS = UnpackLimits()


@dataclass(frozen=True, slots=True)
class PlainFile:
    """A file that a reader can read."""

    path: Path
    mapping: Mapping
    """How to read it; a workbook's mapping has become one for delimited text."""
    facts: TextFacts
    note: str | None = None
    """What the ledger says of how it was converted."""


def to_plain_file(
    file: SourceFile,
    staging: Path,
    mapping: Mapping,
    content: Content | None,
    *,
    encoding: str,
    limits: UnpackLimits = LIMITS,
) -> PlainFile:
    """Decompress, decode or convert a file as far as it needs it.

    Args:
        file: the file.
        staging: folder for copies.
        mapping: what it is read with.
        content: what is known of its bytes, if they were read.
        encoding: encoding that its source states.
        limits: how great it may become.

    Raises:
        SourceFileError: it cannot be read, decompressed, converted or decoded.
    """
    if mapping.kind is FileKind.XLSX:
        return _take_sheet(file, replace(mapping, kind=FileKind.CSV), content)
    facts = content.facts if content else None
    path = unpack(file, staging, encoding=encoding, limits=limits)
    if mapping.kind is FileKind.PARQUET:
        return PlainFile(path, mapping, TextFacts())
    if facts is None or path != file.path:
        facts = scan_text(path)
    if facts.is_utf8 or mapping.fallback_encoding is None:
        return PlainFile(path, mapping, facts)
    path = unpack(file, staging, encoding=mapping.fallback_encoding, limits=limits)
    note = f"not valid UTF-8, so it was read as {mapping.fallback_encoding}"
    return PlainFile(path, mapping, scan_text(path), note)


def _take_sheet(file: SourceFile, mapping: Mapping, content: Content | None) -> PlainFile:
    """Return a sheet that was written already; of a file whose sheets could not be listed, say why."""
    if content and content.sheet:
        return PlainFile(content.sheet.path, mapping, scan_text(content.sheet.path), content.note)
    if file.path.stat().st_size == 0:
        return PlainFile(file.path, mapping, TextFacts())
    if not open_workbook(file.path, file.member, file.label).sheets:
        raise SourceFileError(file.label, "has no sheet with cells")
    raise SourceFileError(file.label, "changed after its sheets were listed; run `shopwright ingest` again")


def unpack(file: SourceFile, staging: Path, *, encoding: str, limits: UnpackLimits = LIMITS) -> Path:
    """Return the data of a file as a plain UTF-8 file on disk: the file itself, or a copy in ``staging``.

    Raises:
        SourceFileError: it cannot be read, decompressed or decoded, or exceeds a limit; what was written is removed.
    """
    needs_decoding = codecs.lookup(encoding).name != "utf-8" and not file.data_name.casefold().endswith(
        BINARY
    )
    # the engine takes only file names that are UTF-8
    if file.is_plain and not needs_decoding and _has_utf8_name(file.path):
        return file.path
    target = staging / "plain"
    try:
        with target.open("wb") as plain:
            blocks = read_within_limits(file.path, file.member, limits, folder=staging)
            _copy(blocks, plain, encoding if needs_decoding else None)
    except UnpackLimitError as error:
        raise SourceFileError(file.label, str(error)) from None
    except OSError as error:
        if error.errno in FULL:
            raise
        raise _undecompressable(file, error) from None
    except BROKEN as error:
        raise _undecompressable(file, error) from None
    except UnicodeError as error:
        raise SourceFileError(
            file.label, f"is not {encoding} ({error}); set another encoding for its source"
        ) from None
    return target


def _undecompressable(file: SourceFile, error: Exception) -> SourceFileError:
    return SourceFileError(file.label, f"cannot be decompressed ({error}); is the download complete?")


def _has_utf8_name(path: Path) -> bool:
    return os.fsencode(path).decode("utf-8", "replace") == str(path)


def _copy(blocks: Iterable[bytes], plain: IO[bytes], encoding: str | None) -> None:
    if encoding is None:
        plain.writelines(blocks)
        return
    decode = codecs.getincrementaldecoder(encoding)().decode
    for block in blocks:
        plain.write(decode(block).encode())
    plain.write(decode(b"", final=True).encode())
