"""The same rows exported again, with one more column or read by a mapping that gained a field, add nothing."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopwright.testing import Shop

EVENTS = """
[[sources]]
name = "{source}"
adapter = "mapped"
path = "raw"
[sources.map]
event_at = "when"
event_type = {{ value = "purchase" }}
user_id = "who"
product_id = "product"
price = "price"
"""
GAINED = EVENTS + 'channel = "channel"\n'
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["2025-03-01 10:00:00", "2025-03-01 10:00:01", "2025-03-02 10:00:00"]),
        st.sampled_from(["anna", "bert"]),
        st.sampled_from(["17", "18", ""]),
        st.sampled_from(["5", "7.50"]),
    ),
    min_size=1,
    max_size=10,
)


def _csv(rows, **more):
    header = ["when", "who", "product", "price", *more]
    return "".join(",".join([*row]) + "\n" for row in [header, *((*row, *more.values()) for row in rows)])


def _events(shop):
    return shop.rows("event_at", "user_id", "product_id", "price")


@pytest.mark.slow
@settings(max_examples=15)
@given(rows=ROWS, later=ROWS, gains_field=st.booleans(), data=st.data())
def test_a_re_export_with_one_more_column_adds_only_what_is_new(
    tmp_path_factory, rows, later, gains_field, data
):
    shop = Shop.make(tmp_path_factory.mktemp("again"), EVENTS.format(source="it"))
    shop.write("1.csv", _csv(rows))
    shop.ingest()
    loaded = _events(shop)
    if gains_field:
        Shop.make(shop.root, GAINED.format(source="it"))
    again = data.draw(st.permutations([*dict.fromkeys(rows), *later]))
    shop.write("2.csv", _csv(again, channel="mail"))
    report = shop.ingest()
    new = Counter(set(later) - set(rows))
    assert len(_events(shop)) == len(loaded) + new.total()
    assert report.total("rows_accepted") == new.total()
    assert shop.ingest().rows == []


def test_rows_are_counted_so_that_a_second_one_stays_a_second_one(tmp_path):
    shop = Shop.make(tmp_path, EVENTS.format(source="it"))
    row = ("2025-03-01 10:00:00", "anna", "17", "5")
    shop.write("1.csv", _csv([row], channel="mail"))
    shop.write("2.csv", "".join([_csv([row], channel="mail"), ",".join([*row, "ads"]), "\n"]))
    shop.write("3.csv", _csv([row]))
    report = shop.ingest()
    assert [(row.rows_accepted, row.rows_duplicate) for row in report.rows] == [(1, 0), (1, 1), (0, 1)]


def test_columns_that_both_files_fill_still_tell_rows_apart(tmp_path):
    shop = Shop.make(tmp_path, GAINED.format(source="it"))
    row = ("2025-03-01 10:00:00", "anna", "17", "5")
    shop.write("1.csv", _csv([row], channel="mail"))
    shop.write("2.csv", _csv([row], channel="ads"))
    assert shop.ingest().total("rows_accepted") == 2


def test_rows_of_another_source_are_other_rows_unless_equal_in_every_column(tmp_path):
    shop = Shop.make(tmp_path, EVENTS.format(source="it"))
    row = ("2025-03-01 10:00:00", "anna", "17", "5")
    shop.write("1.csv", _csv([row]))
    shop.ingest()
    Shop.make(tmp_path, GAINED.format(source="other"))
    shop.write("2.csv", _csv([row], channel="mail"))
    shop.ingest()
    assert len(_events(shop)) == 2
