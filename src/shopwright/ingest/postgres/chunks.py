"""Rows streamed from the server into files of bounded size, one after the other."""

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
"""A file is complete at whichever comes first."""


def read_chunks(
    source: SourceSettings, staging: Path, last: Callable[[str, str], str | None]
) -> Generator[SourceFile, None, None]:
    """Read what may be new since the last run, as delimited files with a header; at least one, if only a header.

    All of them show the database at one moment. A file is gone when the next one is asked for, so that neither
    memory nor disk holds more than one.

    Args:
        source: what to read.
        staging: folder for the files.
        last: source name and label to the greatest watermark that was landed before.

    Raises:
        SourceFileError: the server cannot be reached, refuses, or breaks off.
    """
    label = source_label(source)
    with open_session(source, label) as connection:
        relation = describe(connection, source)
        number = 0
        for step in relation.passes(source, last(source.name, label)):
            with connection.cursor() as cursor, cursor.copy(step.statement.encode()) as rows:
                for path, row in _cut(rows, staging, relation.header):
                    number += 1
                    reached = _watermark(relation, row) if step.is_ordered else None
                    yield SourceFile(path, display_name=f"{label}{PART_SEPARATOR}{number}", watermark=reached)
                    path.unlink()
    if number == 0:
        path = staging / "rows.csv"
        path.write_bytes(relation.header)
        yield SourceFile(path, display_name=f"{label}{PART_SEPARATOR}1")


def _cut(rows: Iterable[Buffer], staging: Path, header: bytes) -> Iterator[tuple[Path, bytes]]:
    """Files of whole rows, each with its last row. The server sends one row at a time."""
    path = staging / "rows.csv"
    coming = iter(rows)
    for first in coming:
        size = 0
        row = first
        with path.open("wb", buffering=1 << 20) as file:
            file.write(header)
            for count, row in enumerate(chain([first], coming), start=1):
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
    """Connect and look, reading no row.

    Returns:
        What was found, in a few words.

    Raises:
        SourceFileError: as when reading.
    """
    label = source_label(source)
    with open_session(source, label) as connection:
        relation = describe(connection, source)
        version = connection.info.parameter_status("server_version")
    return f"{label}: {len(relation.columns)} columns, Postgres {version}"
