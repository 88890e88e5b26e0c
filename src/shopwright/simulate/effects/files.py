"""Rewriting one file of events: each record is marked, the chosen ones become purchases, all else stays as it is."""

from __future__ import annotations

import codecs
import csv
import io
import json
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from shopwright.core.errors import ConfigurationError
from shopwright.core.sql import quote_name, quote_text
from shopwright.ingest.adapters import FileKind
from shopwright.ingest.records import split_fields
from shopwright.simulate.effects.marks import EFFECT_COLUMN, ORIGINAL_TYPE_COLUMN
from shopwright.simulate.effects.rule import PURCHASE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shopwright.ingest.adapters import Field
    from shopwright.ingest.read_job import ReadJob


@dataclass(frozen=True, slots=True)
class EventTypeColumns:
    """Where a source states an event's type, and its word for a purchase."""

    names: tuple[str, ...]
    """Columns, of which the first with a value counts; in JSON a dot goes one level down."""
    purchase: str

    @classmethod
    def from_field(cls, field: Field, source: str) -> EventTypeColumns:
        """Return the columns of a mapping's field.

        Raises:
            ConfigurationError: the type does not come from columns, or the source has no word for a purchase.
        """
        if field.sql or not field.columns:
            raise ConfigurationError(
                f"source '{source}': event_type is not read from a column, so no event can be made a purchase"
            )
        candidates = [PURCHASE, *field.values]
        purchase = next((name for name in candidates if field.values.get(name, name) == PURCHASE), None)
        if purchase is None:
            raise ConfigurationError(f"source '{source}': event_types has no word for a purchase")
        return cls(field.columns, purchase)


def write_records(
    job: ReadJob,
    target: Path,
    *,
    mark: str,
    changed: frozenset[int],
    event_type: EventTypeColumns,
    encoding: str,
) -> int:
    """Write a marked copy of a delimited or JSON file.

    Args:
        job: the file, as plain UTF-8 text.
        target: the copy.
        mark: what every record is marked with.
        changed: line numbers of the records that become purchases.
        event_type: where a record states its type.
        encoding: of the copy, that of the source.

    Returns:
        Number of records.
    """
    is_csv = job.mapping.kind is FileKind.CSV
    records = (
        _csv_records(job, mark, changed, event_type)
        if is_csv
        else _json_records(job, mark, changed, event_type)
    )
    encode = (
        None if codecs.lookup(encoding).name == "utf-8" else codecs.getincrementalencoder(encoding)().encode
    )
    begin, between, end = (b"[\n", b",\n", b"\n]\n") if job.is_array else (b"", b"\n", b"\n")
    count = 0
    with target.open("wb") as copy:
        _write(copy, begin, encode)
        for record in records:
            _write(copy, between + record if count else record, encode)
            count += 1
        _write(copy, end, encode)
    return count - is_csv


def _write(copy: IO[bytes], text: bytes, encode: Any) -> None:
    copy.write(encode(text.decode()) if encode else text)


def _csv_records(
    job: ReadJob, mark: str, changed: frozenset[int], event_type: EventTypeColumns
) -> Iterator[bytes]:
    delimiter, null = job.mapping.csv.delimiter, job.mapping.csv.null
    records = job.records()
    header = next(records)
    names = [name.strip() for name in split_fields(header.raw.decode(), delimiter) or []]
    synonyms = job.mapping.csv.synonyms
    columns = [synonyms.get(name, name) for name in names]
    yield header.raw + f"{delimiter}{EFFECT_COLUMN}{delimiter}{ORIGINAL_TYPE_COLUMN}".encode()
    unchanged = f"{delimiter}{_csv_text([mark, null], delimiter)}".encode()
    indices = [columns.index(name) for name in event_type.names if name in columns]
    for record in records:
        if record.line not in changed:
            yield record.raw + unchanged  # a broken record gets the mark too, and stays broken
            continue
        fields = split_fields(record.text or "", delimiter) or []
        index = next(index for index in indices if fields[index].strip() not in ("", null))
        original, fields[index] = fields[index], event_type.purchase
        yield _csv_text([*fields, mark, original], delimiter).encode()


def _csv_text(fields: list[str], delimiter: str) -> str:
    text = io.StringIO()
    # the writer quotes only those line breaks that its line end consists of
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerow(fields)
    return text.getvalue().removesuffix("\r\n")


def _json_records(
    job: ReadJob, mark: str, changed: frozenset[int], event_type: EventTypeColumns
) -> Iterator[bytes]:
    appended = f'"{EFFECT_COLUMN}": {json.dumps(mark)}}}'.encode()
    for record in job.records():
        if record.line in changed:
            document = json.loads(record.text or "")
            original = _replace_type(document, event_type)
            marks = {EFFECT_COLUMN: mark, ORIGINAL_TYPE_COLUMN: original}
            yield json.dumps(document | marks).encode()
            continue
        # The text is not parsed: its numbers and its errors stay as they are. What does not end in a brace is no object and
        # never becomes an event.
        text = record.raw.rstrip()
        head = text[:-1].rstrip()
        is_object = text.endswith(b"}")
        yield head + (b"" if head.endswith(b"{") else b", ") + appended if is_object else record.raw


def _replace_type(document: dict[str, Any], event_type: EventTypeColumns) -> str:
    """Write the word for a purchase where the document states its type; return what stood there."""
    for name in event_type.names:
        *path, last = name.split(".")
        inner: Any = document
        for key in path:
            inner = inner.get(key) if isinstance(inner, dict) else None
        value = inner.get(last) if isinstance(inner, dict) else None
        if isinstance(value, str) and value.strip():
            inner[last] = event_type.purchase
            return value
    raise AssertionError(f"a cart event without a type: {document}")


def write_parquet_copy(job: ReadJob, target: Path, *, mark: str, event_type: EventTypeColumns) -> int:
    """Write a marked copy of a Parquet file; the numbers of its rows that become purchases are in the table ``changed``.

    Returns:
        Number of rows.
    """
    source = f"read_parquet({quote_text(str(job.plain))}, file_row_number = true)"
    described = job.connection.execute(f"describe select * from {source}").fetchall()
    names = [name for name in event_type.names if name in {row[0] for row in described}]
    values = [f"nullif(trim({quote_name(name)}), '')" for name in names]
    replaced = [
        f"case when is_changed and {' and '.join([*(f'{earlier} is null' for earlier in values[:number]), 'true'])} "
        f"and {values[number]} is not null then {quote_text(event_type.purchase)} else {quote_name(name)} end "
        f"as {quote_name(name)}"
        for number, name in enumerate(names)
    ]
    fetched = job.connection.execute(
        f"copy (select * exclude (file_row_number, is_changed) replace ({', '.join(replaced)}), "
        f"{quote_text(mark)} as {EFFECT_COLUMN}, "
        f"case when is_changed then coalesce({', '.join(values)}) end as {ORIGINAL_TYPE_COLUMN} "
        f"from (select *, file_row_number + 1 in (select line from changed) as is_changed from {source})) "
        f"to {quote_text(str(target))} (format parquet)"
    ).fetchone()
    return int(fetched[0]) if fetched else 0
