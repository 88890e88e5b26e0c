"""Reading one plain file into the table ``landing``: typed columns, and for each row the rules it breaks.

A delimited or line-wise file is read by the engine when each of its lines is one record; the number of records is
then checked against the lines counted in the bytes. Where that does not hold, records are split one by one
(``records``) and handed to the engine in a form that cannot be misread.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np

from shopwright.contracts import Rule
from shopwright.core.errors import SourceFileError, near_match
from shopwright.core.sql import quote_list, quote_name, quote_text
from shopwright.ingest.adapters.mapping import FileKind, Mapping
from shopwright.ingest.projection import Projection, Reference, compile_projection
from shopwright.ingest.records import Record, fetch_lines, read_array, read_lines, read_records, split_fields
from shopwright.ingest.scan import TextFacts

REJECTION_RULES = {
    "MISSING COLUMNS": "too_few_fields",
    "TOO MANY COLUMNS": "too_many_fields",
    "INVALID ENCODING": "invalid_utf8",
    "LINE SIZE OVER MAXIMUM": "record_too_long",
}
"""The engine's words for broken records, and ours."""

JSON_RULES = (
    Rule("not_json", "doc is not null", "The record is JSON."),
    Rule("not_an_object", "(doc is null or json_type(doc) = 'OBJECT')", "The record is a JSON object."),
    Rule(
        "nul_character",
        "(doc is null or not contains(doc::varchar, '\\u0000'))",
        "No text holds the character NUL.",
    ),
)


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that never became a row."""

    line: int
    raw: bytes
    rules: tuple[str, ...]


@dataclass(slots=True)
class Loaded:
    """What reading a file gave, besides the table ``landing``."""

    projection: Projection
    rejected: list[BadRecord]
    lines_of: Callable[[list[int]], list[int]]
    """Row ids of ``landing`` to line numbers of the file."""
    raw_of: Callable[[list[int]], dict[int, bytes]]
    """Line numbers to the text that stands there."""
    columns: list[str] = field(default_factory=list)
    """Columns of a delimited file, in order."""
    new_columns: list[str] = field(default_factory=list)
    """Columns that no mapping names."""


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

    def create(self, projection: Projection, source: str, *, extra: str = "") -> None:
        """Make the table ``landing`` from SQL that has the file's columns."""
        self.connection.execute("drop table if exists landing")
        self.connection.execute(f"create temp table landing as {_select(projection, source, extra)}")

    def create_in_order(self, projection: Projection, source: str, *, extra: str = "") -> bool:
        """Make ``landing`` with its rows in the order of the file, so that a row's id tells its line.

        Returns:
            False where the engine would not keep the order, as when a mapping's SQL needs a join.
        """
        plan = self.connection.execute(f"explain {_select(projection, source, extra)}").fetchall()
        if any(word in text for _, text in plan for word in ("JOIN", "AGGREGATE", "UNION", "WINDOW")):
            return False
        self.create(projection, source, extra=extra)
        return True


def _select(projection: Projection, source: str, extra: str) -> str:
    return (
        f"select {projection.select_typed}{extra} from (select {projection.select_text}{extra} from {source})"
    )


def read_file(job: Job) -> Loaded:
    """Read a file into ``landing``.

    Raises:
        SourceFileError: the file as a whole is not what its mapping says.
    """
    match job.mapping.kind:
        case FileKind.CSV:
            return _read_csv(job)
        case FileKind.JSON:
            return _read_json(job)
        case FileKind.PARQUET:
            return _read_parquet(job)


# --- delimited text ---------------------------------------------------------------------------------------


def _read_csv(job: Job) -> Loaded:
    columns = _header(job)
    _check_columns(job, columns)
    unnamed = [name for name in columns if name not in job.mapping.source_columns]
    uses_all = any(item.sql for item in job.mapping.fields.values())
    loaded = _read_csv_fast(job, columns, unnamed) or _read_csv_slowly(job, columns, unnamed)
    loaded.columns = columns
    loaded.new_columns = [] if uses_all else unnamed
    return loaded


def _header(job: Job) -> list[str]:
    if job.columns:
        return list(job.columns)
    if not job.mapping.csv.header:
        return list(job.mapping.csv.columns)
    first = next(read_lines(job.plain), (1, b""))[1]
    text = first.decode("utf-8", "replace")
    names = split_fields(text, job.mapping.csv.delimiter)
    if names is None or "\0" in text:
        raise SourceFileError(job.label, "its first line cannot be read as column names")
    return [name.strip() for name in names]


