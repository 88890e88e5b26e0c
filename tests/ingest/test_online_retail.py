"""Invoice lines: every published form of the file, copies that are kept, workbooks, and the real year."""

# ruff: noqa: DTZ001  # naive UTC, as the lake is read

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import datetime
from decimal import Decimal
from functools import cache

import openpyxl
import pytest
import zstandard

from shopwright.core.engine import connect
from shopwright.ingest import workbooks
from shopwright.ingest.adapters.online_retail import COLUMNS
from shopwright.lake.delta import Lake, read_sql
from shopwright.testing import AdapterContract, Shop
from shopwright.testing.adapters import EXTRA

SETTINGS = '[[sources]]\nname = "it"\nadapter = "online_retail"\npath = "{path}"\n'
SEQUEL = ("Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country")
LOADED_COLUMNS = (
    "order_id",
    "product_id",
    "product_name",
    "quantity",
    "ordered_at",
    "unit_price",
    "customer_id",
    "ship_country",
    "kind",
    "kind_rule",
)
AT = datetime(2010, 12, 1, 8, 26)
# invoice, code, description, quantity, time, price, customer, country
LINES = (
    ("536365", "85123A", "HEART, £5 T-LIGHT", 6, AT, 2.55, 17850, "United Kingdom"),
    ("C536379", "D", "Discount", -1, AT, 27.5, 14527, "United Kingdom"),
    ("536544", "22960", "JAM JAR", 1, AT, 0.001, None, "EIRE"),
)
EXPECTED = (
    (
        "536365",
        "85123A",
        "HEART, £5 T-LIGHT",
        6,
        AT,
        Decimal("2.5500"),
        "17850",
        "United Kingdom",
        "sale",
        "sale",
    ),
    (
        "C536379",
        "D",
        "Discount",
        -1,
        AT,
        Decimal("27.5000"),
        "14527",
        "United Kingdom",
        "discount",
        "discount",
    ),
    ("536544", "22960", "JAM JAR", 1, AT, Decimal("0.0010"), None, "EIRE", "sale", "sale"),
)


def _csv(lines, *, at="%Y-%m-%d %H:%M:%S", header=COLUMNS, extra=False):
    """A file of lines, as the first data set writes them; customers get a point and a zero."""
    made = io.StringIO(newline="")
    write = csv.writer(made, lineterminator="\n")
    write.writerow([*header, EXTRA] if extra else header)
    for *cells, time, price, customer, country in lines:
        row = [*cells, time.strftime(at), price, f"{customer}.0" if customer else "", country]
        write.writerow([*row, "left"] if extra else row)
    return made.getvalue()


def _workbook(sheets):
    """The bytes of a workbook: names of sheets to their rows."""
    book, made = openpyxl.Workbook(write_only=True), io.BytesIO()
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(made)
    return made.getvalue()


class _Invoices(AdapterContract):
    settings = 'adapter = "online_retail"'
    entity = "order_items"
    columns = LOADED_COLUMNS
    expected = EXPECTED
    counts_copies = True


class TestCsv(_Invoices):
    file_name = "online_retail.csv"

    def file(self, numbers, *, extra=False):
        return _csv([LINES[number] for number in numbers], extra=extra).encode()

    def torn(self):
        return self.file(self.all()).rpartition(b",")[0]


class TestLatin1WithAmericanDates(_Invoices):
    file_name = "data.csv"
    at = "%m/%d/%Y %H:%M"

    def file(self, numbers, *, extra=False):
        return _csv([LINES[number] for number in numbers], at=self.at, extra=extra).encode("latin-1")

    def torn(self):
        return self.file(self.all()).rpartition(b",")[0]


class TestShortYears(TestLatin1WithAmericanDates):
    at = "%-m/%-d/%y %-H:%M"


@cache
def _invoices(numbers, extra):
    rows = [[*LINES[number], "left"] if extra else LINES[number] for number in numbers]
    return _workbook({"Online Retail": [[*COLUMNS, EXTRA] if extra else COLUMNS, *rows]})


class TestXlsx(_Invoices):
    file_name = "Online Retail.xlsx"

    def file(self, numbers, *, extra=False):
        return _invoices(tuple(numbers), extra)

    def torn(self):
        return None


