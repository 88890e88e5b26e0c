"""Reading Parquet into ``landing``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import duckdb

from shopwright.core.errors import SourceFileError
from shopwright.core.sql import quote_name, quote_text
from shopwright.ingest.csv_files import check_columns
from shopwright.ingest.jobs import Job, Loaded, lines_of_rows, scalar_rules
from shopwright.ingest.json_files import json_path
from shopwright.ingest.projection import Projection, compile_projection

if TYPE_CHECKING:
    from shopwright.ingest.adapters.mapping import Mapping

ROW_NUMBER = "file_row_number"
"""The engine's name for a row's number; a file that has a column of that name cannot be read."""

BROKEN = (duckdb.OperationalError, duckdb.DataError, duckdb.NotSupportedError, duckdb.InvalidInputException)


def read_parquet(job: Job) -> Loaded:
    """Read a Parquet file into ``landing``; a row's line is its number in the file."""
    try:
        types = _types(job)
        check_columns(job, list(types))
        unnamed = [name for name in types if name not in job.mapping.source_columns and name != "properties"]
        projection = _projection(job, types, unnamed)
        job.create(projection, _rows(job, types), extra=", _line")
    except BROKEN as error:
        raise SourceFileError(
            job.label, f"is no readable Parquet file ({str(error).splitlines()[0]})"
        ) from None
    return Loaded(
        projection=projection,
        rejected=[],
        lines_of=lambda rows, _: lines_of_rows(job, rows),
        raw_of=lambda lines: _raw(job, types, lines),
        new_columns=unnamed,
    )


def _source(job: Job, options: str = "") -> str:
    return f"read_parquet({quote_text(str(job.plain))}{options})"


def _types(job: Job) -> dict[str, str]:
    """Columns of the file with the engine's types."""
    found = job.connection.execute(f"describe select * from {_source(job)}").fetchall()
    types = {str(row[0]): str(row[1]) for row in found}
    if ROW_NUMBER in {name.lower() for name in types}:
        raise SourceFileError(job.label, f"has a column '{ROW_NUMBER}', a name the reader needs; rename it")
    return types


def _places(types: dict[str, str]) -> dict[str, str]:
    """Names under which columns are read, which no column of a file can clash with."""
    return {name: f"_column_{place}" for place, name in enumerate(types)}


def _rows(job: Job, types: dict[str, str]) -> str:
    columns = [f"{quote_name(name)} as {place}" for name, place in _places(types).items()]
    if any(item.sql for item in job.mapping.fields.values()):
        columns += [f"{quote_name(name)}::varchar as {quote_name(name)}" for name in types]
    source = _source(job, f", {ROW_NUMBER} = true")
    return f"(select {ROW_NUMBER} + 1 as _line, {', '.join(columns)} from {source})"


def _projection(job: Job, types: dict[str, str], unnamed: list[str]) -> Projection:
    return compile_projection(
        job.mapping,
        lambda name: _text(name, types),
        latest=job.latest,
        properties=_properties(job.mapping, unnamed, types),
        structural=scalar_rules(job.mapping),
    )


def _raw(job: Job, types: dict[str, str], lines: list[int]) -> dict[int, bytes]:
    """Rows as JSON objects."""
    wanted = ", ".join(str(line - 1) for line in lines)
    pairs = ", ".join(f"{quote_text(name)}: {quote_name(name)}" for name in types)
    found = job.connection.execute(
        f"select {ROW_NUMBER}, to_json({{{pairs}}}) from {_source(job, f', {ROW_NUMBER} = true')} "
        f"where {ROW_NUMBER} in ({wanted})"
    ).fetchall()
    return {number + 1: text.encode() for number, text in found}


def _text(name: str, types: dict[str, str]) -> str:
    places = _places(types)
    if name in types:
        is_nested = types[name].startswith(("STRUCT", "MAP")) or types[name].endswith("]")
        return f"to_json({places[name]})::varchar" if is_nested else f"{places[name]}::varchar"
    head, _, rest = name.partition(".")
    if rest and types.get(head) in ("VARCHAR", "JSON"):
        return f"json_extract_string(try_cast({places[head]} as json), {quote_text(json_path(rest))})"
    if rest and types.get(head, "").startswith(("STRUCT", "MAP")):
        return f"json_extract_string(to_json({places[head]}), {quote_text(json_path(rest))})"
    return "null::varchar"


def _properties(mapping: Mapping, unnamed: list[str], types: dict[str, str]) -> str | None:
    places = _places(types)
    parts = []
    if unnamed:
        pairs = ", ".join(f"{quote_text(name)}, {places[name]}" for name in unnamed)
        parts.append(f"json_object({pairs})")
    if "properties" in types:
        parts.append(_nested(mapping, places["properties"], types["properties"]))
    if not parts:
        return None
    merged = parts[0] if len(parts) == 1 else f"json_merge_patch({', '.join(parts)})"
    return f"nullif(json_merge_patch('{{}}', {merged})::varchar, '{{}}')"


def _nested(mapping: Mapping, place: str, sql_type: str) -> str:
    """The column ``properties`` without what the mapping names; kept whole where it is no object."""
    patch = {
        name.removeprefix("properties."): None
        for name in mapping.source_columns
        if name.startswith("properties.")
    }
    document = f"try_cast({place} as json)" if sql_type in ("VARCHAR", "JSON") else f"to_json({place})"
    return (
        f"case when json_type({document}) = 'OBJECT' "
        f"then json_merge_patch({document}, {quote_text(json.dumps(patch))}) "
        f"else json_object('properties', {place}) end"
    )
