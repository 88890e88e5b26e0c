"""ScoreResponse sessions to a file, whatever its format."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import date
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from shopwright.service.bulk.media_types import BulkFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FORMULA_PREFIX = r"^[=+\-@\t\r]"
"""How a text begins that a spreadsheet would run."""
CONSTANT_COLUMNS = ("model", "model_version", "data_date")
"""Columns that are the same in all rows; a JSON document says them once."""


@contextmanager
def writer(
    kind: BulkFormat, file: IO[bytes], schema: pa.Schema, constant: Mapping[str, Any]
) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """What takes batches and writes them; the file is whole when the block has ended.

    Args:
        kind: the format.
        file: where to.
        schema: of all batches.
        constant: the values of the columns that are the same in all rows.
    """
    if kind is BulkFormat.CSV:
        with pacsv.CSVWriter(file, schema, write_options=pacsv.WriteOptions(quoting_style="needed")) as csv:
            yield lambda batch: csv.write_batch(escape_formulas(batch))
    elif kind is BulkFormat.PARQUET:
        with pq.ParquetWriter(file, schema, compression="zstd", compression_level=1) as parquet:
            yield parquet.write_batch
    elif kind is BulkFormat.ARROW:
        with pa.ipc.new_stream(file, schema) as stream:
            yield stream.write_batch
    elif kind is BulkFormat.NDJSON:
        yield lambda batch: _write_lines(file, batch)
    else:
        document = _Document(file, constant)
        yield document.write
        document.close()


def escape_formulas(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Put an apostrophe before each text that a spreadsheet would take for a formula."""
    columns = []
    for column in batch.columns:
        if pa.types.is_string(column.type) and column.null_count < len(column):
            is_formula = pc.match_substring_regex(column, FORMULA_PREFIX)
            if pc.any(is_formula).as_py():
                columns.append(pc.if_else(is_formula, pc.binary_join_element_wise("'", column, ""), column))
                continue
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _write_lines(file: IO[bytes], batch: pa.RecordBatch) -> None:
    lines = [f"{json.dumps(_known(row), default=_plain)}\n" for row in batch.to_pylist()]
    file.write("".join(lines).encode())


class _Document:
    """One JSON document: what is the same in all rows, and the rows."""

    def __init__(self, file: IO[bytes], constant: Mapping[str, Any]) -> None:
        self._file = file
        self._separator = ""
        head = json.dumps(dict(constant), default=_plain)
        file.write(f'{head[:-1]}, "sessions": ['.encode())

    def write(self, batch: pa.RecordBatch) -> None:
        rows = batch.drop_columns(list(CONSTANT_COLUMNS)).to_pylist()
        text = ",\n".join(json.dumps(_known(row), default=_plain) for row in rows)
        if text:
            self._file.write(f"{self._separator}{text}".encode())
            self._separator = ",\n"

    def close(self) -> None:
        self._file.write(b"]}")


def _known(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what is not known."""
    return {name: value for name, value in row.items() if value is not None}


def _plain(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