def _take(tmp_path, name, content):
    shop = Shop.make(tmp_path, SETTINGS.format(path="raw"))
    shop.write(name, content)
    shop.ingest()
    return shop


def _loaded_rows(shop):
    return sorted(shop.rows(*LOADED_COLUMNS, entity="order_items"), key=repr)


EXPECTED_ROWS = sorted(EXPECTED, key=repr)


# --- forms of the file ------------------------------------------------------------------------------------


def test_the_sequels_column_names_are_the_same_columns(tmp_path):
    shop = _take(tmp_path, "online_retail_II.csv", _csv(LINES, header=SEQUEL))
    assert _loaded_rows(shop) == EXPECTED_ROWS
    assert shop.ledger()[0].new_columns is None


def test_a_file_read_in_another_encoding_says_so(tmp_path):
    (row,) = _take(tmp_path, "data.csv", _csv(LINES).encode("latin-1")).ledger()
    assert (row.outcome, row.reason) == ("loaded", "not valid UTF-8, so it was read as latin-1")


def test_a_packed_file_is_read_in_another_encoding_too(tmp_path):
    packed = zstandard.ZstdCompressor().compress(_csv(LINES).encode("latin-1"))
    assert _loaded_rows(_take(tmp_path, "data.csv.zst", packed)) == EXPECTED_ROWS


def test_an_encoding_that_is_stated_is_the_one_that_counts(tmp_path):
    shop = Shop.make(tmp_path, SETTINGS.format(path="raw") + 'encoding = "cp1252"\n')
    shop.write("data.csv", _csv([(*LINES[0][:2], "€ 5", *LINES[0][3:])]).encode("cp1252"))
    shop.ingest()
    assert shop.rows("product_name", entity="order_items") == [("€ 5",)]
    assert shop.ledger()[0].reason is None


def test_a_missing_column_is_named_with_its_near_match(tmp_path):
    content = _csv(LINES).replace("StockCode", "StockCod")
    (row,) = _take(tmp_path, "data.csv", content).ledger()
    assert row.outcome == "failed"
    assert "column 'StockCode' is missing; did you mean 'StockCod'" in row.reason


@pytest.mark.parametrize("blanks", ["", "\n"], ids=["fast", "slow"])
def test_hostile_lines_are_put_aside_one_by_one_and_the_others_are_kept_as_they_are(tmp_path, blanks):
    good = 'C1," d ","5"" nail, £ 🛒\nnext",1,2010-12-01 08:26:00,1e1,,"Zoë\'s"'
    bad = {
        "1,a,x,one,2010-12-01 08:26:00,1,,UK": "quantity_unreadable",
        "1,a,x,,2010-12-01 08:26:00,1,,UK": "quantity_missing",
        "1,a,x,1,13/13/2010 08:26,1,,UK": "ordered_at_unreadable",
        "1,a,x,1,2010-12-01 08:26:00,£1,,UK": "unit_price_unreadable",
        ",a,x,1,2010-12-01 08:26:00,1,,UK": "order_id_missing",
        "1,a,x,99999999,2010-12-01 08:26:00,1,,UK": "quantity_out_of_range",
        "1,a,x,1,2010-12-01 08:26:00,1,UK": "too_few_fields",
    }
    shop = _take(tmp_path, "data.csv", "\n".join([",".join(COLUMNS), good, *bad]) + "\n" + blanks)
    assert [(item.raw, item.rules) for item in shop.quarantine()] == [
        (raw, (rule,)) for raw, rule in bad.items()
    ]
    name = '5" nail, £ 🛒\nnext'
    assert _loaded_rows(shop) == [
        ("C1", "d", name, 1, AT, Decimal("10.0000"), None, "Zoë's", "discount", "discount")
    ]


def test_a_file_of_blank_lines_is_empty(tmp_path):
    for number, content in enumerate([b"\n\n", b"\r\n", b"\xef\xbb\xbf\n\n\n"]):
        (row,) = _take(tmp_path / str(number), "data.csv", content).ledger()
        assert (row.outcome, row.reason) == ("empty", "the file has only blank lines")


# --- workbooks --------------------------------------------------------------------------------------------


