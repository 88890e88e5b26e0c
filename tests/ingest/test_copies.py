"""Equal lines that nothing numbers are copies of one another, counted once however their files overlap."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from shopwright.testing import Shop

COPIES = """
[[sources]]
name = "it"
adapter = "mapped"
path = "raw"
entity = "order_items"
states = "lines"
timestamp_formats = ["{format}"]
[sources.map]
order_id = "order"
product_id = "product"
quantity = "quantity"
unit_price = {{ value = "1.50" }}
ordered_at = "at"
kind = {{ value = "sale" }}
"""
READABLE = COPIES.format(format="%Y-%m-%d")
UNREADABLE = COPIES.format(format="%d.%m.%Y")
ROWS = st.tuples(
    st.sampled_from(["o1", "o2"]),
    st.sampled_from(["p1", "p2", ""]),
    st.sampled_from(["1", "-1"]),
    st.sampled_from(["2024-03-01", "2024-03-02", ""]),
)


def _lines(rows, end=""):
    return "".join(",".join(row) + "\n" for row in [("order", "product", "quantity", "at"), *rows]) + end


def _copies(shop):
    """How often each line is in the lake; its copies are numbered from 1 without a gap."""
    loaded_rows = shop.rows(
        "order_id", "product_id", "quantity", "ordered_at", "copy_number", entity="order_items"
    )
    numbers = {}
    for *line, number in loaded_rows:
        numbers.setdefault(tuple(line), []).append(number)
    assert all(copies == list(range(1, len(copies) + 1)) for copies in numbers.values())
    return Counter({line: len(copies) for line, copies in numbers.items()})


def _typed(row):
    order, product, quantity, at = row
    return order, product or None, int(quantity), datetime.fromisoformat(at) if at else None


def _max_copies(files):
    """Each line as often as in the file that has it most."""
    wanted = Counter()
    for part in files:
        wanted |= Counter(map(_typed, part))
    return wanted


FILES = st.lists(st.lists(ROWS, max_size=8), min_size=1, max_size=4)


@settings(max_examples=25)
@given(files=FILES, data=st.data())
def test_files_that_overlap_or_repeat_keep_every_copy_once(tmp_path_factory, files, data):
    shop = Shop.make(tmp_path_factory.mktemp("copies"), READABLE)
    for number, part in enumerate(files):
        # an empty line sends the file through the other reader
        shop.write(f"{number}.csv", _lines(part, data.draw(st.sampled_from(["", "\n"]))))
        if data.draw(st.booleans()):
            shop.ingest()
    shop.ingest()
    assert _copies(shop) == _max_copies(files)
    ledger = shop.ledger()
    assert sum(row.rows_read for row in ledger) == sum(map(len, files))
    assert sum(row.rows_accepted for row in ledger) == _max_copies(files).total()
    assert shop.ingest().rows == []


@settings(max_examples=10)
@given(files=st.lists(st.lists(ROWS.filter(lambda row: row[3]), max_size=6), min_size=1, max_size=3))
def test_replayed_lines_keep_every_copy_once(tmp_path_factory, files):
    shop = Shop.make(tmp_path_factory.mktemp("replay"), UNREADABLE)
    for number, part in enumerate(files):
        shop.write(f"{number}.csv", _lines(part))
    shop.ingest()
    assert _copies(shop) == Counter()
    Shop.make(shop.root, READABLE)
    shop.replay()
    assert shop.quarantine() == []
    assert _copies(shop) == _max_copies(files)


def test_lines_that_are_numbered_are_not_counted_as_copies(tmp_path):
    shop = Shop.make(tmp_path, READABLE + 'line_number = "product"\n')
    shop.write("a.csv", _lines([("o1", "1", "1", "2024-03-01")] * 2))
    report = shop.ingest()
    assert (report.total("rows_accepted"), report.total("rows_duplicate")) == (1, 1)
    assert shop.rows("copy_number", entity="order_items") == [(None,)]


def test_copies_of_other_entities_stay_duplicates(tmp_path):
    shop = Shop.make(
        tmp_path,
        '[[sources]]\nname = "it"\nadapter = "mapped"\npath = "raw"\nentity = "products"\n'
        '[sources.map]\nproduct_id = "product"\n',
    )
    shop.write("a.csv", _lines([("o1", "p1", "1", "")] * 3))
    assert shop.ingest().total("rows_duplicate") == 2
