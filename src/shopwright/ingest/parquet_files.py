"""Reading Parquet into ``typed_rows``."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from shopwright.core.errors import SourceFileError
from shopwright.core.sql import quote_name, quote_text
from shopwright.ingest.adapters.mapping import NumberSigns
from shopwright.ingest.csv_files import check_columns
from shopwright.ingest.expressions import RECORD_NUMBER
from shopwright.ingest.json_files import json_path
from shopwright.ingest.number_signs import detect_text_signs, purely_numeric_columns, read_text_number
from shopwright.ingest.projection import Projection, compile_projection
from shopwright.ingest.read_job import ReadJob, ReadResult, row_lines, scalar_rules

if TYPE_CHECKING:
    from shopwright.ingest.adapters.mapping import Mapping

ROW_NUMBER = "file_row_number"
"""The engine's name for a row's number; a file that has a column of that name cannot be read."""

MAX_ROWS_PER_BYTE = 2_000
ROWS_COUNT_FROM = 100_000_000
"""A file that claims more rows than this, and so many for each of its bytes, is no export: runs of one value cost nothing."""

BROKEN = (duckdb.OperationalError, duckdb.DataError, duckdb.NotSupportedError, duckdb.InvalidInputException)


def read_parquet(job: ReadJob) -> ReadResult:
    """Read a Parquet file into ``typed_rows``; a row's line number is its number in the file."""
    try:
        _check_rows(job)
        types = _types(job)
        check_columns(job, list(types))
        job.check_expressions(dict.fromkeys(types, "varchar"))
        job = replace(job, mapping=replace(job.mapping, numbers=_detect_signs(job, types)))
        unnamed = [name for name in types if name not in job.mapping.source_columns and name != "properties"]
        projection = _projection(job, types, unnamed)
        job.create_table(projection, _rows(job, types), extra=", _line")
    except BROKEN as error:
        raise SourceFileError(
            job.label, f"is not a readable Parquet file ({str(error).splitlines()[0]})"
        ) from None
    return ReadResult(
        projection=projection,
        rejected=[],
        line_numbers=lambda rows, _: row_lines(job, rows),
        fetch_raw=lambda lines: _raw(job, types, lines),
        new_columns=unnamed,
    )


def _check_rows(job: ReadJob) -> None:
    """Check that the rows which a file claims to have are no more than its size can hold."""
    fetched = job.connection.execute(
        f"select sum(num_rows) from parquet_file_metadata({quote_text(str(job.plain))})"
    ).fetchone()
    rows = int(fetched[0] or 0) if fetched else 0
    if rows > max(ROWS_COUNT_FROM, MAX_ROWS_PER_BYTE * job.plain.stat().st_size):
        raise SourceFileError(job.label, f"claims {rows:,} rows, more than a file of its size can hold")


def _source(job: ReadJob, options: str = "") -> str:
    return f"read_parquet({quote_text(str(job.plain))}{options})"


def _types(job: ReadJob) -> dict[str, str]:
    """Return the columns of the file with the engine's types."""
    rows = job.connection.execute(f"describe select * from {_source(job)}").fetchall()
    types = {str(row[0]): str(row[1]) for row in rows}
    if ROW_NUMBER in {name.lower() for name in types}:
        raise SourceFileError(
            job.label, f"has a column '{ROW_NUMBER}', which the reader needs for itself; rename it"
        )
    return types


def _text_numbers(job: ReadJob, types: dict[str, str]) -> list[str]:
    """Return the columns that hold texts and become numbers."""
    return [name for name in purely_numeric_columns(job.mapping) if types.get(name) == "VARCHAR"]


def _detect_signs(job: ReadJob, types: dict[str, str]) -> NumberSigns:
    return detect_text_signs(job, _text_numbers(job, types), _source(job))


def _aliases(types: dict[str, str]) -> dict[str, str]:
    """Return names under which columns are read, so that none clashes with another name in the query."""
    return {name: f"_column_{position}" for position, name in enumerate(types)}


