"""Reading, checking and writing a file in one pass of the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from shopwright.core.sql import quote_name
from shopwright.ingest.jobs import BadRecord, Loaded, Stream, UnreliableReadError
from shopwright.lake.delta import AddedFile

Write = Callable[[str], AddedFile]
"""Writes the rows of a query to the batch's file of the lake."""


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A record put aside, as it stood in the file."""

    line: int
    raw: str
    raw_encoding: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """The good rows of a file, copies included, and what goes to quarantine."""

    file: AddedFile
    quarantined: list[QuarantinedRow]


def write_stream(connection: duckdb.DuckDBPyConnection, loaded: Loaded, write: Write) -> Written:
    """Write the good rows; a second, narrow reading finds the bad ones, where there are any.

    Raises:
        UnreliableReadError: not every record is accounted for.
    """
    stream = loaded.stream
    if stream is None:
        raise ValueError("the file is not to be streamed")
    names = ", ".join(quote_name(column.name) for column in loaded.projection.columns)
    file, rejected = _write(
        connection, stream, f"select {names} from ({stream.select}) where _broken = 0", write
    )
    bad: list[tuple[int, int]] = []
    if file.rows + len(rejected) != stream.records:
        bad = _bad_rows(connection, stream.select)
    if file.rows + len(rejected) + len(bad) != stream.records:
        raise UnreliableReadError
    return Written(file, quarantined_rows(loaded, rejected, bad))


def _write(
    connection: duckdb.DuckDBPyConnection, stream: Stream, good: str, write: Write
) -> tuple[AddedFile, list[BadRecord]]:
    _forget_rejections(connection)
    connection.execute("set preserve_insertion_order = false")
    try:
        return write(good), stream.rejections()
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        raise UnreliableReadError from None
    finally:
        connection.execute("set preserve_insertion_order = true")


def _forget_rejections(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("drop table if exists reject_errors; drop table if exists reject_scans")


def _bad_rows(connection: duckdb.DuckDBPyConnection, select: str) -> list[tuple[int, int]]:
    """Numbers of the rows that break rules, in the order of the file, with the rules' bits.

    Raises:
        UnreliableReadError: the engine would not keep the order, as where a mapping's SQL needs a join.
    """
    query = f"select _broken from ({select})"
    plan = connection.execute(f"explain {query}").fetchall()
    if any(word in text for _, text in plan for word in ("JOIN", "AGGREGATE", "UNION", "WINDOW")):
        raise UnreliableReadError
    _forget_rejections(connection)
    connection.execute(f"create or replace temp table flags as {query}")
    return connection.execute("select rowid, _broken from flags where _broken <> 0 order by rowid").fetchall()


def quarantined_rows(
    loaded: Loaded, rejected: list[BadRecord], bad: list[tuple[int, int]]
) -> list[QuarantinedRow]:
    """Everything of a file that goes to quarantine, in the order of its lines.

    Args:
        loaded: what reading the file gave.
        rejected: records that never became rows.
        bad: numbers of rows that break rules, with the rules' bits.
    """
    rows = [_as_row(record.line, record.raw, record.rules) for record in rejected]
    if bad:
        lines = loaded.lines_of([row for row, _ in bad], rejected)
        raw = loaded.raw_of(lines)
        rows += [
            _as_row(line, raw[line], tuple(loaded.projection.broken_rules(bits)))
            for line, (_, bits) in zip(lines, bad, strict=True)
        ]
    return sorted(rows, key=lambda row: row.line)


def _as_row(line: int, raw: bytes, rules: tuple[str, ...]) -> QuarantinedRow:
    try:
        return QuarantinedRow(line, raw.decode("utf-8"), "utf-8", rules)
    except UnicodeDecodeError:
        return QuarantinedRow(line, raw.decode("latin-1"), "latin-1", rules)
