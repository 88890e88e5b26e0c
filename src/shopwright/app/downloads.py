"""Tables as files: CSV that no spreadsheet runs, and Parquet."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shopwright.reports import Column

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MONEY = pa.decimal128(38, 4)
_TYPES = {
    "share": pa.float64(),
    "money": _MONEY,
    "count": pa.int64(),
    "number": pa.float64(),
    "seconds": pa.float64(),
    "days": pa.float64(),
    "text": pa.string(),
    "date": pa.date32(),
    "time": pa.timestamp("us", tz="UTC"),
}


def safe_cell(value: Any) -> Any:
    """A cell of a CSV; text that a spreadsheet would run as a formula gets an apostrophe before it.

    Numbers stay as they are: a minus before digits is no formula.

    Example:
        >>> safe_cell("=HYPERLINK(1)"), safe_cell(-5)
        ("'=HYPERLINK(1)", -5)
    """
    if isinstance(value, str) and value.startswith(_STARTS_FORMULA):
        return f"'{value}"
    return f"{value.isoformat()}Z" if isinstance(value, datetime) else value


def csv_bytes(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A table as CSV in UTF-8; what is undefined is an empty cell."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([safe_cell(name) for name in names])
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def arrow_table(columns: Sequence[Column], rows: Sequence[Sequence[Any]], *, exact: bool = True) -> Any:
    """A table of Arrow, typed by the units of its columns.

    Args:
        columns: name and unit of each.
        rows: values in their order.
        exact: sums of money as decimals; else all money as floats, which is what pages draw.
    """
    arrays = {}
    for place, column in enumerate(columns):
        kind = _TYPES[column.unit]
        values = [row[place] for row in rows]
        if kind == _MONEY and not (exact and _is_exact(values)):
            kind = pa.float64()
        if pa.types.is_floating(kind):
            values = [None if value is None else float(value) for value in values]
        arrays[column.name] = pa.array(values, type=kind)
    return pa.table(arrays)


def _is_exact(values: Iterable[Any]) -> bool:
    """Whether money is a sum; a mean is a float."""
    return not any(isinstance(value, float) for value in values)


def parquet_bytes(table: Any) -> bytes:
    """A table of Arrow as a Parquet file."""
    out = io.BytesIO()
    parquet.write_table(table, out)
    return out.getvalue()