def _rows(job: ReadJob, types: dict[str, str]) -> str:
    columns = [f"{quote_name(name)} as {alias}" for name, alias in _aliases(types).items()]
    if any(item.sql for item in job.mapping.fields.values()):
        columns += [f"{_value(quote_name(name), types[name])} as {quote_name(name)}" for name in types]
        if RECORD_NUMBER not in map(str.lower, types):
            columns.append(f"{ROW_NUMBER} + 1 as {RECORD_NUMBER}")
    source = _source(job, f", {ROW_NUMBER} = true")
    return f"(select {ROW_NUMBER} + 1 as _line, {', '.join(columns)} from {source})"


def _projection(job: ReadJob, types: dict[str, str], unnamed: list[str]) -> Projection:
    signs = job.mapping.numbers
    texts = set(_text_numbers(job, types)) if signs != NumberSigns() else set()
    return compile_projection(
        replace(job.mapping, numbers=NumberSigns()),
        lambda name: read_text_number(_text(name, types), signs) if name in texts else _text(name, types),
        latest=job.latest,
        properties=_properties(job.mapping, unnamed, types),
        structural=scalar_rules(job.mapping),
    )


def _raw(job: ReadJob, types: dict[str, str], lines: list[int]) -> dict[int, bytes]:
    """Return rows as JSON objects, by line number."""
    numbers = ", ".join(str(line - 1) for line in lines)
    pairs = ", ".join(f"{quote_text(name)}: {quote_name(name)}" for name in types)
    rows = job.connection.execute(
        f"select {ROW_NUMBER}, to_json({{{pairs}}}) from {_source(job, f', {ROW_NUMBER} = true')} "
        f"where {ROW_NUMBER} in ({numbers})"
    ).fetchall()
    return {number + 1: text.encode() for number, text in rows}


def _text(name: str, types: dict[str, str]) -> str:
    aliases = _aliases(types)
    if name in types:
        return _value(aliases[name], types[name])
    outer, _, inner = name.partition(".")
    if inner and types.get(outer) in ("VARCHAR", "JSON"):
        return f"json_extract_string(try_cast({aliases[outer]} as json), {quote_text(json_path(inner))})"
    if inner and types.get(outer, "").startswith(("STRUCT", "MAP")):
        return f"json_extract_string(to_json({aliases[outer]}), {quote_text(json_path(inner))})"
    return "null::varchar"


def _value(reference: str, sql_type: str) -> str:
    """Return SQL of a value as text; what is nested becomes JSON."""
    is_nested = sql_type.startswith(("STRUCT", "MAP")) or sql_type.endswith("]")
    return f"to_json({reference})::varchar" if is_nested else f"{reference}::varchar"


def _properties(mapping: Mapping, unnamed: list[str], types: dict[str, str]) -> str | None:
    aliases = _aliases(types)
    objects = []
    if unnamed:
        pairs = ", ".join(f"{quote_text(name)}, {aliases[name]}" for name in unnamed)
        objects.append(f"json_object({pairs})")
    if "properties" in types:
        objects.append(_nested(mapping, aliases["properties"], types["properties"]))
    if not objects:
        return None
    merged = objects[0] if len(objects) == 1 else f"json_merge_patch({', '.join(objects)})"
    return f"nullif(json_merge_patch('{{}}', {merged})::varchar, '{{}}')"


def _nested(mapping: Mapping, alias: str, sql_type: str) -> str:
    """Return SQL of the column ``properties`` without what the mapping names; kept as it is if not an object."""
    patch = {
        name.removeprefix("properties."): None
        for name in mapping.source_columns
        if name.startswith("properties.")
    }
    document = f"try_cast({alias} as json)" if sql_type in ("VARCHAR", "JSON") else f"to_json({alias})"
    return (
        f"case when json_type({document}) = 'OBJECT' "
        f"then json_merge_patch({document}, {quote_text(json.dumps(patch))}) "
        f"else json_object('properties', {alias}) end"
    )