def _check_columns(job: Job, columns: list[str]) -> None:
    twice = [name for name, times in Counter(columns).items() if times > 1]
    if twice:
        raise SourceFileError(job.label, f"column '{twice[0]}' stands twice in the header")
    for name in job.mapping.required_columns:
        if name not in columns:
            given = ", ".join(columns[:12])
            raise SourceFileError(
                job.label, f"column '{name}' is missing{near_match(name, columns)} (the file has: {given})"
            )


def _properties(unnamed: list[str], reference: Reference) -> str | None:
    if not unnamed:
        return None
    pairs = ", ".join(f"{quote_text(name)}, nullif({reference(name)}, '')" for name in unnamed)
    return f"nullif(json_merge_patch('{{}}', json_object({pairs}))::varchar, '{{}}')"


def _read_csv_fast(job: Job, columns: list[str], unnamed: list[str]) -> Loaded | None:
    """Read with the engine; None where the result cannot be proven to hold every record once."""
    if not job.facts.is_simple:
        return None
    has_header = job.mapping.csv.header and not job.columns
    projection = compile_projection(
        job.mapping, quote_name, latest=job.latest, properties=_properties(unnamed, quote_name)
    )
    job.connection.execute("drop table if exists reject_errors; drop table if exists reject_scans")
    try:
        if not job.create_in_order(projection, _csv_source(job, columns, header=has_header)):
            return None
    except duckdb.InvalidInputException:
        return None
    rejected = _rejections(job)
    rows = _count_rows(job.connection)
    if rows + len(rejected) != job.facts.lines - has_header or (rejected and job.facts.has_quotes):
        return None
    if any(record is None for record in rejected):
        return None
    bad = [record for record in rejected if record is not None]
    offsets = np.array(sorted(record.line for record in bad), dtype=np.int64)
    return Loaded(
        projection=projection,
        rejected=bad,
        lines_of=lambda rows: _skip_rejected(rows, offsets, first_line=1 + has_header),
        raw_of=lambda lines: fetch_lines(job.plain, lines),
    )


def _csv_source(job: Job, columns: list[str], *, header: bool) -> str:
    quote = '"' if job.facts.has_quotes else ""
    types = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in columns)
    return (
        f"read_csv({quote_text(str(job.plain))}, auto_detect = false, header = {str(header).lower()}, "
        f"delim = {quote_text(job.mapping.csv.delimiter)}, quote = '{quote}', escape = '{quote}', "
        f"columns = {{{types}}}, store_rejects = true, rejects_limit = 0)"
    )


def _rejections(job: Job) -> list[BadRecord | None]:
    """Records the engine refused, by line; None for one whose reason we have no rule for."""
    found = job.connection.execute(
        "select line, list(distinct error_type::varchar order by error_type::varchar) "
        "from reject_errors group by line order by line"
    ).fetchall()
    raw = fetch_lines(job.plain, [line for line, _ in found])
    known = [
        (line, tuple(REJECTION_RULES[kind] for kind in kinds if kind in REJECTION_RULES))
        for line, kinds in found
    ]
    return [BadRecord(line, raw[line], rules) if rules and line in raw else None for line, rules in known]


def _skip_rejected(rows: list[int], rejected: np.ndarray, *, first_line: int) -> list[int]:
    """Lines of the rows that were read, given the lines that were not."""
    free = rejected - first_line - np.arange(len(rejected))  # rows read before each rejected line
    before = np.searchsorted(free, np.array(rows, dtype=np.int64), side="right")
    return [int(row + skipped + first_line) for row, skipped in zip(rows, before, strict=True)]


def _read_csv_slowly(job: Job, columns: list[str], unnamed: list[str]) -> Loaded:
    places = {name: place for place, name in enumerate(columns, start=1)}

    def reference(name: str) -> str:
        return f"fields[{places[name]}]"

    projection = compile_projection(
        job.mapping, reference, latest=job.latest, properties=_properties(unnamed, reference)
    )
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

    records = read_records(job.plain, quoted=True, max_bytes=job.max_record_bytes)
    if skips_header:
        next(records, None)
    staged = _stage(job, records, rejected, parse)
    source = _staged_source(staged, "fields", "VARCHAR[]")
    if any(item.sql for item in job.mapping.fields.values()):
        named = ", ".join(f"fields[{place}] as {quote_name(name)}" for name, place in places.items())
        source = f"(select *, {named} from {source})"
    job.create(projection, source, extra=", _line")
    return _loaded_from_staging(job, projection, rejected)


