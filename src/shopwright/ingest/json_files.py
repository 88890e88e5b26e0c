"""Reading JSON: one object a line, which the engine streams, or one array, which goes through ``landing``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import duckdb

from shopwright.contracts import Rule
from shopwright.core.sql import quote_list, quote_text
from shopwright.ingest.jobs import (
    BadRecord,
    Job,
    Loaded,
    Stream,
    loaded_from_staging,
    scalar_rules,
    stage,
    staged_source,
)
from shopwright.ingest.projection import Projection, compile_projection
from shopwright.ingest.records import BOM, fetch_lines

if TYPE_CHECKING:
    from shopwright.ingest.adapters.mapping import Mapping

JSON_RULES = (
    Rule("not_json", "doc is not null", "The record is JSON."),
    Rule("not_an_object", "(doc is null or json_type(doc) = 'OBJECT')", "The record is a JSON object."),
    Rule(
        "nul_character",
        "(doc is null or not contains(doc::varchar, '\\u0000'))",
        "No text holds the character NUL.",
    ),
)


def read_json(job: Job) -> Loaded:
    """Read JSON lines or an array."""
    projection = json_projection(job.mapping, latest=job.latest)
    is_streamed = (
        job.streams and not job.facts.has_odd_blanks and not _begins_with_mark(job) and not job.is_array
    )
    return _stream_json(job, projection) if is_streamed else _read_json_slowly(job, projection)


def json_projection(mapping: Mapping, *, latest: str) -> Projection:
    """Compile a mapping over the documents that ``extracted`` gives.

    Args:
        latest: timestamp literal (UTC) beyond which a row's time is in the future.
    """
    paths = {name: place for place, name in enumerate(mapping.source_columns, start=1)}
    return compile_projection(
        mapping,
        lambda name: f"found[{paths[name]}]",
        latest=latest,
        properties=_json_properties(mapping),
        structural=(*JSON_RULES, *scalar_rules(mapping)),
    )


def extracted(mapping: Mapping, source: str) -> str:
    """SQL of documents, a column ``doc``, with the values that a mapping names."""
    paths = quote_list([json_path(name) for name in mapping.source_columns])
    return f"(select *, json_extract_string(doc, {paths}) as found from {source})"


def json_path(name: str) -> str:
    """JSON path of a column; a dot goes one level down."""
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
    kind = "json_type(doc->'properties')"
    whole = f"json_merge_patch(doc, {quote_text(json.dumps(top))})"  # keeps properties that are no object
    merged = (
        f"case when {kind} = 'OBJECT' then json_merge_patch({rest}, {nested}) "
        f"when coalesce({kind}, 'NULL') = 'NULL' then {rest} else {whole} end"
    )
    return f"case when json_type(doc) = 'OBJECT' then nullif(({merged})::varchar, '{{}}') end"


def _stream_json(job: Job, projection: Projection) -> Loaded:
    documents = _documents(job)
    stream = Stream(
        records=job.facts.lines,
        select=job.select(projection, extracted(job.mapping, documents), extra=", doc"),
        rejections=list,
    )
    return Loaded(
        projection=projection,
        rejected=[],
        lines_of=lambda rows, _: [row + 1 for row in rows],
        raw_of=lambda lines: fetch_lines(job.plain, lines),
        new_columns=_new_keys(job, documents),
        stream=stream,
    )


def _documents(job: Job) -> str:
    size = max(2 * job.max_record_bytes, 16_777_216)
    return (
        f"(select json as doc from read_ndjson_objects({quote_text(str(job.plain))}, ignore_errors = true, "
        f"maximum_object_size = {size}))"
    )


def _read_json_slowly(job: Job, projection: Projection) -> Loaded:
    rejected: list[BadRecord] = []
    staged = stage(job, job.records(), rejected, lambda record: record.text)
    documents = (
        f"(select _line, case when json_valid(text) then text::json end as doc "
        f"from {staged_source(job, staged, 'text', 'VARCHAR')})"
    )
    job.create(projection, extracted(job.mapping, documents), extra=", doc, _line")
    loaded = loaded_from_staging(job, projection, rejected)
    loaded.new_columns = _new_keys(job, documents)
    return loaded


def _begins_with_mark(job: Job) -> bool:
    with job.plain.open("rb") as opened:
        return opened.read(len(BOM)) == BOM


def _new_keys(job: Job, documents: str) -> list[str]:
    """Keys of the first ten thousand records that the mapping does not name."""
    known = {name.split(".")[0] for name in job.mapping.source_columns} | {"properties"}
    try:
        found = job.connection.execute(
            "select distinct unnest(json_keys(doc)) from "
            f"(select doc from {documents} limit 10000) where json_type(doc) = 'OBJECT'"
        ).fetchall()
    except duckdb.Error:
        return []  # the reading itself meets the same, and tells
    return sorted(name for (name,) in found if name not in known)
