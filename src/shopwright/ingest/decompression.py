"""The bytes of source files, decompressed: of a file on disk, or of a member of a zip archive."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = 1 << 22
"""Bytes that are decompressed at a time."""

ZSTANDARD_BLOCK = 1 << 12
"""The same of Zstandard, whose decompressor takes all it can: each four bytes may become 128 kB."""

BROKEN = (EOFError, RuntimeError, zlib.error, zipfile.BadZipFile, zstandard.ZstdError)
"""Errors of data that cannot be decompressed."""


def read_blocks(path: Path, member: str | None) -> Iterator[bytes]:
    """Yield the bytes of the data, decompressed.

    Args:
        path: the file on disk.
        member: name of the member, if the file is a zip archive.
    """
    if member is None:
        with path.open("rb") as raw:
            yield from _decompress(raw, path.suffix)
        return
    with zipfile.ZipFile(path) as archive, archive.open(member) as raw:
        yield from _decompress(raw, PurePosixPath(member).suffix)


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
    while block := raw.read(ZSTANDARD_BLOCK):
        while block:
            yield frame.decompress(block)
            is_in_frame, block = not frame.eof, frame.unused_data
            if frame.eof:
                frame = zstandard.ZstdDecompressor().decompressobj()
    if is_in_frame:
        raise EOFError("the file ends within its compressed data")
