"""Writers of scored sessions, one for each format."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import date
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from shopwright.core.spreadsheets import FORMULA
from shopwright.service.bulk.media_types import BulkFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CONSTANT_COLUMNS = ("model", "model_version", "data_date")
"""Columns with one value for all rows; a JSON document states them once."""


@contextmanager
def open_writer(
    bulk_format: BulkFormat, file: IO[bytes], schema: pa.Schema, constants: Mapping[str, Any]
) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Yield a function that writes batches; the file is complete when the block has ended.

    Args:
        bulk_format: format of the file.
        file: where batches are written.
        schema: of all batches.
        constants: values of the columns that are the same in all rows.
    """
    if bulk_format is BulkFormat.CSV:
        with pacsv.CSVWriter(file, schema, write_options=pacsv.WriteOptions(quoting_style="needed")) as csv:
            yield lambda batch: csv.write_batch(escape_formulas(batch))
    elif bulk_format is BulkFormat.PARQUET:
        with pq.ParquetWriter(file, schema, compression="zstd", compression_level=1) as parquet:
            yield parquet.write_batch
    elif bulk_format is BulkFormat.ARROW:
        with pa.ipc.new_stream(file, schema) as stream:
            yield stream.write_batch
    elif bulk_format is BulkFormat.NDJSON:
        yield lambda batch: _write_lines(file, batch)
    else:
        document = _Document(file, constants)
        yield document.write
        document.close()


def escape_formulas(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Put an apostrophe before each text that a spreadsheet would run as a formula."""
    return pa.RecordBatch.from_arrays([_escape(column) for column in batch.columns], schema=batch.schema)


def _escape(column: pa.Array) -> pa.Array:
    is_dictionary = pa.types.is_dictionary(column.type)
    value_type = column.type.value_type if is_dictionary else column.type
    if not _is_text(value_type) or column.null_count == len(column):
        return column
    texts = column.cast(pa.string())
    is_formula = pc.match_substring_regex(texts, FORMULA)
    if not pc.any(is_formula).as_py():
        return column
    escaped = pc.if_else(is_formula, pc.binary_join_element_wise("'", texts, ""), texts)
    return escaped.dictionary_encode().cast(column.type) if is_dictionary else escaped.cast(column.type)


def _is_text(arrow_type: pa.DataType) -> bool:
    return any(
        is_kind(arrow_type)
        for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    )


def _write_lines(file: IO[bytes], batch: pa.RecordBatch) -> None:
    lines = [f"{json.dumps(_without_nulls(row), default=_encode_date)}\n" for row in batch.to_pylist()]
    file.write("".join(lines).encode())


class _Document:
    """A JSON document with the constant columns at the top and the rows below ``sessions``."""

    def __init__(self, file: IO[bytes], constants: Mapping[str, Any]) -> None:
        self._file = file
        self._separator = ""
        head = json.dumps(dict(constants), default=_encode_date)
        file.write(f'{head[:-1]}, "sessions": ['.encode())

    def write(self, batch: pa.RecordBatch) -> None:
        rows = batch.drop_columns(list(CONSTANT_COLUMNS)).to_pylist()
        text = ",\n".join(json.dumps(_without_nulls(row), default=_encode_date) for row in rows)
        if text:
            self._file.write(f"{self._separator}{text}".encode())
            self._separator = ",\n"

    def close(self) -> None:
        self._file.write(b"]}")


def _without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without its null values."""
    return {name: value for name, value in row.items() if value is not None}


def _encode_date(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
