"""Tables as files: nothing in a CSV is run by a spreadsheet, nothing in a Parquet file has lost its type."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from shopwright.app.downloads import arrow_table, csv_bytes, parquet_bytes, safe_cell
from shopwright.reports import Column

COLUMNS = (
    Column("name", "", "text"),
    Column("share", "", "share"),
    Column("paid", "", "money"),
    Column("rows", "", "count"),
    Column("day", "", "date"),
    Column("at", "", "time"),
)
NOON = datetime(2025, 1, 1, 12)  # noqa: DTZ001  # naive UTC, as everywhere
ROW = ("=1+1", 0.5, Decimal("-12.3400"), 3, date(2025, 1, 1), NOON)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(text):
    assert safe_cell(text) == f"'{text}"


def test_numbers_and_other_text_stay_as_they_are():
    values = (-5, Decimal("-5.00"), -0.5, None, "a=b", "", "'=1")
    assert tuple(map(safe_cell, values)) == values


@given(st.text())
def test_no_text_comes_out_as_a_formula(text):
    (row,) = csv.reader(io.StringIO(csv_bytes([text], []).decode("utf-8", "surrogatepass"), newline=""))
    assert not row or not row[0].startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_csv_reads_back():
    rows = list(csv.reader(io.StringIO(csv_bytes([column.name for column in COLUMNS], [ROW]).decode())))
    assert rows[0] == ["name", "share", "paid", "rows", "day", "at"]
    assert rows[1] == ["'=1+1", "0.5", "-12.3400", "3", "2025-01-01", "2025-01-01T12:00:00Z"]


def test_parquet_keeps_types_and_cents():
    read = parquet.read_table(io.BytesIO(parquet_bytes(arrow_table(COLUMNS, [ROW, (None,) * 6]))))
    assert [str(kind) for kind in read.schema.types] == [
        *("string", "double", "decimal128(38, 4)", "int64", "date32[day]", "timestamp[us, tz=UTC]"),
    ]
    assert read.to_pylist()[0]["paid"] == Decimal("-12.3400")
    assert read.to_pylist()[0]["at"] == NOON.replace(tzinfo=UTC)
    assert set(read.to_pylist()[1].values()) == {None}


def test_money_that_is_a_mean_is_a_float():
    table = arrow_table((Column("mean", "", "money"),), [(1.5,), (None,)])
    assert table.schema.types == [pa.float64()]
