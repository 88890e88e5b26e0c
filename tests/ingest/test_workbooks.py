"""Every sheet of a workbook is a file of its own: in the ledger, for repeated rows, and when it is read again."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections import Counter

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.warehouse.shops import sheet_csv

from shopwright.ingest import plain_files
from shopwright.ingest.ledger import is_whole_workbook
from shopwright.ingest.plain_files import PlainFile
from shopwright.ingest.text_scan import scan_text
from shopwright.testing import Shop

HEADER = ("order", "product", "quantity", "price", "when")
LINES = """
[[sources]]
name = "{name}"
adapter = "mapped"
path = "raw"
entity = "order_items"
{more}
[sources.map]
order_id = "order"
product_id = "product"
quantity = "quantity"
unit_price = "price"
ordered_at = "when"
kind = {{ value = "sale" }}
"""
EVENTS = """
[[sources]]
name = "clicks"
adapter = "mapped"
path = "raw"
[sources.map]
event_at = "when"
event_type = { value = "product_view" }
user_id = "order"
product_id = "product"
price = "price"
"""
DAY = "2025-03-01"


def book(sheets, *, hidden=()):
    """The bytes of a workbook: names of sheets to their rows."""
    workbook, content = openpyxl.Workbook(), io.BytesIO()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet("sheet")
        sheet._WorkbookChild__title = name  # any name: other programs write what this package refuses
        sheet.sheet_state = "hidden" if name in hidden else "visible"
        for row in rows:
            sheet.append(row)
    workbook.save(content)
    return content.getvalue()


def rows(*orders):
    return [HEADER, *((order, "p", 1, 2, DAY) for order in orders)]


def shop_of(root, *, name="lines", more=""):
    return Shop.make(root, LINES.format(name=name, more=more))


def sheets_of(shop):
    """Sheet, outcome and accepted rows of each file of the ledger."""
    return [(row.file.partition(".xlsx!")[2], row.outcome, row.rows_accepted) for row in shop.ledger()]


def orders_of(shop):
    return [order for (order,) in shop.rows("order_id", entity="order_items")]


# --- which sheets -----------------------------------------------------------------------------------------

ODD_NAMES = [
    "plain",
    "a!b",
    "a/b",
    "a#b",
    "it's",
    'a "b"',
    "Größe 東京 🛒",
    "x.zip!y.csv",
    "z.xlsx!1",
    " blank ",
    "%41",
    "&amp;",
]


def test_sheets_may_have_any_name(tmp_path):
    shop = shop_of(tmp_path)
    shop.write("a.xlsx", book({name: rows(f"o{number}") for number, name in enumerate(ODD_NAMES)}))
    shop.write("b.xlsx", book({"bad": [*rows("o"), ("o", "p", "many", 1, DAY)]}))
    shop.ingest()
    assert sheets_of(shop) == [(name, "loaded", 1) for name in [*ODD_NAMES, "bad"]]
    assert shop.ingest().skipped == len(ODD_NAMES) + 1
    (item,) = shop.quarantine()
    assert item.file.endswith("/raw/b.xlsx!bad")
    for name in ("a/b", "x.zip!y.csv"):
        assert len(shop.read_again(f"raw/a.xlsx!{name}").retired) == 1
    assert len(shop.forget("a.xlsx").retired) == len(ODD_NAMES)
    assert orders_of(shop) == ["o"]


def test_titles_empty_sheets_and_hidden_ones(tmp_path):
    bad = ("o", "p", "many", 1, DAY)
    sheets = {
        "titled": [["Report of March"], [], ["all", "in EUR"], *rows("a", "b"), bad],
        "empty": [],
        "notes": [["Nobody reads this"], ["order", "is a number"]],
        "hidden": rows("c"),
    }
    shop = shop_of(tmp_path)
    shop.write("a.xlsx", book(sheets, hidden=["hidden"]))
    shop.ingest()
    assert [(row.outcome, row.rows_accepted, row.reason) for row in shop.ledger()] == [
        ("loaded", 2, None),
        ("empty", 0, "the sheet is empty"),
        ("empty", 0, "skipped: it lacks columns that other sheets of its workbook have"),
        ("loaded", 1, "the sheet is hidden"),
    ]
    assert orders_of(shop) == ["a", "b", "c"]
    assert [item.line_number for item in shop.quarantine()] == [7]
    assert shop.replay().still_open == 1


def test_a_workbook_in_which_no_sheet_fits_fails_and_is_tried_again(tmp_path):
    shop = shop_of(tmp_path)
    shop.write("a.xlsx", book({"one": [["a"], [1]], "two": [["b"], [1]]}))
    report = shop.ingest()
    assert [row.outcome for row in report.rows] == ["failed", "failed"]
    assert "column 'order' is missing" in report.rows[0].reason
    assert len(shop.ingest().failed) == 2


def test_a_sheet_that_was_skipped_counts_when_the_mapping_changes(tmp_path):
    shop = shop_of(tmp_path)
    other = [("order", "product", "quantity", "cost", "when"), ("b", "p", 1, 2, DAY)]
    shop.write("a.xlsx", book({"one": rows("a"), "two": other}))
    shop.ingest()
    text = LINES.format(name="lines", more="").replace('"price"', '{ sql = "1" }')
    Shop.make(tmp_path, text)
    (changed,) = shop.ingest().changed_sources
    assert changed.files == 2
    shop.read_again("lines")
    assert orders_of(shop) == ["a", "b"]


def test_a_sheet_without_a_header(tmp_path):
    columns = ", ".join(f'"{name}"' for name in HEADER)
    shop = shop_of(tmp_path, more=f"header = false\ncolumns = [{columns}]")
    shop.write("a.xlsx", book({"one": rows("a")[1:], "two": rows("b")[1:]}))
    shop.ingest()
    assert orders_of(shop) == ["a", "b"]


def test_workbooks_in_archives_and_compressed_ones(tmp_path):
    shop = shop_of(tmp_path)
    shop.write("a.xlsx.gz", gzip.compress(book({"one": rows("a"), "two": rows("b")})))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("year/x.xlsx", book({"one": rows("c"), "two!": rows("d")}))
    shop.write("b.zip", packed.getvalue())
    shop.ingest()
    assert [row.file.rpartition("/raw/")[2] for row in shop.ledger()] == [
        "a.xlsx.gz!one",
        "a.xlsx.gz!two",
        "b.zip!year/x.xlsx!one",
        "b.zip!year/x.xlsx!two!",
    ]
    assert orders_of(shop) == ["a", "b", "c", "d"]
    assert len(shop.read_again("lines").retired) == 4
    assert shop.ingest().rows == []


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing"])
def test_what_is_no_workbook_is_one_file(tmp_path, content):
    shop = shop_of(tmp_path)
    shop.write("a.xlsx", content)
    (row,) = shop.ingest().rows
    assert row.file.endswith("a.xlsx")
    assert row.outcome == ("failed" if content else "empty")
    shop.write("a.xlsx", book({"one": rows("a")}))
    assert shop.ingest().total("rows_accepted") == 1


# --- rows that sheets repeat --------------------------------------------------------------------------------


INVOICES = st.lists(
    st.lists(st.tuples(st.sampled_from("pq"), st.integers(1, 2)), min_size=1, max_size=3),
    min_size=1,
    max_size=6,
)
"""Lines of each invoice, product and quantity; equal ones are copies."""


@settings(max_examples=15)
@given(invoices=INVOICES, kind=st.sampled_from(["orders", "lines", "events"]), data=st.data())
def test_overlapping_slices_over_sheets_and_files_give_each_row_once(tmp_path_factory, invoices, kind, data):
    more = "" if kind == "events" else f'states = "{kind}"'
    root = tmp_path_factory.mktemp("slices")
    shop = Shop.make(root, EVENTS) if kind == "events" else shop_of(root, more=more)
    exported = [
        [(f"o{number}", product, count, 2, f"2025-03-{number + 1:02}") for product, count in lines]
        for number, lines in enumerate(invoices)
    ]
    bounds = st.integers(0, len(exported))
    drawn = data.draw(st.lists(st.tuples(bounds, bounds), min_size=1, max_size=5))
    parts = [
        [HEADER, *(line for lines in exported[min(ends) : max(ends)] for line in lines)]
        for ends in [*drawn, (0, len(exported))]
    ]
    for number in range(0, len(parts), 3):
        chosen = parts[number : number + 3]
        if data.draw(st.booleans()):
            shop.write(f"{number}.xlsx", book({f"s{index}": part for index, part in enumerate(chosen)}))
        else:
            for index, part in enumerate(chosen):
                shop.write(f"{number}-{index}.csv", sheet_csv(part))
        if data.draw(st.booleans()):
            shop.ingest()
    shop.ingest()
    lines = [line for lines in exported for line in lines]
    if kind == "events":
        assert len(shop.rows("user_id")) == len({line[:3] for line in lines})
    else:
        actual = Counter(shop.rows("order_id", "product_id", "quantity", entity="order_items"))
        assert actual == Counter(line[:3] for line in lines)
    assert shop.ingest().rows == []


def test_of_a_workbook_exported_again_only_the_changed_sheet_is_read(tmp_path):
    shop = shop_of(tmp_path)
    shop.write("a.xlsx", book({"one": rows("a"), "two": rows("b")}))
    shop.ingest()
    shop.write("a.xlsx", book({"one": rows("a"), "two": rows("b", "c"), "three": rows("d")}))
    report = shop.ingest()
    assert [(row.file.partition("!")[2], row.rows_accepted, row.rows_duplicate) for row in report.rows] == [
        ("two", 1, 1),
        ("three", 1, 0),
    ]
    assert report.skipped == 1
    assert orders_of(shop) == ["a", "b", "c", "d"]


def test_a_sheet_under_another_name_adds_nothing(tmp_path):
    shop = shop_of(tmp_path)
    shop.write("a.xlsx", book({"one": rows("a"), "copy of one": rows("a")}))
    shop.write("b.csv", sheet_csv(rows("a")))
    assert [row.outcome for row in shop.ingest().rows] == ["loaded", "identical", "identical"]
    assert orders_of(shop) == ["a"]


@pytest.mark.slow
def test_sheets_are_read_again_and_forgotten_by_themselves_and_together(tmp_path):
    shop = shop_of(tmp_path)
    shop.write("a.xlsx", book({"one": rows("a"), "two": rows("b")}))
    shop.ingest()
    shop.forget("a.xlsx!one")
    assert orders_of(shop) == ["b"]
    again = shop.ingest()
    assert (again.rows, again.forgotten, again.skipped) == ([], 1, 1)
    shop.read_again("a.xlsx")
    assert orders_of(shop) == ["a", "b"]
    shop.write("a.xlsx", book({"zero": rows("z"), "one": rows("a"), "two": rows("b")}))
    report = shop.read_again("lines")  # the other sheets are what they were, although the file is not
    assert (len(report.retired), report.kept) == (2, [])
    assert shop.ingest().total("rows_accepted") == 1


# --- lakes of older versions ----------------------------------------------------------------------------------


@pytest.fixture
def as_one_file(monkeypatch, tmp_path_factory):
    """Returns a function that ingests a shop as an older version did: all sheets of a workbook are one file."""

    def ingest(shop, *sheets):
        text = tmp_path_factory.mktemp("old") / "sheets.csv"
        text.write_text(sheet_csv([HEADER, *(row for sheet in sheets for row in sheet[1:])]), "utf-8")
        with monkeypatch.context() as patch:
            patch.setattr("shopwright.ingest.files.list_sheets", lambda *_: ())
            patch.setattr(
                plain_files, "_take_sheet", lambda _, mapping, __: PlainFile(text, mapping, scan_text(text))
            )
            report = shop.ingest()
        assert all(is_whole_workbook(row.file) for row in report.rows if ".xlsx" in row.file)

    return ingest


ONE, TWO = rows("a", "b"), rows("b", "c")


def test_a_workbook_that_was_read_as_one_file_is_known(tmp_path, as_one_file):
    shop = shop_of(tmp_path)
    shop.write("a.xlsx", book({"one": ONE, "two": TWO}))
    as_one_file(shop, ONE, TWO)
    before = orders_of(shop)
    report = shop.ingest()
    assert (report.rows, report.skipped) == ([], 2)
    shop.write("copy.xlsx", (shop.raw / "a.xlsx").read_bytes())
    assert shop.ingest().rows == []
    (shop.raw / "copy.xlsx").unlink()
    shop_of(tmp_path, name="renamed")
    assert shop.ingest().rows == []
    assert orders_of(shop) == before == ["a", "b", "b", "c"]


def test_a_workbook_that_was_read_as_one_file_and_forgotten_stays_forgotten(tmp_path, as_one_file):
    shop = shop_of(tmp_path)
    shop.write("a.xlsx", book({"one": ONE, "two": TWO}))
    as_one_file(shop, ONE, TWO)
    shop.forget("a.xlsx")
    report = shop.ingest()
    assert (report.rows, report.forgotten) == ([], 2)
    shop.read_again("a.xlsx")
    assert orders_of(shop) == ["a", "b", "c"]


@pytest.mark.slow
def test_reading_it_again_reads_its_sheets(tmp_path, as_one_file):
    shop = shop_of(tmp_path)
    shop.write("a.xlsx", book({"one": ONE, "two": TWO}))
    as_one_file(shop, ONE, TWO)
    report = shop.read_again("lines")
    assert [(row.rows_accepted, row.rows_duplicate) for row in report.rows] == [(2, 0), (1, 1)]
    assert orders_of(shop) == ["a", "b", "c"]
    assert shop.ingest().rows == []
    assert len(shop.read_again("a.xlsx").retired) == 2


def test_one_that_changed_is_read_by_sheets_and_repeats_nothing(tmp_path, as_one_file):
    shop = shop_of(tmp_path, more='states = "lines"')
    shop.write("a.xlsx", book({"one": ONE, "two": rows("c")}))
    as_one_file(shop, ONE, rows("c"))
    first = (shop.raw / "a.xlsx").read_bytes()
    shop.write("a.xlsx", book({"one": ONE, "two": rows("c", "d")}))
    assert shop.ingest().total("rows_accepted") == 1
    shop.write("a.xlsx", first)
    shop.ingest()
    assert orders_of(shop) == ["a", "b", "c", "d"]


def test_behind_it_other_files_keep_their_place(tmp_path, as_one_file):
    shop = shop_of(tmp_path)
    shop.write("a.xlsx", book({"one": ONE, "two": TWO}))
    as_one_file(shop, ONE, TWO)
    shop.write("b.csv", sheet_csv([HEADER, ("c", "other", 5, 2, DAY)]))
    shop.ingest()
    report = shop.read_again("a.xlsx")
    assert report.rows == []
    (kept,) = report.kept
    assert "was read as one file by an older version" in kept.reason
    shop.forget("lines")
    shop_of(tmp_path, name="anew")
    shop.ingest()
    assert orders_of(shop) == ["a", "b", "c", "c"]  # the order's two statements; staging keeps the later one
