"""Files that are made to fill a disk or the memory, or that are none, end in one line; the next file is read."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest
import zstandard

from shopwright.testing import Shop

SETTINGS = """
[[sources]]
name = "clicks"
adapter = "mapped"
path = "raw"
[sources.map]
event_at = "when"
event_type = "what"
user_id = "who"
"""
GOOD = "when,what,who\n2025-03-10T10:00:00Z,page_view,u1\n"
BLANK = b"when,what,who\n" + bytes(300 << 20)


def zipped(content, name):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def workbook_of_one_far_cell():
    """A sheet with two cells, the second one in the last row and column that there are."""
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
        "</sheetData></worksheet>"
    )
    return _workbook(sheet.encode())


def workbook_that_unpacks_to_much():
    return _workbook(b"<worksheet><sheetData>" + b" " * (200 << 20))


def _workbook(sheet):
    from openpyxl import Workbook

    plain = io.BytesIO()
    Workbook().save(plain)
    made = io.BytesIO()
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for item in source.infolist():
            is_sheet = item.filename == "xl/worksheets/sheet1.xml"
            target.writestr(item.filename, sheet if is_sheet else source.read(item))
    return made.getvalue()


BOMBS = {
    "bomb.csv.gz": (lambda: gzip.compress(BLANK, 6), "max_unpack_ratio"),
    "bomb.csv.zst": (lambda: zstandard.ZstdCompressor().compress(BLANK), "max_unpack_ratio"),
    "bomb.csv.zip": (lambda: zipped(BLANK, "a.csv"), "max_unpack_ratio"),
    "bomb.jsonl.gz": (lambda: gzip.compress(bytes(300 << 20), 6), "max_unpack_ratio"),
    "far.xlsx": (workbook_of_one_far_cell, "1,048,576 rows and 16,384 columns"),
    "full.xlsx": (workbook_that_unpacks_to_much, "when it is unpacked"),
    "endless.csv": (lambda: b"when,what,who\n" + b"x" * (70 << 20), "line 2 is longer than 64 MB"),
    "endless.jsonl": (lambda: b'{"when": "' + b"x" * (70 << 20), "longer than 64 MB"),
    "wide.csv": (lambda: ",".join(f"column_{number}" for number in range(5_000)).encode() + b"\n1\n", ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_one_line_and_the_next_file_is_read(tmp_path, name):
    make, says = BOMBS[name]
    shop = Shop.make(tmp_path, SETTINGS)
    shop.write(name, make())
    shop.write("good.csv", GOOD)
    report = shop.ingest()
    (failed,) = report.failed
    assert name in failed.file
    assert says in failed.reason
    assert "\n" not in failed.reason
    assert len(failed.reason) < 600
    assert shop.rows("user_id") == [("u1",)]
    assert not (shop.project.work / "staging").exists()


def test_a_limit_of_the_settings_counts(tmp_path):
    shop = Shop.make(tmp_path, f"{SETTINGS}\n[ingest]\nmax_unpacked_bytes = 1000\n")
    shop.write("large.csv.gz", gzip.compress((GOOD + "x,y,z\n" * 1_000).encode()))
    shop.write("good.csv", GOOD)
    (failed,) = shop.ingest().failed
    assert "is more than 1.0 kB when it is unpacked" in failed.reason
    assert "max_unpacked_bytes" in failed.reason
