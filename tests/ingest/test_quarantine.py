"""Rows put aside are kept as they stood, and land once when what kept them out is mended."""

from __future__ import annotations

import json

import pytest

from shopwright.core.engine import connect
from shopwright.core.errors import ConfigurationError
from shopwright.core.sql import quote_text
from shopwright.ingest.quarantine import count_open, find_open, list_open
from shopwright.testing import NOW, Shop

SETTINGS = """
[[sources]]
name = "clicks"
adapter = "mapped"
path = "raw"
EXTRA
[sources.map]
event_at = "when"
event_type = "what"
user_id = "who"
search_query = "note"
[sources.event_types]
TYPES
"""
HEADER = "when,what,who,note\n"


# read as views of products, events without a product are faults
def settings(types='look = "product_view"', extra=""):
    return SETTINGS.replace("TYPES", types).replace("EXTRA", extra)


MENDED = settings('look = "page_view"')


def counts(report):
    return report.replayed, report.accepted, report.duplicate, report.still_open


@pytest.fixture
def shop(tmp_path):
    new_shop = Shop.make(tmp_path, settings())
    new_shop.write(
        "day.csv",
        HEADER
        + "2024-03-01,look,anna,one\n2024-03-02,page_view,bert,\n2024-03-03,look,,two\n"
        + '2024-03-04,look,carl,"a ""b""\nc"\n2024-03-05,look\n',
    )
    new_shop.ingest()
    return new_shop


def test_open_rows_are_counted_by_file_and_rules(shop):
    open_counts = [(item.rules, item.rows) for item in count_open(shop.project)]
    assert open_counts == [
        (("product_id_missing",), 2),
        (("too_few_fields",), 1),
        (("user_id_missing", "product_id_missing"), 1),
    ]
    assert count_open(shop.project, source="other") == []


def test_open_rows_are_listed_by_line_and_found_by_id(shop):
    rows = shop.quarantine()
    assert [row.line_number for row in rows] == [2, 4, 5, 7]
    assert [row.line_number for row in list_open(shop.project, rule="user_id_missing")] == [4]
    assert [row.line_number for row in list_open(shop.project, limit=2)] == [2, 4]
    assert find_open(shop.project, rows[2].quarantine_id).raw == '2024-03-04,look,carl,"a ""b""\nc"'


def test_an_unknown_id_is_an_error_with_a_near_match(shop):
    with pytest.raises(ConfigurationError, match="did you mean 'clicks-1-"):
        find_open(shop.project, shop.quarantine()[0].quarantine_id[:-1] + "9")


def test_what_a_mended_mapping_accepts_lands_once_and_the_rest_stays(shop):
    Shop.make(shop.root, MENDED)
    assert counts(shop.replay()) == (4, 2, 0, 2)
    assert shop.rows("user_id", "search_query") == [("anna", "one"), ("bert", None), ("carl", 'a "b"\nc')]
    assert [row.line_number for row in shop.quarantine()] == [4, 7]
    assert counts(shop.replay()) == (2, 0, 0, 2)
    assert len(shop.rows("user_id")) == 3


def test_replayed_rows_balance_in_the_ledger(shop):
    Shop.make(shop.root, MENDED)
    shop.replay()
    first, second = shop.ledger()
    assert (second.outcome, second.file) == ("replayed", first.file)
    assert (second.rows_read, second.rows_accepted, second.rows_quarantined) == (4, 2, 2)
    assert first.rows_accepted + second.rows_accepted == len(shop.rows("user_id"))


def test_taking_the_same_file_in_again_after_a_replay_doubles_nothing(shop):
    Shop.make(shop.root, MENDED)
    shop.replay()
    assert shop.ingest().skipped == 1
    shop.write("again.csv", (shop.raw / "day.csv").read_text() + "2024-03-06,look,dora,\n")
    report = shop.ingest()
    assert (report.total("rows_accepted"), report.total("rows_duplicate")) == (1, 3)


def test_a_replay_of_rows_that_landed_meanwhile_counts_them_as_duplicates(shop):
    Shop.make(shop.root, MENDED)
    shop.write("mended.csv", HEADER + "2024-03-01,page_view,anna,one\n")
    shop.ingest()
    assert counts(shop.replay()) == (4, 1, 1, 2)
    assert len(shop.quarantine()) == 2


def test_equal_rows_in_quarantine_land_once_and_are_all_resolved(tmp_path):
    shop = Shop.make(tmp_path, settings())
    shop.write("day.csv", HEADER + "2024-03-01,look,anna,one\n" * 3)
    shop.ingest()
    Shop.make(tmp_path, MENDED)
    assert counts(shop.replay()) == (3, 1, 2, 0)
    assert shop.quarantine() == []


def test_torn_rows_next_to_each_other_stay_apart(tmp_path):
    shop = Shop.make(tmp_path, settings('look = "page_view"'))
    shop.write(
        "day.csv", HEADER + '2024-03-01,look,anna,"a\n2024-03-01,look,bert,b",\n2024-03-02,look,carl,\n'
    )
    shop.ingest()
    before = [item.raw for item in shop.quarantine()]
    report = shop.replay()
    assert (report.replayed, report.accepted, report.still_open) == (len(before), 0, len(before))
    assert [item.raw for item in shop.quarantine()] == before