def test_all_sheets_with_the_header_are_read_and_the_others_are_named(tmp_path):
    book = _workbook(
        {
            "Notes": [["About this file"], ["Nothing"]],
            "Year 2009-2010": [SEQUEL, LINES[0], LINES[1]],
            "Year 2010-2011": [SEQUEL, LINES[2]],
        }
    )
    shop = _take(tmp_path, "online_retail_II.xlsx", book)
    assert _loaded_rows(shop) == EXPECTED_ROWS
    assert [(row.file.partition("!")[2], row.outcome, row.rows_accepted) for row in shop.ledger()] == [
        ("Notes", "empty", 0),
        ("Year 2009-2010", "loaded", 2),
        ("Year 2010-2011", "loaded", 1),
    ]
    assert shop.ledger()[0].reason == "skipped: it lacks columns that other sheets of its workbook have"


def test_a_sheets_bad_rows_are_put_aside_by_their_row_and_can_be_replayed(tmp_path):
    bad = [*LINES[0][:3], "six", *LINES[0][4:]]
    rows = [[], COLUMNS, LINES[0], [], bad, LINES[2]]
    shop = _take(tmp_path, "data.xlsx", _workbook({"One": rows}))
    (item,) = shop.quarantine()
    assert (item.line_number, item.rules) == (5, ("quantity_unreadable",))
    assert item.raw == '536365,85123A,"HEART, £5 T-LIGHT",six,2010-12-01 08:26:00,2.55,17850,United Kingdom'
    assert shop.replay().still_open == 1
    assert len(_loaded_rows(shop)) == 2


def test_cells_are_written_as_an_export_would():
    cells = [6.0, 2.55, 0.001, "C1", True, None, datetime(2010, 12, 1, 8, 25, 59, 999_500), AT.date()]
    texts = ["6", "2.55", "0.001", "C1", "true", "None", "2010-12-01 08:26:00", "2010-12-01 00:00:00"]
    assert [workbooks._text(value) for value in cells] == texts


def test_a_workbook_is_read_through_column_names_too(tmp_path):
    shop = Shop.make(
        tmp_path,
        '[[sources]]\nname = "it"\nadapter = "mapped"\npath = "raw"\nentity = "products"\n'
        '[sources.map]\nproduct_id = "Code"\nname = "Label"\n',
    )
    shop.write("products.xlsx", _workbook({"Sheet1": [["Code", "Label"], [17, "Crème"], ["017", None]]}))
    shop.ingest()
    assert shop.rows("product_id", "name", entity="products") == [("017", None), ("17", "Crème")]


def test_a_workbook_lies_unnoticed_in_a_folder_of_another_adapter(tmp_path):
    shop = Shop.make(tmp_path, '[[sources]]\nname = "it"\nadapter = "event_stream"\npath = "raw"\n')
    shop.write("day.jsonl", '{"timestamp": "2024-03-01", "event_type": "page_view", "user_id": "a"}\n')
    shop.write("report.xlsx", _workbook({"One": [["a"]]}))
    assert len(shop.ingest().rows) == 1


def test_what_is_no_workbook_fails_with_a_reason(tmp_path):
    (row,) = _take(tmp_path, "data.xlsx", b"PK\x03\x04 nothing").ledger()
    assert row.outcome == "failed"
    assert "is not a readable workbook" in row.reason


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
    (row,) = _take(tmp_path, "data.xlsx", _invoices((0,), extra=False)).ledger()
    assert row.outcome == "failed"
    assert "pip install 'shopwright[excel]'" in row.reason


# --- the real year ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(real_data):
    source_file = real_data / "online_retail" / "online_retail.csv.zst"
    if not source_file.exists():
        pytest.skip(f"no {source_file}; set SHOPWRIGHT_REAL_DATA to a folder that has online_retail/")
    return source_file


@pytest.fixture(scope="module")
def raw(file):
    """The lines as Python's csv module reads them, without looking at the product."""
    with file.open("rb") as stream:
        text = zstandard.ZstdDecompressor().stream_reader(stream).read().decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture(scope="module")
def loaded_shop(file, tmp_path_factory):
    shop = Shop.make(tmp_path_factory.mktemp("retail"), SETTINGS.format(path=file))
    shop.ingest()
    return shop


@pytest.fixture(scope="module")
def lines(loaded_shop):
    """Runs SQL over the landed lines."""
    files = [item.path for item in Lake(loaded_shop.project.lake).files("order_items")]
    with connect(threads=2) as connection:
        connection.execute(f"create view lines as {read_sql('order_items', files)}")
        yield lambda sql: connection.execute(f"select {sql} from lines").fetchone()


