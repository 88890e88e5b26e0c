"""Rows of people who were erased never come back: they are left out, and counted, wherever and however they come."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopwright.core.engine import connect
from shopwright.core.errors import ConfigurationError
from shopwright.ingest.notes import describe_notes
from shopwright.ingest.privacy import hash_text
from shopwright.ingest.tombstones import hash_id
from shopwright.testing import Shop
from shopwright.tombstones import (
    Erasure,
    Tombstones,
    declare,
    is_erased,
    load_tombstones,
    normalize_id,
    save_tombstones,
)

SOURCE = '[[sources]]\nname = "shop"\nadapter = "event_stream"\npath = "raw"\n'


def bury(shop, *names, orders=(), moments=()):
    """Write tombstones of people, orders and moments."""
    tombstones = load_tombstones(shop.project.tombstones)
    pairs = [
        *(("p", name) for name in names),
        *(("o", item) for item in orders),
        *(("m", m) for m in moments),
    ]
    hashes = tuple(tombstones.hash(kind, value) for kind, value in pairs)
    erasure = Erasure(
        f"e{len(tombstones.erasures)}",
        "2026",
        1,
        hashes,
        has_emails=True,
        has_moments=bool(moments),
        is_finished=True,
    )
    save_tombstones(shop.project.tombstones, tombstones.with_erasure(erasure))


def event(**fields):
    """Return an event as a line."""
    return json.dumps({"timestamp": "2024-03-10", "event_type": "page_view", **fields}) + "\n"


@given(st.lists(st.text(max_size=40), max_size=30), st.lists(st.text(max_size=40), max_size=30))
@settings(max_examples=40)
def test_the_engine_and_python_agree_who_was_erased(erased, others):
    tombstones = Tombstones("k" * 64)
    hashes = tuple(tombstones.hash("p", name) for name in erased)
    tombstones = tombstones.with_erasure(Erasure("e", "2026", 1, hashes))
    names = [name.replace("\0", "") for name in [*erased, *others]]
    with connect(threads=1) as connection:
        declare(connection, tombstones)
        rows = connection.execute(
            f"select {is_erased('name')} from (select unnest($names::varchar[]) as name)", {"names": names}
        ).fetchall()
    assert [row[0] for row in rows] == [tombstones.names(name) for name in names]


def test_rows_of_erased_people_are_left_out_and_counted(tmp_path):
    shop = Shop.make(tmp_path, SOURCE)
    bury(shop, "ada", "phone-1", "ada@example.com", orders=("7",), moments=("tablet|1710064800000000",))
    rows = [
        event(user_id="ada"),
        event(user_id="bo"),
        event(user_id="bo", visitor_id="phone-1"),  # somebody else, on a device that was hers
        event(visitor_id="phone-1"),
        event(visitor_id="v2", order_id="7"),
        event(user_id="cleo", order_id="7"),  # somebody else says that the order is theirs
        event(user_id="dora", page_url="/?mail=ADA%40example.com"),
        event(user_id="dora", note="ada@example.community"),
        event(visitor_id="tablet", timestamp="2024-03-10T10:00:00Z"),
        event(visitor_id="tablet", timestamp="2024-03-10T10:00:01Z"),
        event(user_id="ada", timestamp="never"),
        event(user_id="bo", timestamp="never"),
    ]
    shop.write("events.jsonl", "".join(rows))
    shop.write(
        "customers.jsonl",
        '{"customer_id": "Ada@Example.com"}\n{"customer_id": "bo", "mail": "bo@example.com"}\n',
    )
    shop.write("payments.jsonl", '{"order_id": "7", "amount": 9, "method": "card"}\n')
    report = shop.ingest()
    assert report.total("rows_ignored") == 6 + 1 + 1
    assert report.total("rows_quarantined") == 1
    users = shop.rows("user_id", "visitor_id")
    assert sorted(users, key=str) == sorted(
        [("bo", None), ("bo", "phone-1"), ("cleo", None), ("dora", None), (None, "tablet")], key=str
    )
    assert shop.rows("customer_id", entity="customers") == [("bo",)]
    assert [row.raw for row in shop.quarantine()] == [rows[-1].strip()]
    (sentence,) = describe_notes(report.rows)
    assert sentence == "source shop: somebody who was forgotten is named, and nothing was stored, in 8 rows"
    assert shop.ingest().skipped == 3


def test_a_replay_leaves_them_out_too(tmp_path):
    shop = Shop.make(tmp_path, SOURCE)
    shop.write(
        "events.jsonl",
        event(user_id="ada", timestamp="10.3.2024") + event(user_id="bo", timestamp="10.3.2024"),
    )
    shop.ingest()
    bury(shop, "ada")
    Shop.make(tmp_path, SOURCE + 'timestamp_formats = ["%d.%m.%Y"]\n')
    report = shop.replay()
    assert (report.accepted, report.still_open) == (1, 0)
    assert shop.rows("user_id") == [("bo",)]
    assert [row.rows_ignored for row in shop.ledger()] == [0, 1]


def test_an_id_that_a_source_hashes_is_known_by_its_hash(tmp_path):
    source = '[[sources]]\nname = "crm"\nadapter = "mapped"\nentity = "customers"\npath = "raw"\n'
    source += (
        '[sources.map]\ncustomer_id = "email"\n[sources.privacy]\ncustomer_id = "hash"\nproperties = "drop"\n'
    )
    shop = Shop.make(tmp_path, source)
    shop.write("a.csv", "email\nada@example.com\n")
    shop.ingest()
    ((stored,),) = shop.rows("customer_id", entity="customers")
    key = shop.project.privacy_key.read_text().strip()
    assert stored == hash_id(key, "ada@example.com")
    bury(shop, stored)
    shop.write("b.csv", "email\nAda@example.com\nbo@example.com\n")
    report = shop.ingest()
    assert (report.total("rows_ignored"), report.total("rows_accepted")) == (1, 1)


@given(st.text(min_size=1, max_size=30).filter(lambda text: "\0" not in text))
@settings(max_examples=30)
def test_hashes_of_ids_are_the_same_in_python(value):
    with connect(threads=1) as connection:
        connection.execute("set variable privacy_key = 'k'")
        row = connection.execute(f"select {hash_text('$value::varchar')}", {"value": value}).fetchone()
    assert row == (hash_id("k", value),)


def test_ids_are_folded_as_an_ingest_folds_them():
    assert [normalize_id(text) for text in (" 17850.0 ", "A@B.C", "A-1", "1.5")] == [
        "17850",
        "a@b.c",
        "A-1",
        "1.5",
    ]


@pytest.mark.parametrize("content", ["", "{}", '{"format": 1, "key": "k", "erasures": [{}]}'])
def test_nothing_is_loaded_past_tombstones_that_cannot_be_read(tmp_path, content):
    shop = Shop.make(tmp_path, SOURCE)
    shop.write("events.jsonl", event(user_id="ada"))
    shop.project.tombstones.parent.mkdir()
    shop.project.tombstones.write_text(content)
    with pytest.raises(ConfigurationError, match=r"tombstones\.json cannot be read"):
        shop.ingest()


def test_tombstones_are_merged_by_erasure_and_by_key():
    older = Tombstones("k").with_erasure(Erasure("1", "2026", 1, ("a",), is_finished=True))
    newer = older.with_erasure(Erasure("2", "2026", 1, ("b",), is_finished=True))
    merged = older.merged_with(newer)
    assert merged.hashes == {"a", "b"}
    assert [erasure.erasure_id for erasure in merged.unfinished] == ["2"]
    assert newer.merged_with(older).hashes == {"a", "b"}
    with pytest.raises(ConfigurationError, match="another project"):
        older.merged_with(Tombstones("other"))
