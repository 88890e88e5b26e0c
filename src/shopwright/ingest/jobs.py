"""One file to read, and what reading it gives: shared by the readers of each format."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shopwright.contracts import Rule
from shopwright.contracts.schema import Kind
from shopwright.core.sql import quote_text
from shopwright.ingest.adapters.mapping import FileKind, Mapping
from shopwright.ingest.records import Record, is_array, read_array, read_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import duckdb

    from shopwright.ingest.projection import Projection
    from shopwright.ingest.scan import TextFacts

LEAST_OBJECT_BYTES = 1 << 24
"""The engine's own limit of a JSON object; it takes twice that much memory for each thread, so no more than needed."""

MOST_BYTES_OF_A_CHARACTER = 6
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
class Stream:
    """A file with one record a line that the engine reads straight into the lake, without a table in between."""

    records: int
    """Records in the file, counted in its bytes."""
    select: str
    """SQL of the typed rows with ``_broken``."""
    rejections: Callable[[], list[BadRecord]]
    """Records the engine refused since its tables of refusals were last dropped.

    Raises UnreliableReadError where it refused one for a reason we have no rule for.
    """


@dataclass(slots=True)
class Loaded:
    """What reading a file gave: rows in the table ``landing``, or a stream that is still to be run."""

    projection: Projection
    rejected: list[BadRecord]
    lines_of: Callable[[list[int], list[BadRecord]], list[int]]
    """Numbers of rows in reading order, and the records that were rejected, to line numbers of the file."""
    raw_of: Callable[[list[int]], dict[int, bytes]]
    """Line numbers to the text that stands there."""
    columns: list[str] = field(default_factory=list)
    """Columns of a delimited file, in order."""
    new_columns: list[str] = field(default_factory=list)
    """Columns that no mapping names."""
    stream: Stream | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One plain file to read, and how."""

    connection: duckdb.DuckDBPyConnection
    label: str
    plain: Path
    staging: Path
    mapping: Mapping
    facts: TextFacts
    latest: str
    max_record_bytes: int
    columns: tuple[str, ...] = ()
    """Columns of a file that has lost its header, as when rows are replayed."""
    split: tuple[Record, ...] | None = None
    """Records taken apart before, as when rows are replayed; the file is not looked at then."""
    may_stream: bool = True
    """Whether the engine may read the file straight into the lake, where its bytes allow it."""

    @property
    def streams(self) -> bool:
        """Whether the engine is to read the file straight into the lake."""
        return self.may_stream and self.split is None and self.facts.is_simple

    @property
    def is_array(self) -> bool:
        """Whether the file is one JSON array."""
        return self.mapping.kind is FileKind.JSON and not self.mapping.has_lines and is_array(self.plain)

    def records(self) -> Iterator[Record]:
        """The file's records one by one, good ones and bad ones; a header is the first."""
        if self.split is not None:
            return iter(self.split)
        if self.is_array:
            return read_array(self.plain, max_bytes=self.max_record_bytes)
        delimiter = self.mapping.csv.delimiter if self.mapping.kind is FileKind.CSV else None
        return read_records(self.plain, delimiter=delimiter, max_bytes=self.max_record_bytes)

    def create(self, projection: Projection, source: str, *, extra: str = "") -> None:
        """Make the table ``landing`` from SQL that has the file's columns."""
        self.connection.execute("drop table if exists landing")
        self.connection.execute(f"create temp table landing as {_select(projection, source, extra)}")

    def select(self, projection: Projection, source: str, *, extra: str = "") -> str:
        """SQL of the typed rows, for a stream.

        Left alone, the engine would move a condition on ``_broken`` below the columns that it is made of, and parse
        every value twice. It leaves a condition where it is that depends on something volatile.
        """
        rows = _select(projection, source, extra)
        return f"select * replace (_broken + (random() * 0)::bigint as _broken) from ({rows})"


def _select(projection: Projection, source: str, extra: str) -> str:
    return (
        f"select {projection.select_typed}{extra} from (select {projection.select_text}{extra} from {source})"
    )


def stage(
    job: Job,
    records: Iterable[Record],
    rejected: list[BadRecord],
    parse: Callable[[Record], object],
) -> Path:
    """Write good records as JSON lines that cannot be misread; bad ones go to ``rejected``."""
    staged = job.staging / "records.jsonl"
    key = "fields" if job.mapping.kind is FileKind.CSV else "text"
    with staged.open("w", encoding="utf-8") as opened:
        for record in records:
            if record.rule is not None:
                rejected.append(BadRecord(record.line, record.raw, (record.rule,)))
            elif (value := parse(record)) is not None:
                opened.write(json.dumps({"line": record.line, key: value}) + "\n")
    return staged


def staged_source(job: Job, staged: Path, key: str, sql_type: str) -> str:
    """SQL that reads what ``stage`` wrote."""
    longest = max(MOST_BYTES_OF_A_CHARACTER * job.max_record_bytes, LEAST_OBJECT_BYTES)
    return (
        f"(select line as _line, {key} from read_json({quote_text(str(staged))}, "
        f"format = 'newline_delimited', columns = {{line: 'BIGINT', {key}: '{sql_type}'}}, "
        f"maximum_object_size = {longest}))"
    )


def loaded_from_staging(job: Job, projection: Projection, rejected: list[BadRecord]) -> Loaded:
    """What reading gave when the rows of ``landing`` carry their ``_line``."""
    return Loaded(
        projection=projection,
        rejected=rejected,
        lines_of=lambda rows, _: lines_of_rows(job, rows),
        raw_of=lambda lines: _fetch_records(job, set(lines)),
    )


def lines_of_rows(job: Job, rows: list[int]) -> list[int]:
    """Lines of rows of ``landing``, by row id."""
    wanted = ", ".join(map(str, rows))
    found = job.connection.execute(f"select rowid, _line from landing where rowid in ({wanted})").fetchall()
    lines = dict(found)
    return [lines[row] for row in rows]


def _fetch_records(job: Job, wanted: set[int]) -> dict[int, bytes]:
    return {record.line: record.raw for record in job.records() if record.line in wanted}


def scalar_rules(mapping: Mapping) -> tuple[Rule, ...]:
    """A required text holds one value; JSON and Parquet can have an object or a list in its place."""
    return tuple(
        Rule(
            f"{column.name}_not_a_value",
            f"""((not (left("_raw_{column.name}", 1) in ('{{', '[') and json_valid("_raw_{column.name}"))) is not false)""",
            f"`{column.name}` is one value, not an object or a list.",
        )
        for column in mapping.entity.stored_columns
        if column.required and column.kind is Kind.TEXT and column.name in mapping.fields
    )
