"""Readers of session files, one for each format, in batches."""

from __future__ import annotations

import codecs
import json
import re
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, NoReturn

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from shopwright.service.bulk.arrow_compression import is_compressed
from shopwright.service.bulk.media_types import BulkFormat
from shopwright.service.bulk.validation import (
    ARROW_TYPES,
    cast_columns,
    check_column_types,
    check_columns,
    invalid_row,
    too_many_rows,
    unreadable_body,
)
from shopwright.service.errors import ProblemError
from shopwright.service.session_fields import MAX_NUMBER, MAX_TEXT_LENGTH, SESSION_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BATCH_ROWS = 65_536
"""Rows of a batch at most, save in JSON."""
JSON_BATCH_ROWS = 8_192
"""Rows of a batch in JSON, whose rows take far more memory while they are parsed."""
_CSV_BLOCK_BYTES = 1 << 22
_CHUNK_BYTES = 1 << 16
_MAX_ROW_BYTES = 1 << 16
"""Bytes of one session in JSON."""
_MAX_VALUE_BYTES = 4 * MAX_TEXT_LENGTH + 16
"""Bytes of one value in Parquet at most: a text with four bytes per character, and its length."""
_CSV_COLUMN = re.compile(r"In CSV column #(\d+): (?:Row #(\d+): )?")
_CSV_CONTENT = re.compile(r"(?<=, got )(\d+): .*")
"""The part of PyArrow's message that quotes the row, which may hold personal data."""
_LINE_END = re.compile(rb"[\r\n]")
_REQUIRED = tuple(name for name, field in SESSION_FIELDS.items() if field.is_required)


def read_batches(bulk_format: BulkFormat, file: IO[bytes], *, max_rows: int) -> Iterator[pa.RecordBatch]:
    """Yield batches of sessions with checked columns; their values are not checked yet.

    Args:
        bulk_format: format of the file.
        file: the sessions, positioned at the start.
        max_rows: rows of the file at most.

    Raises:
        ProblemError: 422 for a body that does not match its format, or an unknown or missing column; 413 for too many
            rows.
    """
    count = 0
    try:
        for batch in _READERS[bulk_format](file):
            count += len(batch)
            if count > max_rows:
                raise too_many_rows(max_rows)
            yield batch
    except (pa.ArrowException, OSError) as error:
        raise unreadable_body(f"invalid {bulk_format.value}: {_first_line(error)}") from None


def _csv(file: IO[bytes]) -> Iterator[pa.RecordBatch]:
    # PyArrow fails on an empty file, and takes white space for a column name.
    start = file.read(_CHUNK_BYTES)
    if not start.strip():
        raise unreadable_body("the body is empty, expected a header row")
    if len(start) == _CHUNK_BYTES and not _LINE_END.search(start):
        raise unreadable_body(f"the header row is longer than {_CHUNK_BYTES:,} bytes")
    file.seek(0)
    names: list[str] = []
    try:
        reader = pacsv.open_csv(
            file,
            pacsv.ReadOptions(use_threads=False, block_size=_CSV_BLOCK_BYTES),
            pacsv.ParseOptions(newlines_in_values=False),
            pacsv.ConvertOptions(
                column_types=ARROW_TYPES, null_values=["", "null"], strings_can_be_null=True, check_utf8=True
            ),
        )
        names = reader.schema.names
        check_columns(names)
        for batch in reader:
            yield from _sliced(cast_columns(batch))
    except pa.ArrowInvalid as error:
        raise _csv_problem(error, file, names) from None


def _csv_problem(error: pa.ArrowInvalid, file: IO[bytes], names: list[str]) -> ProblemError:
    """Return the 422 for an error of the CSV reader, with the column's name instead of its number."""
    message = _first_line(error)
    match = _CSV_COLUMN.search(message)
    if not match:
        return unreadable_body("invalid CSV: " + _CSV_CONTENT.sub(r"\1", message))
    if not names:
        file.seek(0)
        names = file.readline(_CHUNK_BYTES).decode("utf-8", "replace").strip().split(",")
        check_columns([name.strip('"') for name in names])
    position = int(match.group(1))
    field = names[position].strip('"') if position < len(names) else f"#{position + 1}"
    row = f"row {int(match.group(2)) - 1}, " if match.group(2) else ""  # PyArrow counts the header
    message = (
        "expected a number"
        if SESSION_FIELDS.get(field) and SESSION_FIELDS[field].is_number
        else "expected UTF-8 text"
    )
    return ProblemError(422, "invalid", f"{row}{field}: {message}", errors=[(f"body.{field}", message)])


def _parquet(file: IO[bytes]) -> Iterator[pa.RecordBatch]:
    schema = pq.read_schema(file)
    names = schema.names
    check_columns(names)
    check_column_types(schema)
    file.seek(0)
    # As a dictionary, a long text that many rows share takes memory once, until its length is checked.
    texts = [name for name in names if not SESSION_FIELDS[name].is_number]
    parquet = pq.ParquetFile(file, read_dictionary=texts)
    _check_sizes(parquet.metadata)
    for batch in parquet.iter_batches(BATCH_ROWS, columns=names, use_threads=False):
        yield cast_columns(batch)


def _check_sizes(metadata: pq.FileMetaData) -> None:
    """Check that no row group decompresses to more than its rows can hold (a guard against decompression bombs)."""
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        max_bytes = _CHUNK_BYTES + group.num_rows * _MAX_VALUE_BYTES
        for column in range(group.num_columns):
            if group.column(column).total_uncompressed_size > max_bytes:
                raise unreadable_body(f"row group {number + 1} decompresses to more than its rows can hold")


