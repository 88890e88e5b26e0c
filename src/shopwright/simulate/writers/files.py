"""Writing columns to text and Parquet files, the same bytes every time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from shopwright.core.sql import quote_text

if TYPE_CHECKING:
    from pathlib import Path

Spoil = Callable[[bytes, int, float], bytes]
"""Turns a sound line, without its end, into a spoilt one, given the fault and some luck."""

CODECS = {None: "none", "gz": "gzip", "zst": "zstd"}
_CHUNK_BYTES = 4 * 2**20
# No quoting, and a delimiter that no value holds: lines reach the file as they are.
_AS_IS = "format csv, header false, quote '', escape '', delimiter '\x01'"
_AS_CSV = "format csv, header true, quote '', escape '', delimiter ','"


@dataclass(frozen=True)
class TextFile:
    """How one text file is to be written."""

    path: Path
    has_header: bool
    """Whether the columns' names make the first line; without it each row is one finished line."""
    compression: str | None = None
    luck: Mapping[int, tuple[int, float]] | None = None
    """Fault and luck of the rows to spoil, by position from 0."""
    spoil: Spoil | None = None


class Writer:
    """A private DuckDB that prints arrays into files."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET preserve_insertion_order = true")
        self._connection.execute("SET enable_progress_bar = false")

    def close(self) -> None:
        """Lets go of DuckDB."""
        self._connection.close()

    def write_parquet(self, path: Path, select: str, columns: Mapping[str, Any]) -> None:
        """Writes a query over the table ``columns`` as one Parquet file."""
        self._copy(path, select, columns, "format parquet, compression zstd, row_group_size 122880")

    def write_text(self, file: TextFile, select: str, columns: Mapping[str, Any]) -> None:
        """Writes a query over the table ``columns`` as lines that end in LF."""
        form = _AS_CSV if file.has_header else _AS_IS
        if not file.luck or file.spoil is None:
            self._copy(file.path, select, columns, f"{form}, compression {CODECS[file.compression]}")
            return
        sound = file.path.with_name(file.path.name + ".part")
        self._copy(sound, select, columns, form)
        self._write_lines(file, _spoilt(sound, file))
        sound.unlink()

    def _copy(self, path: Path, select: str, columns: Mapping[str, Any], options: str) -> None:
        self._connection.register("columns", dict(columns))
        try:
            self._connection.execute(f"COPY ({select}) TO {quote_text(str(path))} ({options})")
        finally:
            self._connection.unregister("columns")

    def _write_lines(self, file: TextFile, lines: Iterable[bytes]) -> None:
        if file.compression is None:
            with file.path.open("wb") as plain:
                plain.writelines(lines)
            return
        # DuckDB compresses bytes that are no valid text only as blobs.
        self._connection.execute(
            f"COPY (SELECT unnest($chunks)) TO {quote_text(str(file.path))} "
            f"(format blob, compression {CODECS[file.compression]})",
            {"chunks": list(_chunks(lines))},
        )


def _spoilt(sound: Path, file: TextFile) -> Iterator[bytes]:
    luck, spoil = file.luck or {}, file.spoil
    with sound.open("rb") as lines:
        if file.has_header:
            yield next(lines)
        for row, line in enumerate(lines):
            if row in luck and spoil is not None:
                yield spoil(line[:-1], *luck[row]) + b"\n"
            else:
                yield line


def _chunks(lines: Iterable[bytes]) -> Iterator[bytes]:
    chunk = bytearray()
    for line in lines:
        chunk += line
        if len(chunk) >= _CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)
