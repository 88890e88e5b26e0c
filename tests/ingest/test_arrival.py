"""However the same records arrive, the lake ends the same and the ledger balances."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections import Counter

import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from shopwright.testing import Shop

SETTINGS = """
[[sources]]
name = "it"
adapter = "mapped"
path = ["raw", "late/*.csv"]
[sources.map]
event_at = "when"
event_type = {value = "product_view"}
user_id = "who"
product_id = "product"
SOURCE_ID
"""
ROWS = st.tuples(
    st.integers(0, 3).map("2024-03-01 10:00:0{}".format),
    st.sampled_from(["anna", "bert", ""]),
    st.sampled_from(["17", "18"]),
    st.sampled_from(["1", "2", "3"]),
)


def _csv(rows):
    return "".join(",".join(row) + "\n" for row in [("when", "who", "product", "id"), *rows]).encode()


def _zip(content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", content)
    return buffer.getvalue()


PACKINGS = {
    ".csv": lambda content: content,
    ".csv.gz": gzip.compress,
    ".csv.zst": zstandard.ZstdCompressor().compress,
    ".zip": _zip,
}


def _settings(*, has_id):
    return SETTINGS.replace("SOURCE_ID", 'source_event_id = "id"' if has_id else 'search_query = "id"')


@settings(max_examples=20)
@given(data=st.data(), has_id=st.booleans())
def test_any_split_order_and_repetition_lands_the_same_rows_once(tmp_path_factory, data, has_id):
    rows = data.draw(st.lists(ROWS, min_size=1, max_size=12))
    repeats = data.draw(st.lists(st.sampled_from(rows), max_size=6))
    arriving = data.draw(st.permutations(rows + repeats))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arriving)), max_size=3)))
    chunks = [arriving[start:end] for start, end in zip([0, *cuts], [*cuts, len(arriving)], strict=True)]
    shop = Shop.make(tmp_path_factory.mktemp("arrival"), _settings(has_id=has_id))
    for number, part in enumerate(chunks):
        ending = data.draw(st.sampled_from(sorted(PACKINGS)))
        shop.write(f"{number}{ending}", PACKINGS[ending](_csv(part)))
        if data.draw(st.booleans()):
            shop.ingest()
    shop.ingest()
    _check(shop, arriving, has_id=has_id)
    before = len(shop.ledger())
    assert shop.ingest().rows == []
    assert len(shop.ledger()) == before


def _check(shop, arriving, *, has_id):
    good = _changes(arriving) if has_id else {row for row in arriving if row[1]}
    id_column = "source_event_id" if has_id else "search_query"
    landed = [(str(at), *rest) for at, *rest in shop.rows("event_at", "user_id", "product_id", id_column)]
    assert landed == sorted(good)
    ledger = shop.ledger()
    fresh = [row for row in ledger if row.outcome != "identical"]
    assert sum(row.rows_read for row in ledger) == len(arriving)
    assert sum(row.rows_accepted for row in ledger) == len(good)
    assert sum(row.rows_quarantined for row in fresh) == len(shop.quarantine())
    bad = Counter(",".join(row) for row in arriving if not row[1])
    quarantined = Counter(item.raw for item in shop.quarantine())
    assert set(quarantined) == set(bad)
    assert all(quarantined[raw] <= bad[raw] for raw in quarantined)


def _changes(arriving):
    """Rows with an id of their own that are not what their id had last: each of them is a new state."""
    current, changes = {}, []
    for row in arriving:
        if row[1] and current.get(row[3]) != row:
            current[row[3]] = row
            changes.append(row)
    return changes


@settings(max_examples=10)
@given(
    rows=st.lists(ROWS.filter(lambda row: row[1] != ""), min_size=1, max_size=10, unique=True),
    steps=st.lists(st.integers(1, 10), max_size=3),
)
def test_a_file_that_grows_lands_each_record_once(tmp_path_factory, rows, steps):
    shop = Shop.make(tmp_path_factory.mktemp("growing"), _settings(has_id=False))
    previous = 0
    for step in [*sorted(steps), len(rows)]:
        shop.write("day.csv", _csv(rows[:step]))
        report = shop.ingest()
        now = len(rows[:step])
        assert report.total("rows_accepted") == max(now - previous, 0)
        previous = max(previous, now)
    assert len(shop.rows("user_id")) == len(rows)


def test_a_glob_a_folder_and_a_file_name_the_same_file_once(tmp_path):
    shop = Shop.make(
        tmp_path,
        _settings(has_id=False).replace('["raw", "late/*.csv"]', '["raw", "raw/*.csv", "raw/day.csv"]'),
    )
    shop.write("day.csv", _csv([("2024-03-01", "anna", "17", "1")]))
    shop.write("deep/er/day2.csv", _csv([("2024-03-02", "anna", "17", "1")]))
    assert [row.outcome for row in shop.ingest().rows] == ["loaded", "loaded"]


def test_records_with_the_same_own_id_but_other_content_both_land(tmp_path):
    shop = Shop.make(tmp_path, _settings(has_id=True))
    shop.write("a.csv", _csv([("2024-03-01", "anna", "17", "1")]))
    shop.write("b.csv", _csv([("2024-03-01", "anna", "18", "1")]))
    assert shop.ingest().total("rows_accepted") == 2


def test_late_rows_between_known_ones_are_not_taken_for_known(tmp_path):
    shop = Shop.make(tmp_path, _settings(has_id=False))
    shop.write(
        "a.csv",
        _csv([("2024-03-01 10:00:00", "anna", "17", "1"), ("2024-03-01 10:00:02", "anna", "17", "1")]),
    )
    shop.ingest()
    shop.write(
        "b.csv",
        _csv([("2024-03-01 10:00:01", "anna", "17", "1"), ("2024-03-01 10:00:02", "anna", "17", "1")]),
    )
    report = shop.ingest()
    assert (report.total("rows_accepted"), report.total("rows_duplicate")) == (1, 1)
