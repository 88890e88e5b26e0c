"""Reading delimited text.

A file in which each line is one record is streamed by the engine; the number of records is then compared with the
lines counted in the bytes. Where they differ, and where the bytes rule it out from the start, records are split one by
one (``records``) and handed to the engine in a form that cannot be misread, as the table ``typed_rows``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.errors import SourceFileError, near_match
from shopwright.core.sql import quote_name, quote_text
from shopwright.ingest.expressions import RECORD_NUMBER
from shopwright.ingest.file_guesses import guess_file
from shopwright.ingest.files import data_name
from shopwright.ingest.number_signs import detect_signs
from shopwright.ingest.projection import Projection, compile_projection
from shopwright.ingest.read_job import (
    BadRecord,
    ReadJob,
    ReadResult,
    RecordStream,
    UnreliableReadError,
    stage,
    staged_result,
    staged_source,
)
from shopwright.ingest.records import Record, fetch_lines, read_lines, split_fields

if TYPE_CHECKING:
    from shopwright.ingest.texts import Reference

REJECTION_RULES = {
    "MISSING COLUMNS": "too_few_fields",
    "TOO MANY COLUMNS": "too_many_fields",
    "INVALID ENCODING": "invalid_utf8",
    "LINE SIZE OVER MAXIMUM": "record_too_long",
}
"""The engine's names of malformed records, to our rules."""


def read_csv(job: ReadJob) -> ReadResult:
    """Read a delimited file."""
    columns = _header(job)
    check_columns(job, columns)
    job = replace(job, mapping=job.mapping.for_columns(columns))
    signs = detect_signs(job, columns, _csv_texts(job, columns))
    job = replace(job, mapping=replace(job.mapping, numbers=signs))
    job.check_expressions(dict.fromkeys(columns, "varchar"))
    unnamed = [name for name in columns if name not in job.mapping.source_columns]
    uses_all = any(item.sql and not item.columns for item in job.mapping.fields.values())
    read = _stream_csv if job.is_streamable else _read_csv_by_record
    result = read(job, columns, unnamed)
    result.columns = columns
    # an expression in SQL may read any column, so none of them is unexpected
    result.new_columns = [] if uses_all else unnamed
    return result


def _header(job: ReadJob) -> list[str]:
    if job.columns:
        return list(job.columns)
    if not job.mapping.csv.header:
        return list(job.mapping.csv.columns)
    first = next((line.raw for line in read_lines(job.plain) if line.raw), b"")
    text = first.decode("utf-8", "replace")
    names = split_fields(text, job.mapping.csv.delimiter)
    if names is None or "\0" in text:
        raise SourceFileError(job.label, "its first line cannot be read as column names")
    named = [name.strip() or f"column_{position}" for position, name in enumerate(names, start=1)]
    return [job.mapping.csv.synonyms.get(name, name) for name in named]


def check_columns(job: ReadJob, columns: list[str]) -> None:
    """Check that every column has a name of its own, ignoring case, and that all required ones are there.

    Raises:
        SourceFileError: a column is repeated or missing.
    """
    counts = Counter(name.lower() for name in columns)
    repeated = [name for name in columns if counts[name.lower()] > 1]
    if repeated:
        raise SourceFileError(job.label, f"column '{repeated[0]}' appears twice in the header")
    for name in job.mapping.required_columns:
        if name not in columns:
            listed = ", ".join(columns[:12])
            guess = guess_file(columns, data_name(job.label), delimiter=job.mapping.csv.delimiter)
            raise SourceFileError(
                job.label,
                f"column '{name}' is missing{near_match(name, columns)} (the file has: {listed}){guess}",
            )


def _compile(job: ReadJob, unnamed: list[str], reference: Reference) -> Projection:
    """Compile the job's mapping; columns that it does not name are added to the file's own ``properties``, if any."""
    mapping, properties = job.mapping, None
    field = mapping.fields.get("properties")
    if unnamed and field and len(field.columns) == 1 and not field.sql:
        remaining = {name: item for name, item in mapping.fields.items() if name != "properties"}
        mapping = replace(mapping, fields=remaining)
        properties = _merged(field.columns[0], unnamed, reference)
    elif unnamed:
        properties = _object(unnamed, reference)
    return compile_projection(mapping, reference, latest=job.latest, properties=properties)


def _object(names: list[str], reference: Reference, into: str = "'{}'") -> str:
    """Return SQL of a JSON object of the columns that have a value, as text; null where none has."""
    pairs = ", ".join(f"{quote_text(name)}, {reference(name)}" for name in names)
    return f"nullif(json_merge_patch({into}, json_object({pairs}))::varchar, '{{}}')"


