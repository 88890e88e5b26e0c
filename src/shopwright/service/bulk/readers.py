"""Sessions from a file, in batches, whatever its format."""

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
    check_columns,
    check_types,
    invalid_row,
    too_many_rows,
    unreadable_body,
)
from shopwright.service.errors import ProblemError
from shopwright.service.session_fields import MAX_NUMBER, MAX_TEXT_LENGTH, SESSION_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BATCH_ROWS = 65_536
"""Rows of a batch at most."""
JSON_BATCH_ROWS = 8_192
"""Of JSON, whose rows take far more memory while they are read."""
_BLOCK = 1 << 22
_PIECE = 1 << 16
_MAX_ROW_BYTES = 1 << 16
"""Bytes of one session in JSON."""
_FULLEST_ROW = 4 * MAX_TEXT_LENGTH + 16
"""Bytes of one value in Parquet at most: a text of four bytes a character."""
_CSV_COLUMN = re.compile(r"In CSV column #(\d+): (?:Row #(\d+): )?")
_CSV_CONTENT = re.compile(r"(?<=, got )(\d+): .*")
"""What the reader quotes of a row."""
_LINE_END = re.compile(rb"[\r\n]")
_NEEDED = tuple(name for name, field in SESSION_FIELDS.items() if field.is_needed)


def read(kind: BulkFormat, file: IO[bytes], *, max_rows: int) -> Iterator[pa.RecordBatch]:
    """Typed batches of sessions; their rows are not checked yet.

    Raises:
        ProblemError: 422 where the body is not of its format, or a column is unknown or missing; 413 where it has too
            many rows.
    """
    count = 0
    try:
        for batch in _READERS[kind](file):
            count += len(batch)
            if count > max_rows:
                raise too_many_rows(max_rows)
            yield batch
    except (pa.ArrowException, OSError) as error:
        raise unreadable_body(f"this is not what {kind.value} is: {_first_line(error)}") from None


