"""Every CSV that leaves the shop opens in a spreadsheet as text."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import shopwright
from shopwright.app.downloads import csv_bytes, safe_cell
from shopwright.core.spreadsheets import escape_formula
from shopwright.service.bulk.writers import escape_formulas

FORMULAS = [
    *("=1+1", "+1+1", "-1+1", "@SUM(1)", "-", "-a", "+49 123", "--5", "-5", "-5.25", "\u22125"),
    *("\t=1", "\r=1", "\n=1", "\r\n=1", "\tx", "\rx", "\nx", "\n"),
    *("＝1+1", "＋1", "－1", "＠SUM(1)", "\n＝1", " ＝1"),  # noqa: RUF001
    *(" =1", "  @x", "\u00a0=1", "\ufeff=1", "\u200b=1", "\0=1", "\u3000＝1"),  # noqa: RUF001
]
PLAIN = ["", "a", "a=1", "1-2", "'=1", " x", "５", "ü@x", "x\n=1"]  # noqa: RUF001


def bulk(text, arrow_type):
    column = pa.array([text, None, "x"]).cast(arrow_type) if not pa.types.is_dictionary(arrow_type) else None
    if column is None:
        column = pa.array([text, None, "x"]).dictionary_encode().cast(arrow_type)
    batch = pa.RecordBatch.from_arrays([column], names=["session_id"])
    escaped = escape_formulas(batch)
    assert escaped.schema == batch.schema
    first, *others = escaped.column(0).to_pylist()
    assert others == [None, "x"]
    return first


TYPES = [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_begins_like_a_formula_is_text(text):
    assert escape_formula(text) == safe_cell(text) == f"'{text}"
    for arrow_type in TYPES:
        assert bulk(text, arrow_type) == f"'{text}"


@pytest.mark.parametrize("text", PLAIN)
def test_other_texts_stay_as_they_are(text):
    assert escape_formula(text) == safe_cell(text) == text
    for arrow_type in TYPES:
        assert bulk(text, arrow_type) == text


@given(st.text(st.sampled_from("=+-@＝－ \t\n\r\u00a0\u200b5.ea"), max_size=6) | st.text(max_size=6))  # noqa: RUF001
@example("\x85=1")
@example("\x1c=1")
def test_app_and_service_agree(text):
    assert bulk(text, pa.string()) == safe_cell(text)


CSV_WRITERS = {
    "app/downloads.py": "escapes each cell and each name of a column",
    "service/bulk/writers.py": "escapes each text of a batch; the names of columns are fixed",
    "erasure/subject.py": "escapes each text; the names of columns are those of the warehouse",
    "ingest/workbooks.py": "what it writes is read again in the same process, and must be what the sheet holds",
    "simulate/effects/files.py": "files of an invented shop, with what real ones hold",
}


def test_every_module_that_writes_csv_is_known():
    """A new one belongs in the list above once its cells go through ``core.spreadsheets``."""
    package = Path(shopwright.__file__).parent
    writes = re.compile(
        r"csv\.writer|DictWriter|CSVWriter|write_csv|to_csv\(|\bcopy\b.*\bcsv\b", re.IGNORECASE
    )
    modules = {
        str(file.relative_to(package))
        for suffix in ("py", "sql")
        for file in package.rglob(f"*.{suffix}")
        if writes.search(file.read_text("utf-8"))
    }
    assert modules == set(CSV_WRITERS)


@given(
    st.lists(st.lists(st.text(max_size=4) | st.sampled_from(FORMULAS), min_size=2, max_size=2), max_size=4)
)
def test_a_download_has_no_cell_and_no_heading_that_is_a_formula(rows):
    names, *values = [["=name", "\n@x"], *rows]
    content = csv_bytes(names, values).decode()
    cells = [cell for row in csv.reader(io.StringIO(content, newline="")) for cell in row]
    assert len(cells) == 2 * len(rows) + 2
    assert not [cell for cell in cells if escape_formula(cell) != cell]
