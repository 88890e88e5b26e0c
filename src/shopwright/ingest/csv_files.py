"""Reading delimited text.

A file in which each line is one record is streamed by the engine; the number of records is then checked against the
lines counted in the bytes. Where they differ, and where the bytes forbid it from the start, records are split one by
one (``records``) and handed to the engine, in a form that cannot be misread, as the table ``landing``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from shopwright.core.errors import SourceFileError, near_match
from shopwright.core.sql import quote_name, quote_text
from shopwright.ingest.jobs import (
    BadRecord,
    Job,
    Loaded,
    Stream,
    UnreliableReadError,
    loaded_from_staging,
    stage,
    staged_source,
)
from shopwright.ingest.projection import Projection, Reference, compile_projection
from shopwright.ingest.records import Record, fetch_lines, read_lines, split_fields

REJECTION_RULES = {
    "MISSING COLUMNS": "too_few_fields",
    "TOO MANY COLUMNS": "too_many_fields",
    "INVALID ENCODING": "invalid_utf8",
    "LINE SIZE OVER MAXIMUM": "record_too_long",
}
"""The engine's words for broken records, and ours."""


def read_csv(job: Job) -> Loaded:
    """Read a delimited file."""
    columns = _header(job)
    check_columns(job, columns)
    job = replace(job, mapping=job.mapping.fitted(columns))
    unnamed = [name for name in columns if name not in job.mapping.source_columns]
    uses_all = any(item.sql and not item.columns for item in job.mapping.fields.values())
    read = _stream_csv if job.streams else _read_csv_slowly
    loaded = read(job, columns, unnamed)
    loaded.columns = columns
    loaded.new_columns = [] if uses_all else unnamed
    return loaded


def _header(job: Job) -> list[str]:
    if job.columns:
        return list(job.columns)
    if not job.mapping.csv.header:
        return list(job.mapping.csv.columns)
    first = next((line.raw for line in read_lines(job.plain) if line.raw), b"")
    text = first.decode("utf-8", "replace")
    names = split_fields(text, job.mapping.csv.delimiter)
    if names is None or "\0" in text:
        raise SourceFileError(job.label, "its first line cannot be read as column names")
    given = [name.strip() or f"column_{place}" for place, name in enumerate(names, start=1)]
    return [job.mapping.csv.synonyms.get(name, name) for name in given]


def check_columns(job: Job, columns: list[str]) -> None:
    """See that no column stands twice, in whatever case, and none that the mapping needs is missing.

    Raises:
        SourceFileError: one does, or is.
    """
    times = Counter(name.lower() for name in columns)
    twice = [name for name in columns if times[name.lower()] > 1]
    if twice:
        raise SourceFileError(job.label, f"column '{twice[0]}' stands twice in the header")
    for name in job.mapping.required_columns:
        if name not in columns:
            given = ", ".join(columns[:12])
            raise SourceFileError(
                job.label, f"column '{name}' is missing{near_match(name, columns)} (the file has: {given})"
            )


def _compile(job: Job, unnamed: list[str], reference: Reference) -> Projection:
    """Compile the job's mapping; columns that it does not name join the JSON object that the file states, if any."""
    mapping, properties = job.mapping, None
    stated = mapping.fields.get("properties")
    if unnamed and stated and len(stated.columns) == 1 and not stated.sql:
        rest = {name: field for name, field in mapping.fields.items() if name != "properties"}
        mapping = replace(mapping, fields=rest)
        properties = _joined(stated.columns[0], unnamed, reference)
    elif unnamed:
        properties = _object(unnamed, reference)
    return compile_projection(mapping, reference, latest=job.latest, properties=properties)


def _object(names: list[str], reference: Reference, into: str = "'{}'") -> str:
    """SQL of a JSON object of the columns that have a value, as text; null where none has."""
    pairs = ", ".join(f"{quote_text(name)}, {reference(name)}" for name in names)
    return f"nullif(json_merge_patch({into}, json_object({pairs}))::varchar, '{{}}')"


def _joined(name: str, unnamed: list[str], reference: Reference) -> str:
    """SQL of the object in a column with other columns added; what is no object there is kept under its name."""
    whole = reference(name)
    is_object = f"case when starts_with(ltrim({whole}), '{{') then json_valid({whole}) end"
    return (
        f"case when {is_object} then {_object(unnamed, reference, whole)} "
        f"else {_object([*unnamed, name], reference)} end"
    )


def _stream_csv(job: Job, columns: list[str], unnamed: list[str]) -> Loaded:
    has_header = job.mapping.csv.header and not job.columns
    projection = _compile(job, unnamed, quote_name)
    stream = Stream(
        records=job.facts.lines - has_header,
        select=job.select(projection, _csv_source(job, columns, header=has_header)),
        rejections=lambda: _rejections(job),
    )
    return Loaded(
        projection=projection,
        rejected=[],
        lines_of=lambda rows, rejected: _skip_rejected(rows, rejected, first_line=1 + has_header),
        raw_of=lambda lines: fetch_lines(job.plain, lines),
        stream=stream,
    )


def _csv_source(job: Job, columns: list[str], *, header: bool) -> str:
    quote = '"' if job.facts.has_quotes else ""
    types = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in columns)
    marker = job.mapping.csv.null
    null = f", nullstr = {quote_text(marker)}, allow_quoted_nulls = false" if marker else ""
    return (
        f"read_csv({quote_text(str(job.plain))}, auto_detect = false, header = {str(header).lower()}, "
        f"delim = {quote_text(job.mapping.csv.delimiter)}, quote = '{quote}', escape = '{quote}', "
        f"columns = {{{types}}}{null}, store_rejects = true, rejects_limit = 0)"
    )


def _rejections(job: Job) -> list[BadRecord]:
    found = job.connection.execute(
        "select line, list(distinct error_type::varchar order by error_type::varchar) "
        "from reject_errors group by line order by line"
    ).fetchall()
    raw = fetch_lines(job.plain, [line for line, _ in found])
    for line, kinds in found:
        # with quotes about, one refusal may stand for several lines
        if job.facts.has_quotes or line not in raw or not REJECTION_RULES.keys() >= set(kinds):
            raise UnreliableReadError
    return [
        BadRecord(line, raw[line], tuple(REJECTION_RULES[kind] for kind in kinds)) for line, kinds in found
    ]


def _skip_rejected(rows: list[int], rejected: list[BadRecord], *, first_line: int) -> list[int]:
    """Lines of the rows that were read, given the records that were not."""
    lines = np.array(sorted(record.line for record in rejected), dtype=np.int64)
    free = lines - first_line - np.arange(len(lines))  # rows read before each rejected line
    before = np.searchsorted(free, np.array(rows, dtype=np.int64), side="right")
    return [int(row + skipped + first_line) for row, skipped in zip(rows, before, strict=True)]


def _read_csv_slowly(job: Job, columns: list[str], unnamed: list[str]) -> Loaded:
    places = {name: place for place, name in enumerate(columns, start=1)}
    null = quote_text(job.mapping.csv.null)

    def reference(name: str) -> str:
        return f"nullif(fields[{places[name]}], {null})"

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
        named = ", ".join(f"{reference(name)} as {quote_name(name)}" for name in places)
        source = f"(select *, {named} from {source})"
    job.create(projection, source, extra=", _line")
    return loaded_from_staging(job, projection, rejected)