def test_every_line_of_the_year_lands_and_the_total_is_exact(raw, loaded_shop, lines):
    (row,) = loaded_shop.ledger()
    assert (row.rows_read, row.rows_accepted, row.rows_quarantined, row.rows_duplicate) == (
        541_909,
        541_909,
        0,
        0,
    )
    total = sum(int(line["Quantity"]) * Decimal(line["UnitPrice"]) for line in raw)
    assert total == Decimal("9747747.934")
    assert lines("sum(quantity * unit_price), count(*)") == (total, len(raw))


def test_invoices_customers_and_cancellations_of_the_year_are_counted(raw, lines):
    expected_rows = (
        len({line["InvoiceNo"] for line in raw}),
        len({line["CustomerID"] for line in raw} - {""}),
        sum(not line["CustomerID"] for line in raw),
        sum(line["InvoiceNo"].startswith("C") for line in raw),
    )
    assert expected_rows == (25_900, 4_372, 135_080, 9_288)
    assert expected_rows == lines(
        "count(distinct order_id), count(distinct customer_id), count(*) - count(customer_id), "
        "count(*) filter (order_id like 'C%')"
    )
    assert lines("count(*) filter (customer_id like '%.%')") == (0,)


def test_the_years_equal_lines_are_kept_as_copies(raw, lines):
    times = Counter(tuple(line.values()) for line in raw)
    expected_rows = Counter(number for count in times.values() for number in range(1, count + 1))
    assert sum(count for number, count in expected_rows.items() if number > 1) == 5_268
    assert lines("min(copy_number), max(copy_number), count(copy_number)") == (
        1,
        max(expected_rows),
        len(raw),
    )
    for number, count in expected_rows.items():
        assert lines(f"count(*) filter (copy_number = {number})") == (count,)


def test_each_rules_count_of_the_year_is_in_the_ledger(raw, loaded_shop):
    (row,) = loaded_shop.ledger()
    counts = row.rule_counts
    assert sum(counts.values()) == len(raw)
    by_code = Counter(line["StockCode"].upper() for line in raw)
    assert {name: counts[name] for name in ("discount", "manual", "sample", "carriage", "bank_charges")} == {
        "discount": by_code["D"],
        "manual": by_code["M"],
        "sample": by_code["S"],
        "carriage": by_code["C2"],
        "bank_charges": by_code["BANK CHARGES"],
    }
    assert counts["postage"] == by_code["POST"] + by_code["DOT"] == 1_966
    assert counts["fees"] == by_code["AMAZONFEE"] == 34
    assert (counts["charity"], counts["pads"], counts["bad_debt"], counts["gift_voucher"]) == (16, 4, 3, 34)
    negative = [line for line in raw if int(line["Quantity"]) < 0]
    free = [line for line in negative if Decimal(line["UnitPrice"]) == 0]
    no_goods = {"D", "M", "S", "POST", "DOT", "C2", "BANK CHARGES", "AMAZONFEE", "CRUK", "B"}
    assert counts["stock_adjustment"] == sum(line["StockCode"].upper() not in no_goods for line in free)
    assert counts["return"] == sum(line["StockCode"].upper() not in no_goods for line in negative) - len(free)
    assert json.loads(row.rules)["sale"] == 528_919


def test_a_second_file_that_repeats_the_year_in_part_adds_nothing(raw, loaded_shop, lines):
    made = io.StringIO(newline="")
    write = csv.DictWriter(made, COLUMNS, lineterminator="\n")
    write.writeheader()
    # whole invoices: a file states all lines of the invoices in it
    cut = {raw[index]["InvoiceNo"] for index in (99_999, 100_000, 102_999, 103_000)}
    part = [row for row in raw[100_000:103_000] if row["InvoiceNo"] not in cut]
    write.writerows(part)
    shop = Shop.make(loaded_shop.root, SETTINGS.format(path="raw"))
    shop.write("part.csv", made.getvalue())
    report = shop.ingest()
    assert len(part) > 2_500
    assert (report.total("rows_accepted"), report.total("rows_duplicate")) == (0, len(part))
    assert lines("count(*)") == (541_909,)
