"""Tables as files: CSV without formulas for spreadsheets, and Parquet."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

from shopwright.core.spreadsheets import escape_formula

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shopwright.reports import Column

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
    """Return a value for a CSV cell; text that a spreadsheet would run as a formula gets a leading apostrophe.

    Numbers are unchanged: a minus sign before digits is not a formula.

    Example:
        >>> safe_cell("=HYPERLINK(1)"), safe_cell(-5)
        ("'=HYPERLINK(1)", -5)
    """
    if isinstance(value, str):
        return escape_formula(value)
    return f"{value.isoformat()}Z" if isinstance(value, datetime) else value


def csv_bytes(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Return a table as a CSV file in UTF-8; an undefined value is an empty cell."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([safe_cell(name) for name in names])
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return buffer.getvalue().encode()


def arrow_table(columns: Sequence[Column], rows: Sequence[Sequence[Any]], *, exact: bool = True) -> Any:
    """Return an Arrow table, typed by the units of its columns.

    Args:
        columns: in order.
        rows: values in the order of the columns.
        exact: whether sums of money are decimals; else all money is float, which is what Streamlit can format.
    """
    arrays = {}
    for index, column in enumerate(columns):
        arrow_type = _TYPES[column.unit]
        values = [row[index] for row in rows]
        if arrow_type == _MONEY and not (exact and _is_exact(values)):
            arrow_type = pa.float64()
        if pa.types.is_floating(arrow_type):
            values = [None if value is None else float(value) for value in values]
        arrays[column.name] = pa.array(values, type=arrow_type)
    return pa.table(arrays)


def _is_exact(values: Iterable[Any]) -> bool:
    """Return whether money is a sum; a mean is a float."""
    return not any(isinstance(value, float) for value in values)


def parquet_bytes(table: Any) -> bytes:
    """Return an Arrow table as a Parquet file."""
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    return buffer.getvalue()
