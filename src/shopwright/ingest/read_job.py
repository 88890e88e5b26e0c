"""Read jobs and their results: what the readers of all formats share."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shopwright.contracts import Rule
from shopwright.core.errors import SourceFileError
from shopwright.core.sql import quote_text
from shopwright.ingest.adapters.mapping import FileKind
from shopwright.ingest.expressions import RECORD_NUMBER, binding_problem, describe, uses_record_number
from shopwright.ingest.records import Record, is_array, read_array, read_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Mapping as MappingABC
    from pathlib import Path

    from shopwright.core.engine import Connection
    from shopwright.ingest.adapters.mapping import Mapping
    from shopwright.ingest.projection import Projection
    from shopwright.ingest.text_scan import TextFacts

MIN_OBJECT_BYTES = 1 << 24
"""The engine's own limit of a JSON object. Each thread allocates twice this, so a higher limit is set only where needed."""

MAX_REJECTED_BYTES = 1 << 30
"""Size of all malformed records of a file; with more of them it is a file of something else, and is not read."""

MAX_BYTES_PER_CHARACTER = 6
"""Length of an escape such as ``\\u0001`` in JSON."""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that never became a row."""

    line: int
    raw: bytes
    rules: tuple[str, ...]


class UnreliableReadError(Exception):
    """The engine's reader did not account for every record; the file must be split record by record."""


@dataclass(frozen=True, slots=True)
class RecordStream:
    """A file with one record a line that the engine reads straight into the lake, without a table in between."""

    records: int
    """Records in the file, counted in its bytes."""
    select: str
    """SQL of the typed rows with ``_broken``."""
    fetch_rejected: Callable[[], list[BadRecord]]
    """Returns the records that the engine rejected since its tables of rejected records were last dropped.

    Raises UnreliableReadError where it rejected one for a reason that we have no rule for.
    """


@dataclass(slots=True)
class ReadResult:
    """Result of reading a file: rows in the table ``typed_rows``, or a stream that is still to be run."""

    projection: Projection
    rejected: list[BadRecord]
    line_numbers: Callable[[list[int], list[BadRecord]], list[int]]
    """Converts numbers of rows in reading order, given the rejected records, to line numbers of the file."""
    fetch_raw: Callable[[list[int]], dict[int, bytes]]
    """Returns the bytes of the records at these line numbers."""
    columns: list[str] = field(default_factory=list)
    """Columns of a delimited file, in order."""
    new_columns: list[str] = field(default_factory=list)
    """Columns that the mapping does not name."""
    stream: RecordStream | None = None


@dataclass(frozen=True, slots=True)
class ReadJob:
    """One plain file to read, and how."""

    connection: Connection
    label: str
    plain: Path
    staging: Path
    mapping: Mapping
    facts: TextFacts
    latest: str
    """Timestamp literal, UTC; a later time of a row is in the future."""
    max_record_bytes: int
    columns: tuple[str, ...] = ()
    """Columns of a file without its header, as when rows are replayed."""
    split_records: tuple[Record, ...] | None = None
    """Records that are split already, as when rows are replayed; the file is not read then."""
    source: str = ""
    """Name of the source, for messages."""
    allows_streaming: bool = True
    """Whether the engine may read the file straight into the lake, if its bytes allow it.

    False after a stream turned out to be unreliable.
    """

    @property
    def is_streamable(self) -> bool:
        """Whether the engine reads the file straight into the lake."""
        # an engine's stream does not number its records
        return (
            self.allows_streaming
            and self.split_records is None
            and self.facts.is_simple
            and not self.numbers_records
        )

    @property
    def numbers_records(self) -> bool:
        """Whether a shop's own expression uses the number of its record."""
        return uses_record_number(self.mapping.custom_expressions.values())

    def check_expressions(self, columns: MappingABC[str, str]) -> None:
        """Check that the shop's own expressions fit the columns of this file, given with their SQL types.

        Raises:
            SourceFileError: one of them does not; the message names source, column and expression.
        """
        available = {RECORD_NUMBER: "bigint"} | dict(columns)
        for name, sql in self.mapping.custom_expressions.items():
            if problem := binding_problem(self.connection, sql, available):
                raise SourceFileError(self.label, describe(self.source, name, sql, problem))

    @property
    def is_array(self) -> bool:
        """Whether the file is one JSON array."""
        return self.mapping.kind is FileKind.JSON and not self.mapping.has_lines and is_array(self.plain)

    def records(self) -> Iterator[Record]:
        """Yield the file's records one by one, good and bad; the first is the header, if it has one."""
        if self.split_records is not None:
            return iter(self.split_records)
        if self.is_array:
            return read_array(self.plain, max_bytes=self.max_record_bytes)
        delimiter = self.mapping.csv.delimiter if self.mapping.kind is FileKind.CSV else None
        return read_records(self.plain, delimiter=delimiter, max_bytes=self.max_record_bytes)

    def create_table(self, projection: Projection, source: str, *, extra: str = "") -> None:
        """Create the table ``typed_rows`` from SQL that has the file's columns."""
        self.connection.execute("drop table if exists typed_rows")
        self.connection.execute(f"create temp table typed_rows as {projection.rows(source, extra)}")

    def stream_sql(self, projection: Projection, source: str, *, extra: str = "") -> str:
        """Return SQL of the typed rows, for a stream."""
        # The optimizer would push a condition on _broken down below the columns that it is computed from, and parse every
        # value twice. It does not move a condition that depends on something volatile.
        rows = projection.rows(source, extra)
        return f"select * replace (_broken + (random() * 0)::bigint as _broken) from ({rows})"