def test_rows_in_latin_1_land_once_the_encoding_is_stated(tmp_path):
    shop = Shop.make(tmp_path, settings('look = "page_view"'))
    shop.write("day.csv", (HEADER + "2024-03-01,look,Zoë,crème\n2024-03-01,look,anna,\n").encode("latin-1"))
    shop.ingest()
    (row,) = shop.quarantine()
    assert (row.rules, row.raw, row.raw_encoding) == (
        ("invalid_utf8",),
        "2024-03-01,look,Zoë,crème",
        "latin-1",
    )
    assert counts(shop.replay()) == (1, 0, 0, 1)
    Shop.make(tmp_path, settings('look = "page_view"', 'encoding = "latin-1"'))
    assert counts(shop.replay()) == (1, 1, 0, 0)
    assert shop.rows("user_id", "search_query") == [("Zoë", "crème"), ("anna", None)]


def test_bad_rows_of_a_file_that_was_decoded_are_not_decoded_twice(tmp_path):
    shop = Shop.make(tmp_path, settings(extra='encoding = "latin-1"'))
    shop.write("day.csv", (HEADER + "2024-03-01,look,Zoë,\n").encode("latin-1"))
    shop.ingest()
    Shop.make(tmp_path, settings('look = "page_view"', 'encoding = "latin-1"'))
    assert counts(shop.replay()) == (1, 1, 0, 0)
    assert shop.rows("user_id") == [("Zoë",)]


def test_wrong_names_of_a_file_without_a_header_can_be_mended(tmp_path):
    extra = 'header = false\ncolumns = ["what", "when", "who", "note"]'
    shop = Shop.make(tmp_path, settings('look = "page_view"', extra))
    shop.write("day.csv", "2024-03-01,look,anna,\n")
    shop.ingest()
    assert len(shop.quarantine()) == 1
    Shop.make(tmp_path, settings('look = "page_view"', extra.replace('"what", "when"', '"when", "what"')))
    assert counts(shop.replay()) == (1, 1, 0, 0)


def _record(**changes):
    return {"when": "2024-03-01", "what": "look", "who": "anna", "note": "x\ny"} | changes


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("day.jsonl", "".join(json.dumps(_record(who=who)) + "\n" for who in "abc")),
        ("day.json", json.dumps([_record(who=who) for who in "abc"])),
        ("day.json", json.dumps([_record(who=who) for who in "abc"], indent=4)),
    ],
    ids=["lines", "array on one line", "indented array"],
)
def test_json_rows_land_when_the_mapping_is_mended(tmp_path, name, text):
    shop = Shop.make(tmp_path, settings())
    shop.write(name, text)
    shop.ingest()
    assert [json.loads(item.raw)["who"] for item in shop.quarantine()] == ["a", "b", "c"]
    Shop.make(tmp_path, MENDED)
    assert counts(shop.replay()) == (3, 3, 0, 0)
    assert shop.rows("user_id", "search_query") == [(who, "x\ny") for who in "abc"]
    assert counts(shop.replay()) == (0, 0, 0, 0)


def test_a_list_in_the_place_of_a_record_stays_one_record(tmp_path):
    shop = Shop.make(tmp_path, settings('look = "page_view"'))
    lists = [json.dumps([_record(who="a"), _record(who="b")]), json.dumps(_record())]
    shop.write("day.jsonl", "\n".join(lists))
    shop.ingest()
    assert counts(shop.replay()) == (1, 0, 0, 1)
    assert shop.rows("user_id") == [("anna",)]


def test_parquet_rows_land_when_the_mapping_is_mended(tmp_path):
    shop = Shop.make(tmp_path, settings())
    file = shop.raw / "day.parquet"
    with connect() as connection:
        connection.execute(
            "copy (select timestamptz '2024-03-01 10:00:00+02' as \"when\", 'look' as what, n as who, "
            f"1.5 as note from range(3) as t(n)) to {quote_text(str(file))} (format parquet)"
        )
    shop.ingest()
    assert [item.line_number for item in shop.quarantine()] == [1, 2, 3]
    Shop.make(tmp_path, MENDED)
    assert counts(shop.replay()) == (3, 3, 0, 0)
    assert [(str(at), user) for at, user in shop.rows("event_at", "user_id")] == [
        ("2024-03-01 08:00:00", "0"),
        ("2024-03-01 08:00:00", "1"),
        ("2024-03-01 08:00:00", "2"),
    ]


def test_only_the_rows_asked_for_are_tried(shop):
    from shopwright.ingest.quarantine import replay

    Shop.make(shop.root, MENDED)
    assert counts(replay(shop.project, now=NOW, rule="too_few_fields")) == (1, 0, 0, 1)
    assert counts(replay(shop.project, now=NOW, source="other")) == (0, 0, 0, 0)


def test_a_source_that_is_gone_from_the_settings_is_an_error(shop):
    Shop.make(shop.root, MENDED.replace("clicks", "renamed"))
    with pytest.raises(ConfigurationError, match="no longer has that source"):
        shop.replay()
    assert len(shop.quarantine()) == 4


def test_a_replay_killed_before_its_commit_changes_nothing(shop, monkeypatch):
    from shopwright.lake.delta import Lake

    Shop.make(shop.root, MENDED)
    with monkeypatch.context() as patch:
        patch.setattr(Lake, "_append", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            shop.replay()
    report = shop.replay()
    assert (report.accepted, report.still_open) in ((2, 2), (0, 2))
    assert sorted(user for (user,) in shop.rows("user_id")) == ["anna", "bert", "carl"]
    assert len(shop.quarantine()) == 2