def _arrow(file: IO[bytes]) -> Iterator[pa.RecordBatch]:
    if is_compressed(file):
        raise unreadable_body("compressed buffers are not supported, send a stream without compression")
    file.seek(0)
    with pa.ipc.open_stream(file) as reader:
        check_columns(reader.schema.names)
        check_column_types(reader.schema)
        for batch in reader:
            batch.validate(full=True)
            for batch_slice in _sliced(batch):
                yield cast_columns(batch_slice)


def _ndjson(file: IO[bytes]) -> Iterator[pa.RecordBatch]:
    return _batches(_lines(file))


def _json(file: IO[bytes]) -> Iterator[pa.RecordBatch]:
    return _batches(_Elements(file))


_READERS = {
    BulkFormat.CSV: _csv,
    BulkFormat.PARQUET: _parquet,
    BulkFormat.ARROW: _arrow,
    BulkFormat.NDJSON: _ndjson,
    BulkFormat.JSON: _json,
}


def _sliced(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(batch), BATCH_ROWS):
        yield batch.slice(start, BATCH_ROWS)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not valid JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _lines(file: IO[bytes]) -> Iterator[Any]:
    row = 0
    while line := file.readline(_MAX_ROW_BYTES + 1):
        if len(line) > _MAX_ROW_BYTES:
            raise invalid_row(row, "", f"longer than {_MAX_ROW_BYTES:,} bytes")
        if not line.strip():
            continue
        try:
            yield _DECODER.decode(line.decode("utf-8"))
        except (ValueError, RecursionError):
            raise invalid_row(row, "", "invalid JSON") from None
        row += 1


class _Elements:
    """The elements of a JSON array, read in chunks."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._text, self._position, self._row = "", 0, 0
        self._is_exhausted = False

    def __iter__(self) -> Iterator[Any]:
        self._expect("[", "expected an array of sessions")
        if self._peek() != "]":
            while True:
                yield self._element()
                self._row += 1
                if self._peek() != ",":
                    break
                self._position += 1
        self._expect("]", "the array is not closed")
        if self._peek():
            raise unreadable_body("unexpected content after the array of sessions")

    def _expect(self, mark: str, message: str) -> None:
        if self._peek() != mark:
            raise unreadable_body(message)
        self._position += 1

    def _peek(self) -> str:
        """Skip white space and return the next character; empty at the end."""
        while True:
            while self._position < len(self._text) and self._text[self._position] in " \t\r\n":
                self._position += 1
            if self._position < len(self._text):
                return self._text[self._position]
            if not self._read_chunk():
                return ""

    def _read_chunk(self) -> bool:
        if self._is_exhausted:
            return False
        chunk = self._file.read(_CHUNK_BYTES)
        self._is_exhausted = not chunk
        try:
            self._text, self._position = (
                self._text[self._position :] + self._decode(chunk, final=self._is_exhausted),
                0,
            )
        except UnicodeDecodeError:
            raise unreadable_body("the body is not UTF-8") from None
        return True

    def _element(self) -> Any:
        if self._peek() != "{":  # an object's end is certain; a number could go on in the next chunk
            raise invalid_row(self._row, "", "expected a session as an object")
        while True:
            try:
                element, self._position = _DECODER.raw_decode(self._text, self._position)
            except (ValueError, RecursionError):
                if len(self._text) - self._position > _MAX_ROW_BYTES or not self._read_chunk():
                    raise invalid_row(self._row, "", "invalid JSON") from None
            else:
                return element


def _batches(rows: Iterable[Any]) -> Iterator[pa.RecordBatch]:
    """Yield batches of JSON rows, each with all columns."""
    iterator, start = iter(rows), 0
    while batch := list(islice(iterator, JSON_BATCH_ROWS)):
        for offset, row in enumerate(batch):
            _check_row(row, start + offset)
        columns = [_column(name, [row.get(name) for row in batch], start) for name in ARROW_TYPES]
        yield pa.RecordBatch.from_arrays(columns, names=list(ARROW_TYPES))
        start += len(batch)


def _check_row(row: Any, number: int) -> None:
    if not isinstance(row, dict):
        raise invalid_row(number, "", "expected a session as an object")
    if unknown := row.keys() - SESSION_FIELDS.keys():
        raise invalid_row(number, min(unknown)[:60], "unknown field")
    for name in _REQUIRED:
        if name not in row:
            raise invalid_row(number, name, "required")


def _column(name: str, values: list[Any], start: int) -> pa.Array:
    field = SESSION_FIELDS[name]
    allowed = {int, float, type(None)} if field.is_number else {str, type(None)}
    if not {*map(type, values)} <= allowed:
        offset = next(offset for offset, value in enumerate(values) if type(value) not in allowed)
        raise invalid_row(
            start + offset, name, field.describe_limits() if field.is_number else "expected a string"
        )
    try:
        return pa.array(values, ARROW_TYPES[name])
    except (pa.ArrowException, OverflowError):
        offset = next(offset for offset, value in enumerate(values) if abs(value or 0) > MAX_NUMBER)
        raise invalid_row(start + offset, name, field.describe_limits()) from None
    except UnicodeEncodeError:
        offset = next(offset for offset, value in enumerate(values) if value and not _is_text(value))
        raise invalid_row(start + offset, name, "expected valid Unicode text") from None


def _is_text(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200]
