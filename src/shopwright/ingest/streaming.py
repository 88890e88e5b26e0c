"""Streaming: a file is read, validated and written in one pass of the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shopwright.core.engine import Connection, ValueReadError
from shopwright.ingest.read_job import BadRecord, ReadResult, RecordStream, UnreliableReadError
from shopwright.ingest.row_rules import ERASED, IGNORED
from shopwright.lake.delta import AddedFile

WriteQuery = Callable[[str], AddedFile]
"""Writes the rows of a query to the batch's file of the lake."""


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A quarantined record, as it is in the file."""

    line: int
    raw: str
    raw_encoding: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WrittenRows:
    """The good rows of a file, duplicates included, and what goes to quarantine."""

    file: AddedFile
    quarantined: list[QuarantinedRow]
    ignored: int = 0
    """Rows that were left out since the source says so."""
    erased: int = 0
    """Rows that were left out since they are about somebody who was erased."""


def write_stream(
    connection: Connection, read: ReadResult, write: WriteQuery, *, keeps_order: bool
) -> WrittenRows:
    """Write the good rows; only where some are bad, a second and narrower pass finds them.

    Args:
        connection: the connection the file was read with.
        read: what reading the file gave.
        write: writes the rows of a query.
        keeps_order: whether rows keep the order of the file, since a later one may replace an earlier one.

    Raises:
        UnreliableReadError: not every record is accounted for.
    """
    stream = read.stream
    if stream is None:
        raise ValueError("the file is not to be streamed")
    file, rejected = _write(
        connection,
        stream,
        f"select {read.projection.written_names} from ({stream.select}) where _broken = 0",
        write,
        keeps_order=keeps_order,
    )
    bad: list[tuple[int, int]] = []
    ignored = erased = 0
    if file.rows + len(rejected) != stream.records:
        bad, ignored, erased = _bad_rows(connection, stream.select)
    if file.rows + len(rejected) + len(bad) + ignored + erased != stream.records:
        raise UnreliableReadError
    return WrittenRows(file, quarantined_rows(read, rejected, bad), ignored, erased)


def _write(
    connection: Connection, stream: RecordStream, good: str, write: WriteQuery, *, keeps_order: bool
) -> tuple[AddedFile, list[BadRecord]]:
    _clear_rejected(connection)
    # keeping the order costs time and memory, and means nothing where no row replaces another
    connection.execute(f"set preserve_insertion_order = {str(keeps_order).lower()}")
    try:
        return write(good), stream.fetch_rejected()
    except ValueReadError:
        raise UnreliableReadError from None
    finally:
        connection.execute("set preserve_insertion_order = true")


def _clear_rejected(connection: Connection) -> None:
    connection.execute("drop table if exists reject_errors; drop table if exists reject_scans")


def _bad_rows(connection: Connection, select: str) -> tuple[list[tuple[int, int]], int, int]:
    """Return the numbers of the rows that break rules, in the order of the file, with the rules' bits, and count the left out.

    Raises:
        UnreliableReadError: the engine would not keep the order, such as where a mapping's SQL needs a join.
    """
    query = f"select _broken from ({select})"
    plan = connection.execute(f"explain {query}").fetchall()
    if any(operator in text for _, text in plan for operator in ("JOIN", "AGGREGATE", "UNION", "WINDOW")):
        raise UnreliableReadError
    _clear_rejected(connection)
    connection.execute(f"create or replace temp table flags as {query}")
    return read_flags(connection, "flags")


def read_flags(connection: Connection, table: str) -> tuple[list[tuple[int, int]], int, int]:
    """Return the numbers of a table's rows that break rules, with the rules' bits, and count the ignored and erased rows."""
    bad = connection.execute(
        f"select rowid, _broken from {table} where _broken > 0 order by rowid"
    ).fetchall()
    counts = connection.execute(
        f"select count(*) filter (_broken = {IGNORED}), count(*) filter (_broken = {ERASED}) from {table}"
    ).fetchone()
    ignored, erased = counts or (0, 0)
    return bad, ignored, erased


def quarantined_rows(
    read: ReadResult, rejected: list[BadRecord], bad: list[tuple[int, int]]
) -> list[QuarantinedRow]:
    """Return everything of a file that goes to quarantine, sorted by line.

    Args:
        read: what reading the file gave.
        rejected: records that never became rows.
        bad: numbers of rows that break rules, with the rules' bits.
    """
    rows = [_to_row(record.line, record.raw, record.rules) for record in rejected]
    if bad:
        lines = read.line_numbers([row for row, _ in bad], rejected)
        raw = read.fetch_raw(lines)
        rows += [
            _to_row(line, raw[line], tuple(read.projection.broken_rules(bits)))
            for line, (_, bits) in zip(lines, bad, strict=True)
        ]
    return sorted(rows, key=lambda row: row.line)


def _to_row(line: int, raw: bytes, rules: tuple[str, ...]) -> QuarantinedRow:
    try:
        return QuarantinedRow(line, raw.decode("utf-8"), "utf-8", rules)
    except UnicodeDecodeError:
        return QuarantinedRow(line, raw.decode("latin-1"), "latin-1", rules)