def _merged(name: str, unnamed: list[str], reference: Reference) -> str:
    """Return SQL of the object in a column with other columns added; any other value there is kept under its name."""
    text = reference(name)
    is_object = f"case when starts_with(ltrim({text}), '{{') then json_valid({text}) end"
    return (
        f"case when {is_object} then {_object(unnamed, reference, text)} "
        f"else {_object([*unnamed, name], reference)} end"
    )


def _stream_csv(job: ReadJob, columns: list[str], unnamed: list[str]) -> ReadResult:
    has_header = job.mapping.csv.header and not job.columns
    projection = _compile(job, unnamed, quote_name)
    stream = RecordStream(
        records=job.facts.lines - has_header,
        select=job.stream_sql(projection, _csv_source(job, columns, header=has_header)),
        fetch_rejected=lambda: _fetch_rejected(job),
    )
    return ReadResult(
        projection=projection,
        rejected=[],
        line_numbers=lambda rows, rejected: _skip_rejected(rows, rejected, first_line=1 + has_header),
        fetch_raw=lambda lines: fetch_lines(job.plain, lines),
        stream=stream,
    )


def _csv_source(job: ReadJob, columns: list[str], *, header: bool) -> str:
    quote = '"' if job.facts.has_quotes else ""
    types = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in columns)
    marker = job.mapping.csv.null
    null = f", nullstr = {quote_text(marker)}, allow_quoted_nulls = false" if marker else ""
    return (
        f"read_csv({quote_text(str(job.plain))}, auto_detect = false, header = {str(header).lower()}, "
        f"delim = {quote_text(job.mapping.csv.delimiter)}, quote = '{quote}', escape = '{quote}', "
        f"columns = {{{types}}}{null}, store_rejects = true, rejects_limit = 0)"
    )


def _csv_texts(job: ReadJob, columns: list[str]) -> str:
    """Return SQL that reads a file's texts for a look at them; records that the engine cannot read are left out."""
    types = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in columns)
    has_header = job.mapping.csv.header and not job.columns
    return (
        f"read_csv({quote_text(str(job.plain))}, auto_detect = false, header = {str(has_header).lower()}, "
        f"delim = {quote_text(job.mapping.csv.delimiter)}, quote = '\"', escape = '\"', "
        f"columns = {{{types}}}, ignore_errors = true)"
    )


def _fetch_rejected(job: ReadJob) -> list[BadRecord]:
    errors = job.connection.execute(
        "select line, list(distinct error_type::varchar order by error_type::varchar) "
        "from reject_errors group by line order by line"
    ).fetchall()
    raw = fetch_lines(job.plain, [line for line, _ in errors])
    for line, kinds in errors:
        # where there are quotes, one rejection may stand for several lines
        if job.facts.has_quotes or line not in raw or not REJECTION_RULES.keys() >= set(kinds):
            raise UnreliableReadError
    return [
        BadRecord(line, raw[line], tuple(REJECTION_RULES[kind] for kind in kinds)) for line, kinds in errors
    ]


def _skip_rejected(rows: list[int], rejected: list[BadRecord], *, first_line: int) -> list[int]:
    """Return the line numbers of rows, given the rejected records, which have none."""
    lines = np.array(sorted(record.line for record in rejected), dtype=np.int64)
    rows_before = lines - first_line - np.arange(len(lines))  # rows read before each rejected line
    skipped = np.searchsorted(rows_before, np.array(rows, dtype=np.int64), side="right")
    return [int(row + count + first_line) for row, count in zip(rows, skipped, strict=True)]


def _read_csv_by_record(job: ReadJob, columns: list[str], unnamed: list[str]) -> ReadResult:
    positions = {name: position for position, name in enumerate(columns, start=1)}
    null = quote_text(job.mapping.csv.null)

    def reference(name: str) -> str:
        return f"nullif(fields[{positions[name]}], {null})"

    projection = _compile(job, unnamed, reference)
    skips_header = job.mapping.csv.header and not job.columns
    rejected: list[BadRecord] = []

    def parse(record: Record) -> list[str] | None:
        fields = split_fields(record.text or "", job.mapping.csv.delimiter)
        if fields is not None and len(fields) == len(columns):
            return fields
        rule = (
            "broken_quotes"
            if fields is None
            else "too_few_fields"
            if len(fields) < len(columns)
            else "too_many_fields"
        )
        rejected.append(BadRecord(record.line, record.raw, (rule,)))
        return None

    records = job.records()
    if skips_header:
        next(records, None)
    staged = stage(job, records, rejected, parse)
    source = staged_source(job, staged, "fields", "VARCHAR[]")
    if any(item.sql for item in job.mapping.fields.values()):
        named = ", ".join(f"{reference(name)} as {quote_name(name)}" for name in positions)
        number = "" if RECORD_NUMBER in map(str.lower, positions) else f", _line as {RECORD_NUMBER}"
        source = f"(select *, {named}{number} from {source})"
    job.create_table(projection, source, extra=", _line")
    return staged_result(job, projection, rejected)
