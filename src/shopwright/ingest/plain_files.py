"""Source files as the readers need them: decompressed, decoded and converted to UTF-8 text or Parquet on disk."""

from __future__ import annotations

import codecs
import errno
import gzip
import os
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

import zstandard

from shopwright.core.errors import SourceFileError
from shopwright.ingest.adapters.mapping import FileKind
from shopwright.ingest.files import BINARY
from shopwright.ingest.text_scan import TextFacts, scan_text
from shopwright.ingest.workbooks import write_sheets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from shopwright.ingest.adapters.mapping import Mapping
    from shopwright.ingest.files import SourceFile

COPIES = ("plain", "sheets.csv", "records.jsonl")
"""Names of the copies of a file that reading it may make in the staging folder."""

FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
"""Errors of a disk that has no room; they say nothing about the file."""

BLOCK = 1 << 22
"""Bytes that are decompressed at a time."""


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
    file: SourceFile, staging: Path, mapping: Mapping, facts: TextFacts | None, *, encoding: str
) -> PlainFile:
    """Decompress, decode or convert a file as far as it needs it.

    Args:
        file: the file.
        staging: folder for copies.
        mapping: what it is read with.
        facts: what the bytes on disk are like, if they were scanned.
        encoding: encoding that its source states.

    Raises:
        SourceFileError: it cannot be read, decompressed, converted or decoded.
    """
    if mapping.kind is FileKind.XLSX:
        return _convert_workbook(file, staging, replace(mapping, kind=FileKind.CSV))
    path = unpack(file, staging, encoding=encoding)
    if mapping.kind is FileKind.PARQUET:
        return PlainFile(path, mapping, TextFacts())
    if facts is None or path != file.path:
        facts = scan_text(path)
    if facts.is_utf8 or mapping.fallback_encoding is None:
        return PlainFile(path, mapping, facts)
    path = unpack(file, staging, encoding=mapping.fallback_encoding)
    note = f"not valid UTF-8, so it was read as {mapping.fallback_encoding}"
    return PlainFile(path, mapping, scan_text(path), note)


def _convert_workbook(file: SourceFile, staging: Path, mapping: Mapping) -> PlainFile:
    workbook = unpack(file, staging, encoding="utf-8")
    if workbook.stat().st_size == 0:
        return PlainFile(workbook, mapping, TextFacts())
    text = staging / "sheets.csv"
    sheets = write_sheets(workbook, file.label, text, mapping)
    return PlainFile(text, mapping, scan_text(text), sheets.note())


def unpack(file: SourceFile, staging: Path, *, encoding: str) -> Path:
    """Return the data of a file as a plain UTF-8 file on disk: the file itself, or a copy in ``staging``.

    Raises:
        SourceFileError: it cannot be read, decompressed or decoded.
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
            _copy(_blocks(file), plain, encoding if needs_decoding else None)
    except OSError as error:
        if error.errno in FULL:
            raise
        raise _undecompressable(file, error) from None
    except (EOFError, RuntimeError, zlib.error, zipfile.BadZipFile, zstandard.ZstdError) as error:
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


def _blocks(file: SourceFile) -> Iterator[bytes]:
    """Yield the bytes of the data, decompressed."""
    if file.member is None:
        with file.path.open("rb") as raw:
            yield from _decompress(raw, file.path.suffix)
        return
    with zipfile.ZipFile(file.path) as archive, archive.open(file.member) as raw:
        yield from _decompress(raw, PurePosixPath(file.member).suffix)


def _decompress(raw: IO[bytes], ending: str) -> Iterator[bytes]:
    match ending.casefold():
        case ".zst":
            yield from _decompress_zstandard(raw)
            return
        case ".zip":
            raise zipfile.BadZipFile("not a zip archive with data files in it")
        case ".gz":
            with gzip.GzipFile(fileobj=raw) as unzipped:
                yield from iter(lambda: unzipped.read(BLOCK), b"")
        case _:
            yield from iter(lambda: raw.read(BLOCK), b"")


def _decompress_zstandard(raw: IO[bytes]) -> Iterator[bytes]:
    """Decompress frame by frame; the library's own stream reader takes the end of a torn file for the end of data."""
    frame = zstandard.ZstdDecompressor().decompressobj()
    is_in_frame = False
    while block := raw.read(BLOCK):
        while block:
            yield frame.decompress(block)
            is_in_frame, block = not frame.eof, frame.unused_data
            if frame.eof:
                frame = zstandard.ZstdDecompressor().decompressobj()
    if is_in_frame:
        raise EOFError("the file ends within its compressed data")


def _copy(blocks: Iterable[bytes], plain: IO[bytes], encoding: str | None) -> None:
    if encoding is None:
        plain.writelines(blocks)
        return
    decode = codecs.getincrementaldecoder(encoding)().decode
    for block in blocks:
        plain.write(decode(block).encode())
    plain.write(decode(b"", final=True).encode())