# --- JSON -------------------------------------------------------------------------------------------------


def _read_json(job: Job) -> Loaded:
    paths = {name: place for place, name in enumerate(job.mapping.source_columns, start=1)}
    projection = compile_projection(
        job.mapping,
        lambda name: f"found[{paths[name]}]",
        latest=job.latest,
        properties=_json_properties(job.mapping),
        structural=JSON_RULES,
    )
    loaded = _read_json_lines(job, projection) or _read_json_slowly(job, projection)
    loaded.new_columns = _new_keys(job)
    return loaded


def _extracted(job: Job, source: str) -> str:
    paths = quote_list([_json_path(name) for name in job.mapping.source_columns])
    return f"(select *, json_extract_string(doc, {paths}) as found from {source})"


def _json_path(name: str) -> str:
    return "$" + "".join(f'."{part}"' for part in name.replace('"', "").split("."))


def _json_properties(mapping: Mapping) -> str:
    """What the mapping does not name: keys of the record and of its ``properties``, as one object."""
    top = {name.split(".")[0]: None for name in mapping.source_columns if "." not in name}
    inner = {
        name.removeprefix("properties."): None
        for name in mapping.source_columns
        if name.startswith("properties.")
    }
    rest = f"json_merge_patch(doc, {quote_text(json.dumps({**top, 'properties': None}))})"
    nested = f"json_merge_patch(doc->'properties', {quote_text(json.dumps(inner))})"
    has_nested = "json_type(doc->'properties') = 'OBJECT'"
    merged = f"case when {has_nested} then json_merge_patch({rest}, {nested}) else {rest} end"
    return f"case when json_type(doc) = 'OBJECT' then nullif(({merged})::varchar, '{{}}') end"


def _read_json_lines(job: Job, projection: Projection) -> Loaded | None:
    """Read JSON lines with the engine; None where a line may not be a record of its own."""
    if not job.facts.is_simple or _is_array(job.plain):
        return None
    size = max(2 * job.max_record_bytes, 16_777_216)
    source = (
        f"(select json as doc from read_ndjson_objects({quote_text(str(job.plain))}, ignore_errors = true, "
        f"maximum_object_size = {size}))"
    )
    try:
        if not job.create_in_order(projection, _extracted(job, source), extra=", doc"):
            return None
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return None
    if _count_rows(job.connection) != job.facts.lines:
        return None
    return Loaded(
        projection=projection,
        rejected=[],
        lines_of=lambda rows: [row + 1 for row in rows],
        raw_of=lambda lines: fetch_lines(job.plain, lines),
    )


def _read_json_slowly(job: Job, projection: Projection) -> Loaded:
    rejected: list[BadRecord] = []
    records = (
        read_array(job.plain)
        if _is_array(job.plain)
        else read_records(job.plain, quoted=False, max_bytes=job.max_record_bytes)
    )
    staged = _stage(job, records, rejected, lambda record: record.text)
    documents = (
        f"(select _line, case when json_valid(text) then text::json end as doc "
        f"from {_staged_source(staged, 'text', 'VARCHAR')})"
    )
    job.create(projection, _extracted(job, documents), extra=", doc, _line")
    return _loaded_from_staging(job, projection, rejected)


def _is_array(plain: Path) -> bool:
    with plain.open("rb") as opened:
        return opened.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")


def _new_keys(job: Job) -> list[str]:
    """Keys of the first ten thousand records that the mapping does not name."""
    known = {name.split(".")[0] for name in job.mapping.source_columns} | {"properties"}
    found = job.connection.execute(
        "select distinct unnest(json_keys(doc)) from (select doc from landing where json_type(doc) = 'OBJECT' "
        "limit 10000)"
    ).fetchall()
    return sorted(name for (name,) in found if name not in known)


# --- Parquet ----------------------------------------------------------------------------------------------


