"""Rows streamed from the server into files of limited size, one after the other."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from shopwright.ingest.files import SourceFile
from shopwright.ingest.ledger import PART_SEPARATOR
from shopwright.ingest.postgres.relation import Relation, describe, source_label
from shopwright.ingest.postgres.session import open_session
from shopwright.ingest.records import split_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from pathlib import Path

    from psycopg.abc import Buffer

    from shopwright.settings import SourceSettings

CHUNK_BYTES = 64_000_000
CHUNK_ROWS = 500_000
"""Limits of one file; whichever is reached first ends it."""


def read_chunks(
    source: SourceSettings, staging: Path, last_watermark: Callable[[str, str], str | None]
) -> Generator[SourceFile, None, None]:
    """Yield what may be new since the last run, as delimited files with a header; at least one, if only a header.

    All of them show the database at one point in time. A file is deleted when the next one is requested, so that neither
    memory nor disk holds more than one.

    Args:
        source: what to read.
        staging: folder for the files.
        last_watermark: returns the greatest watermark loaded so far, by name of the source and label; None where none was.

    Raises:
        SourceFileError: the server cannot be reached, refuses, or closes the connection.
    """
    label = source_label(source)
    with open_session(source, label) as connection:
        relation = describe(connection, source)
        number = 0
        for step in relation.passes(source, last_watermark(source.name, label)):
            with connection.cursor() as cursor, cursor.copy(step.statement.encode()) as rows:
                for path, row in _cut(rows, staging, relation.header):
                    number += 1
                    watermark = _watermark(relation, row) if step.is_ordered else None
                    yield SourceFile(
                        path, display_name=f"{label}{PART_SEPARATOR}{number}", watermark=watermark
                    )
                    path.unlink()
    if number == 0:
        path = staging / "rows.csv"
        path.write_bytes(relation.header)
        yield SourceFile(path, display_name=f"{label}{PART_SEPARATOR}1")


def _cut(rows: Iterable[Buffer], staging: Path, header: bytes) -> Iterator[tuple[Path, bytes]]:
    """Yield files of complete rows, each with its last row. The server sends one row at a time."""
    path = staging / "rows.csv"
    remaining = iter(rows)
    for first in remaining:
        size = 0
        row = first
        with path.open("wb", buffering=1 << 20) as file:
            file.write(header)
            for count, row in enumerate(chain([first], remaining), start=1):
                size += file.write(row)
                if size >= CHUNK_BYTES or count >= CHUNK_ROWS:
                    break
        yield path, bytes(row)


def _watermark(relation: Relation, row: bytes) -> str | None:
    fields = split_fields(row.decode("utf-8", "replace").removesuffix("\n"), ",")
    if relation.watermark is None or fields is None:
        return None
    return fields[relation.columns.index(relation.watermark)]


def probe(source: SourceSettings) -> str:
    """Connect and describe the source without reading a row.

    Returns:
        One line such as ``public.orders by updated_at: 12 columns, Postgres 17.2``.

    Raises:
        SourceFileError: as when reading.
    """
    label = source_label(source)
    with open_session(source, label) as connection:
        relation = describe(connection, source)
        version = connection.info.parameter_status("server_version")
    return f"{label}: {len(relation.columns)} columns, Postgres {version}"
