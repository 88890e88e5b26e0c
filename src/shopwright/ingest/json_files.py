"""Reading JSON: one object a line, which the engine streams, or one array, which goes through ``typed_rows``."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from shopwright.contracts import Rule
from shopwright.core.engine import EngineError
from shopwright.core.sql import quote_list, quote_name, quote_text
from shopwright.ingest.adapters.mapping import NumberSigns
from shopwright.ingest.expressions import DOCUMENT, RECORD_NUMBER
from shopwright.ingest.number_signs import detect_replayed_signs, purely_numeric_columns, read_text_number
from shopwright.ingest.projection import Projection, compile_projection
from shopwright.ingest.read_job import (
    MIN_OBJECT_BYTES,
    BadRecord,
    ReadJob,
    ReadResult,
    RecordStream,
    scalar_rules,
    stage,
    staged_result,
    staged_source,
)
from shopwright.ingest.records import BOM, fetch_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def read_json(job: ReadJob) -> ReadResult:
    """Read JSON lines or an array."""
    job = replace(job, mapping=replace(job.mapping, numbers=detect_replayed_signs(job)))
    job.check_expressions({DOCUMENT: "json", **dict.fromkeys(job.columns, "varchar")})
    projection = json_projection(job.mapping, latest=job.latest)
    is_streamed = (
        job.is_streamable and not job.facts.has_odd_blanks and not _begins_with_bom(job) and not job.is_array
    )
    return _stream_json(job, projection) if is_streamed else _read_json_by_record(job, projection)


def json_projection(mapping: Mapping, *, latest: str) -> Projection:
    """Compile a mapping over the documents that ``extracted`` returns.

    Args:
        mapping: which keys become which columns.
        latest: timestamp literal (UTC) beyond which a row's time is in the future.
    """
    positions = {name: position for position, name in enumerate(mapping.source_columns, start=1)}
    signs = mapping.numbers
    texts = set(purely_numeric_columns(mapping)) if signs != NumberSigns() else set()

    def reference(name: str) -> str:
        text = f"extracted[{positions[name]}]"
        if name not in texts:
            return text
        # a number that is none of text has no signs of a country
        is_text = f"json_type(doc, {quote_text(json_path(name))}) = 'VARCHAR'"
        return f"(case when {is_text} then {read_text_number(text, signs)} else {text} end)"

    return compile_projection(
        replace(mapping, numbers=NumberSigns()),
        reference,
        latest=latest,
        properties=_json_properties(mapping),
        structural=(*JSON_RULES, *scalar_rules(mapping)),
    )


def extracted(mapping: Mapping, source: str) -> str:
    """Return SQL of documents, a column ``doc``, with the values that a mapping names, a list ``extracted``."""
    # all values of a document at once: one call for each would parse the document as often
    paths = quote_list([json_path(name) for name in mapping.source_columns])
    return f"(select *, json_extract_string(doc, {paths}) as extracted from {source})"


def json_path(name: str) -> str:
    """Return the JSON path of a column; a dot goes one level down."""
    return "$" + "".join(f'."{part}"' for part in name.replace('"', "").split("."))


def _json_properties(mapping: Mapping) -> str:
    """Return SQL of one object of all keys, of the record and of its ``properties``, that the mapping does not name."""
    top = {name.split(".")[0]: None for name in mapping.source_columns if "." not in name}
    inner = {
        name.removeprefix("properties."): None
        for name in mapping.source_columns
        if name.startswith("properties.")
    }
    outer = f"json_merge_patch(doc, {quote_text(json.dumps({**top, 'properties': None}))})"
    nested = f"json_merge_patch(doc->'properties', {quote_text(json.dumps(inner))})"
    kind = "json_type(doc->'properties')"
    unmerged = (
        f"json_merge_patch(doc, {quote_text(json.dumps(top))})"  # keeps properties that are not an object
    )
    merged = (
        f"case when {kind} = 'OBJECT' then json_merge_patch({outer}, {nested}) "
        f"when coalesce({kind}, 'NULL') = 'NULL' then {outer} else {unmerged} end"
    )
    return f"case when json_type(doc) = 'OBJECT' then nullif(({merged})::varchar, '{{}}') end"


def _stream_json(job: ReadJob, projection: Projection) -> ReadResult:
    documents = _documents(job)
    stream = RecordStream(
        records=job.facts.lines,
        select=job.stream_sql(projection, extracted(job.mapping, documents), extra=", doc"),
        fetch_rejected=list,
    )
    return ReadResult(
        projection=projection,
        rejected=[],
        line_numbers=lambda rows, _: [row + 1 for row in rows],
        fetch_raw=lambda lines: fetch_lines(job.plain, lines),
        new_columns=_new_keys(job, documents),
        stream=stream,
    )


def _documents(job: ReadJob) -> str:
    size = max(2 * job.max_record_bytes, MIN_OBJECT_BYTES)
    return (
        f"(select json as doc from read_ndjson_objects({quote_text(str(job.plain))}, ignore_errors = true, "
        f"maximum_object_size = {size}))"
    )


def _read_json_by_record(job: ReadJob, projection: Projection) -> ReadResult:
    rejected: list[BadRecord] = []
    staged = stage(job, job.records(), rejected, lambda record: record.text)
    documents = (
        f"(select _line, _line as {RECORD_NUMBER}, case when json_valid(text) then text::json end as doc "
        f"from {staged_source(job, staged, 'text', 'VARCHAR')})"
    )
    if job.columns:
        documents = f"(select *, {_named(job.columns)} from {documents})"
    job.create_table(projection, extracted(job.mapping, documents), extra=", doc, _line")
    result = staged_result(job, projection, rejected)
    result.new_columns = _new_keys(job, documents)
    return result


def _named(columns: Sequence[str]) -> str:
    """Return SQL of the columns that rows of Parquet had, which are kept as JSON objects in the quarantine."""
    texts = {name: f"json_extract_string(doc, {quote_list([_key_path(name)])})[1]" for name in columns}
    return ", ".join(f"{text} as {quote_name(name)}" for name, text in texts.items())


def _key_path(name: str) -> str:
    return '$."' + name.replace('"', '\\"') + '"'


def _begins_with_bom(job: ReadJob) -> bool:
    with job.plain.open("rb") as file:
        return file.read(len(BOM)) == BOM


def _new_keys(job: ReadJob, documents: str) -> list[str]:
    """Return the keys of the first ten thousand records that the mapping does not name."""
    mapped = {name.split(".")[0] for name in job.mapping.source_columns} | {"properties"}
    try:
        keys = job.connection.execute(
            "select distinct unnest(json_keys(doc)) from "
            f"(select doc from {documents} limit 10000) where json_type(doc) = 'OBJECT'"
        ).fetchall()
    except EngineError:
        return []  # reading the records will fail in the same way, and report it
    return sorted(name for (name,) in keys if name not in mapped)
