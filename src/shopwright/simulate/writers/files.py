"""Writing columns to text and Parquet files, the same bytes every time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shopwright.core.engine import connect
from shopwright.core.sql import quote_text

if TYPE_CHECKING:
    from pathlib import Path

CorruptLine = Callable[[bytes, int, float], bytes]
"""Function that corrupts a line without its end, given the fault and a position from 0 up to 1."""

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
    line_faults: Mapping[int, tuple[int, float]] | None = None
    """Fault and position within the line of the rows to corrupt, by row number from 0."""
    corrupt: CorruptLine | None = None


class Writer:
    """A private DuckDB that prints arrays into files."""

    def __init__(self) -> None:
        self._connection = connect()
        self._connection.execute("SET preserve_insertion_order = true")
        self._connection.execute("SET enable_progress_bar = false")

    def close(self) -> None:
        """Let go of DuckDB."""
        self._connection.close()

    def write_parquet(self, path: Path, select: str, columns: Mapping[str, Any]) -> None:
        """Write a query over the table ``columns`` as one Parquet file."""
        self._copy(path, select, columns, "format parquet, compression zstd, row_group_size 122880")

    def write_text(self, file: TextFile, select: str, columns: Mapping[str, Any]) -> None:
        """Write a query over the table ``columns`` as lines that end in LF."""
        options = _AS_CSV if file.has_header else _AS_IS
        if not file.line_faults or file.corrupt is None:
            self._copy(file.path, select, columns, f"{options}, compression {CODECS[file.compression]}")
            return
        clean_path = file.path.with_name(file.path.name + ".part")
        self._copy(clean_path, select, columns, options)
        self._write_lines(file, _corrupted_lines(clean_path, file))
        clean_path.unlink()

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


def _corrupted_lines(clean_path: Path, file: TextFile) -> Iterator[bytes]:
    line_faults, corrupt = file.line_faults or {}, file.corrupt
    with clean_path.open("rb") as lines:
        if file.has_header:
            yield next(lines)
        for row, line in enumerate(lines):
            if row in line_faults and corrupt is not None:
                yield corrupt(line[:-1], *line_faults[row]) + b"\n"
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