def _read_parquet(job: Job) -> Loaded:
    source = f"read_parquet({quote_text(str(job.plain))}, file_row_number = true)"
    try:
        types = {
            str(row[0]): str(row[1])
            for row in job.connection.execute(f"describe select * from {source}").fetchall()
        }
        types.pop("file_row_number")
        _check_columns(job, list(types))
        unnamed = [name for name in types if name not in job.mapping.source_columns and name != "properties"]
        projection = compile_projection(
            job.mapping,
            lambda name: _parquet_text(name, types),
            latest=job.latest,
            properties=_parquet_properties(job.mapping, unnamed, types),
        )
        texts = ", ".join(f"{quote_name(name)}::varchar as {quote_name(name)}" for name in types)
        by_sql = any(item.sql for item in job.mapping.fields.values())
        read = f"(select file_row_number, {texts} from {source})" if by_sql else source
        job.create(projection, read, extra=", file_row_number + 1 as _line")
    except duckdb.Error as error:
        raise SourceFileError(job.label, f"is no readable Parquet file ({str(error).splitlines()[0]})") from None

    def raw_of(lines: list[int]) -> dict[int, bytes]:
        wanted = ", ".join(str(line - 1) for line in lines)
        found = job.connection.execute(
            f"select file_row_number, to_json(row) from (select file_row_number, "
            f"{{{', '.join(f'{quote_text(name)}: {quote_name(name)}' for name in types)}}} as row "
            f"from {source} where file_row_number in ({wanted}))"
        ).fetchall()
        return {number + 1: text.encode() for number, text in found}

    return Loaded(
        projection=projection,
        rejected=[],
        lines_of=lambda rows: _lines_of_rows(job, rows),
        raw_of=raw_of,
        new_columns=unnamed,
    )


def _parquet_text(name: str, types: dict[str, str]) -> str:
    if name in types:
        return f"{quote_name(name)}::varchar"
    head, _, rest = name.partition(".")
    if rest and types.get(head) in ("VARCHAR", "JSON"):
        return f"json_extract_string({quote_name(head)}, {quote_text(_json_path(rest))})"
    if rest and types.get(head, "").startswith("STRUCT"):
        return f"json_extract_string(to_json({quote_name(head)}), {quote_text(_json_path(rest))})"
    return "null::varchar"


def _parquet_properties(mapping: Mapping, unnamed: list[str], types: dict[str, str]) -> str | None:
    patch = {
        name.removeprefix("properties."): None
        for name in mapping.source_columns
        if name.startswith("properties.")
    }
    parts = []
    if unnamed:
        parts.append(f"json_object({', '.join(f'{quote_text(n)}, {quote_name(n)}' for n in unnamed)})")
    if "properties" in types:
        nested = "properties::json" if types["properties"] in ("VARCHAR", "JSON") else "to_json(properties)"
        parts.append(f"json_merge_patch(coalesce({nested}, '{{}}'), {quote_text(json.dumps(patch))})")
    if not parts:
        return None
    merged = parts[0] if len(parts) == 1 else f"json_merge_patch({', '.join(parts)})"
    return f"nullif(json_merge_patch('{{}}', {merged})::varchar, '{{}}')"


# --- records split one by one -----------------------------------------------------------------------------


def _stage(
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


def _staged_source(staged: Path, key: str, sql_type: str) -> str:
    return (
        f"(select line as _line, {key} from read_json({quote_text(str(staged))}, "
        f"format = 'newline_delimited', columns = {{line: 'BIGINT', {key}: '{sql_type}'}}, "
        f"maximum_object_size = 268435456))"
    )


def _loaded_from_staging(job: Job, projection: Projection, rejected: list[BadRecord]) -> Loaded:
    return Loaded(
        projection=projection,
        rejected=rejected,
        lines_of=lambda rows: _lines_of_rows(job, rows),
        raw_of=lambda lines: _fetch_records(job, set(lines)),
    )


def _lines_of_rows(job: Job, rows: list[int]) -> list[int]:
    wanted = ", ".join(map(str, rows))
    found = job.connection.execute(f"select rowid, _line from landing where rowid in ({wanted})").fetchall()
    lines = dict(found)
    return [lines[row] for row in rows]


def _fetch_records(job: Job, wanted: set[int]) -> dict[int, bytes]:
    return {record.line: record.raw for record in _records_again(job) if record.line in wanted}


def _records_again(job: Job) -> Iterator[Record]:
    if job.mapping.kind is FileKind.JSON and _is_array(job.plain):
        return read_array(job.plain)
    return read_records(job.plain, quoted=job.mapping.kind is FileKind.CSV, max_bytes=job.max_record_bytes)


def _count_rows(connection: duckdb.DuckDBPyConnection) -> int:
    fetched = connection.execute("select count(*) from landing").fetchone()
    return int(fetched[0]) if fetched else 0