def stage(
    job: ReadJob,
    records: Iterable[Record],
    rejected: list[BadRecord],
    parse: Callable[[Record], object],
) -> Path:
    """Write good records as JSON lines that cannot be misread; bad ones go to ``rejected``.

    Raises:
        SourceFileError: the bad ones are more than quarantine can take.
    """
    staged = job.staging / "records.jsonl"
    rejected_bytes = 0
    key = "fields" if job.mapping.kind is FileKind.CSV else "text"
    with staged.open("w", encoding="utf-8") as lines:
        for record in records:
            if record.rule is not None:
                rejected.append(BadRecord(record.line, record.raw, (record.rule,)))
                rejected_bytes += len(record.raw)
                if rejected_bytes > MAX_REJECTED_BYTES:
                    raise SourceFileError(
                        job.label,
                        f"has more than {MAX_REJECTED_BYTES >> 30} GB of malformed records, the first "
                        f"({rejected[0].rules[0]}) in line {rejected[0].line}; is it what its source says?",
                    )
            elif (value := parse(record)) is not None:
                lines.write(json.dumps({"line": record.line, key: value}) + "\n")
    return staged


def staged_source(job: ReadJob, staged: Path, key: str, sql_type: str) -> str:
    """Return SQL that reads what ``stage`` wrote: ``_line`` and one column.

    Args:
        job: the job that was staged.
        staged: the file that ``stage`` returned.
        key: ``fields`` of a delimited file, else ``text``.
        sql_type: type of that column.
    """
    max_bytes = max(MAX_BYTES_PER_CHARACTER * job.max_record_bytes, MIN_OBJECT_BYTES)
    return (
        f"(select line as _line, {key} from read_json({quote_text(str(staged))}, "
        f"format = 'newline_delimited', columns = {{line: 'BIGINT', {key}: '{sql_type}'}}, "
        f"maximum_object_size = {max_bytes}))"
    )


def staged_result(job: ReadJob, projection: Projection, rejected: list[BadRecord]) -> ReadResult:
    """Return the result for rows in ``typed_rows`` that carry their ``_line``."""
    return ReadResult(
        projection=projection,
        rejected=rejected,
        line_numbers=lambda rows, _: row_lines(job, rows),
        fetch_raw=lambda lines: _fetch_records(job, set(lines)),
    )


def row_lines(job: ReadJob, rows: list[int]) -> list[int]:
    """Return the line numbers of rows of ``typed_rows``, given by row id."""
    ids = ", ".join(map(str, rows))
    lines = dict(
        job.connection.execute(f"select rowid, _line from typed_rows where rowid in ({ids})").fetchall()
    )
    return [lines[row] for row in rows]


def _fetch_records(job: ReadJob, lines: set[int]) -> dict[int, bytes]:
    return {record.line: record.raw for record in job.records() if record.line in lines}


def scalar_rules(mapping: Mapping) -> tuple[Rule, ...]:
    """Return the rules that a required text is one value; JSON and Parquet can have an object or a list in its place."""
    return tuple(
        Rule(
            f"{column.name}_not_a_value",
            f"""((not (left("_raw_{column.name}", 1) in ('{{', '[') and json_valid("_raw_{column.name}"))) is not false)""",
            f"`{column.name}` is one value, not an object or a list.",
        )
        for column in mapping.entity.stored_columns
        if mapping.entity.needs_text(column) and column.name in mapping.stored_fields
    )