def _csv(file: IO[bytes]) -> Iterator[pa.RecordBatch]:
    # Blanks alone are no header, and the reader takes no empty file.
    begin = file.read(_PIECE)
    if not begin.strip():
        raise unreadable_body("the body is empty; expected a line of column names")
    if len(begin) == _PIECE and not _LINE_END.search(begin):
        raise unreadable_body(f"no line of column names ends within {_PIECE:,} bytes")
    file.seek(0)
    names: list[str] = []
    try:
        reader = pacsv.open_csv(
            file,
            pacsv.ReadOptions(use_threads=False, block_size=_BLOCK),
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
        raise _csv_fault(error, file, names) from None


def _csv_fault(error: pa.ArrowInvalid, file: IO[bytes], names: list[str]) -> ProblemError:
    """What the reader found, with the column's name in place of its number."""
    told = _first_line(error)
    found = _CSV_COLUMN.search(told)
    if not found:
        return unreadable_body("this is no CSV: " + _CSV_CONTENT.sub(r"\1", told))
    if not names:
        file.seek(0)
        names = file.readline(_PIECE).decode("utf-8", "replace").strip().split(",")
        check_columns([name.strip('"') for name in names])
    place = int(found.group(1))
    field = names[place].strip('"') if place < len(names) else f"#{place + 1}"
    row = f"row {int(found.group(2)) - 1}, " if found.group(2) else ""
    message = (
        "expected a number"
        if SESSION_FIELDS.get(field) and SESSION_FIELDS[field].is_number
        else "expected text in UTF-8"
    )
    return ProblemError(422, "invalid", f"{row}{field}: {message}", errors=[(f"body.{field}", message)])


def _parquet(file: IO[bytes]) -> Iterator[pa.RecordBatch]:
    schema = pq.read_schema(file)
    names = schema.names
    check_columns(names)
    check_types(schema)
    file.seek(0)
    # A long text that many rows share takes its room once, until its length is checked.
    texts = [name for name in names if not SESSION_FIELDS[name].is_number]
    opened = pq.ParquetFile(file, read_dictionary=texts)
    _check_sizes(opened.metadata)
    for batch in opened.iter_batches(BATCH_ROWS, columns=names, use_threads=False):
        yield cast_columns(batch)


def _check_sizes(metadata: pq.FileMetaData) -> None:
    """See that no row group unpacks to more than its rows can fill."""
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        most = _PIECE + group.num_rows * _FULLEST_ROW
        for place in range(group.num_columns):
            if group.column(place).total_uncompressed_size > most:
                raise unreadable_body(f"row group {number + 1} unpacks to more than its rows can hold")


def _arrow(file: IO[bytes]) -> Iterator[pa.RecordBatch]:
    if is_compressed(file):
        raise unreadable_body("its buffers are compressed; send a stream without compression")
    file.seek(0)
    with pa.ipc.open_stream(file) as reader:
        check_columns(reader.schema.names)
        check_types(reader.schema)
        for batch in reader:
            batch.validate(full=True)
            for piece in _sliced(batch):
                yield cast_columns(piece)


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
    raise ValueError(f"{name} is no number of JSON")


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
            raise invalid_row(row, "", "no JSON") from None
        row += 1


class _Elements:
    """The elements of one JSON list, read piece by piece."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._text, self._at, self._row = "", 0, 0
        self._is_over = False

    def __iter__(self) -> Iterator[Any]:
        self._expect("[", "expected a list of sessions")
        if self._next() != "]":
            while True:
                yield self._element()
                self._row += 1
                if self._next() != ",":
                    break
                self._at += 1
        self._expect("]", "the list does not end")
        if self._next():
            raise unreadable_body("expected one list of sessions, and there is more after it")

    def _expect(self, mark: str, message: str) -> None:
        if self._next() != mark:
            raise unreadable_body(message)
        self._at += 1

    def _next(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        if self._is_over:
            return False
        piece = self._file.read(_PIECE)
        self._is_over = not piece
        try:
            self._text, self._at = self._text[self._at :] + self._decode(piece, final=self._is_over), 0
        except UnicodeDecodeError:
            raise unreadable_body("the body is no text in UTF-8") from None
        return True

    def _element(self) -> Any:
        if self._next() != "{":  # so that what is parsed ends where it ends, also at the end of a piece
            raise invalid_row(self._row, "", "expected a session, as an object")
        while True:
            try:
                found, self._at = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError):
                if len(self._text) - self._at > _MAX_ROW_BYTES or not self._more():
                    raise invalid_row(self._row, "", "no JSON") from None
            else:
                return found


def _batches(rows: Iterable[Any]) -> Iterator[pa.RecordBatch]:
    """Rows of JSON as batches that have all columns."""
    source, start = iter(rows), 0
    while taken := list(islice(source, JSON_BATCH_ROWS)):
        for place, row in enumerate(taken):
            _check_row(row, start + place)
        columns = [_column(name, [row.get(name) for row in taken], start) for name in ARROW_TYPES]
        yield pa.RecordBatch.from_arrays(columns, names=list(ARROW_TYPES))
        start += len(taken)


def _check_row(row: Any, number: int) -> None:
    if not isinstance(row, dict):
        raise invalid_row(number, "", "expected a session, as an object")
    if unknown := row.keys() - SESSION_FIELDS.keys():
        raise invalid_row(number, min(unknown)[:60], "no such field")
    for name in _NEEDED:
        if name not in row:
            raise invalid_row(number, name, "required, and missing")


def _column(name: str, values: list[Any], start: int) -> pa.Array:
    field = SESSION_FIELDS[name]
    allowed = {int, float, type(None)} if field.is_number else {str, type(None)}
    if not {*map(type, values)} <= allowed:
        place = next(place for place, value in enumerate(values) if type(value) not in allowed)
        raise invalid_row(start + place, name, field.wrong() if field.is_number else "expected a text")
    try:
        return pa.array(values, ARROW_TYPES[name])
    except (pa.ArrowException, OverflowError):
        place = next(place for place, value in enumerate(values) if abs(value or 0) > MAX_NUMBER)
        raise invalid_row(start + place, name, field.wrong()) from None
    except UnicodeEncodeError:
        place = next(place for place, value in enumerate(values) if value and not _is_text(value))
        raise invalid_row(start + place, name, "expected text that UTF-8 can hold") from None


def _is_text(value: str) -> bool:
    return not any("\ud800" <= each <= "\udfff" for each in value)


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200]
