"""The engine's reader and our own record splitter give the same rows, and the same reasons against others."""

# ruff: noqa: DTZ001  # naive UTC, as the lake is read

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopwright.core.engine import connect
from shopwright.testing import Shop

SETTINGS = """
[[sources]]
name = "it"
adapter = "mapped"
path = "raw/*.csv"
[sources.map]
event_at = "when"
event_type = {value = "product_view"}
user_id = "who"
product_id = "product"
price = "price"
search_query = "note"
"""
COLUMNS = ("event_at", "user_id", "product_id", "price", "search_query", "properties")

plain = st.text(alphabet="ab Zé🛒'-=;\\", max_size=6)
times = st.datetimes(datetime(2020, 1, 1), datetime(2025, 1, 1)).map(lambda at: f"{at.isoformat()}Z")
prices = st.decimals(0, 1000, places=2).map(str)
good_rows = st.tuples(times, plain.filter(str.strip), plain.filter(str.strip), prices, plain, plain)
any_rows = st.tuples(
    times | plain,
    plain,
    plain,
    prices | plain | st.sampled_from(["-1", "1e3", "0x1", "NaN"]),
    plain | st.sampled_from(['""', '"a, b"', '"say ""hi"""', '5" nail']),
    plain,
) | st.tuples(plain, plain)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("paths")


def _outcome(folder, number, content):
    shop = Shop.make(folder / str(number), SETTINGS)
    shop.write("it.csv", content)
    shop.ingest()
    (row,) = shop.ledger()
    counts = (row.rows_read, row.rows_accepted, row.rows_quarantined, row.rows_duplicate)
    return counts, shop.rows(*COLUMNS), [(item.raw, set(item.rules)) for item in shop.quarantine()]


def _both(tmp_path_factory, rows):
    lines = ["when,who,product,price,note,more", *(",".join(row) for row in rows)]
    lines = [line for line in lines if line]
    folder = tmp_path_factory.mktemp("both")
    fast = _outcome(folder, "fast", "\n".join(lines) + "\n")
    slow = _outcome(folder, "slow", "\n".join(lines) + "\n\n")
    return fast, slow


@settings(max_examples=10)
@given(rows=st.lists(good_rows, min_size=1, max_size=8))
def test_a_clean_file_lands_the_same_rows_on_both_paths(tmp_path_factory, rows):
    fast, slow = _both(tmp_path_factory, rows)
    assert fast == slow
    assert fast[0][2] == 0


@settings(max_examples=20)
@given(rows=st.lists(any_rows, min_size=1, max_size=8))
def test_a_dirty_file_ends_the_same_way_on_both_paths(tmp_path_factory, rows):
    fast, slow = _both(tmp_path_factory, rows)
    assert fast == slow


def test_lines_of_bad_rows_are_right_among_many_rejected_ones(tmp_path):
    lines = ["when,who,product,price,note,more"]
    for number in range(5000):
        good = f"2024-03-01T10:00:00Z,u{number},p,1,,"
        lines.append({0: "torn", 1: good.replace(",1,", ",-1,")}.get(number % 7, good))
    shop = Shop.make(tmp_path, SETTINGS)
    shop.write("it.csv", "\r\n".join(lines) + "\r\n")
    shop.ingest()
    quarantined = [(item.line_number, item.raw) for item in shop.quarantine()]
    assert quarantined == [
        (at, line) for at, line in enumerate(lines, start=1) if line == "torn" or ",-1," in line
    ]


def test_a_file_larger_than_the_readers_blocks_keeps_its_line_numbers(tmp_path):
    rows = 400_000
    torn, negative = {5, 131_072, 262_144, 399_999}, {0, 200_000, 300_001}
    with connect() as connection:
        connection.execute(
            f"copy (select case when n in {tuple(torn)} then 'torn' else '2024-03-01T10:00:00Z,user' || n || ',p,' || "
            f"if(n in {tuple(negative)}, '-1', '1') || ',a note that fills the line,more' end as line "
            f"from range({rows}) as t(n)) to '{tmp_path / 'it.csv'}' (header false, quote '', delimiter '|')"
        )
    shop = Shop.make(tmp_path / "shop", SETTINGS)
    shop.write("it.csv", b"when,who,product,price,note,more\n" + (tmp_path / "it.csv").read_bytes())
    report = shop.ingest()
    assert (report.total("rows_read"), report.total("rows_quarantined")) == (rows, len(torn | negative))
    assert [item.line_number for item in shop.quarantine()] == sorted(
        number + 2 for number in torn | negative
    )


@pytest.mark.parametrize("size", [1_048_576, 1_048_577])
@pytest.mark.parametrize("start", [0, 300_000], ids=["first", "later"])
def test_the_limit_of_a_record_is_exact(tmp_path, size, start):
    head = "2024-03-01T10:00:00Z,long,p,1,"
    long = head + "x" * (size - len(head) - 1) + ","
    lines = ["when,who,product,price,note,more", *["2024-03-01T10:00:00Z,a,p,1,,"] * (start // 28), long, "x"]
    shop = Shop.make(tmp_path, SETTINGS)
    shop.write("it.csv", "\n".join(lines))
    shop.ingest()
    rules = [item.rules for item in shop.quarantine()]
    assert rules == (
        [("too_few_fields",)] if size == 1_048_576 else [("record_too_long",), ("too_few_fields",)]
    )
