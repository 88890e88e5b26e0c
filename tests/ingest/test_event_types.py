"""Types of events that are not ours are kept as ``other`` with their own name; those that a source ignores are counted apart."""

from __future__ import annotations

import json

import pytest

from shopwright.core.engine import connect
from shopwright.core.sql import quote_text
from shopwright.ingest.ledger import LedgerRow
from shopwright.lake.tables import LEDGER, TABLES
from shopwright.testing import Shop

MAPPED = """
[[sources]]
name = "clicks"
adapter = "mapped"
path = "raw"
{more}
[sources.map]
event_at = "when"
event_type = "what"
user_id = "who"
[sources.event_types]
look = "page_view"
pulse = "heartbeat"
share = "other"
"""
STREAM = '[[sources]]\nname = "clicks"\nadapter = "event_stream"\npath = "raw"\n{more}\n'
IGNORE = 'ignore_event_types = ["heartbeat", "scroll"]'
TYPES = ["look", "hover", "Look", "share", "heartbeat", "pulse", " scroll ", "", "it's 🛒"]
ACCEPTED = [
    ("other", "Look"),
    ("other", "hover"),
    ("other", "it's 🛒"),
    ("other", "share"),
    ("page_view", None),
]


def _csv(types, blanks=""):
    lines = [f'2024-03-01 10:00:{number:02},"{text}",anna\n' for number, text in enumerate(types)]
    return "when,what,who\n" + "".join(lines) + blanks


def _counts(rows):
    (row,) = rows
    return row.rows_read, row.rows_accepted, row.rows_quarantined, row.rows_duplicate, row.rows_ignored


def _write(shop, form, types):
    documents = [
        {"when": f"2024-03-01 10:00:{number:02}", "what": text, "who": "anna"}
        for number, text in enumerate(types)
    ]
    match form:
        case "csv":
            shop.write("a.csv", _csv(types))
        case "split":
            shop.write("a.csv", _csv(types, "\n\n"))
        case "jsonl":
            shop.write("a.jsonl", "".join(json.dumps(item) + "\n" for item in documents))
        case "json":
            shop.write("a.json", json.dumps(documents))
        case "parquet":
            values = ", ".join(
                f"({quote_text(item['when'])}, {quote_text(item['what'])}, 'anna')" for item in documents
            )
            with connect() as connection:
                connection.execute(
                    f'copy (select * from (values {values}) as t ("when", what, who)) '
                    f"to {quote_text(str(shop.raw / 'a.parquet'))} (format parquet)"
                )


@pytest.mark.parametrize("form", ["csv", "split", "jsonl", "json", "parquet"])
def test_ignored_types_are_counted_apart_and_others_keep_their_name(tmp_path, form):
    shop = Shop.make(tmp_path, MAPPED.format(more=IGNORE))
    _write(shop, form, TYPES)
    assert _counts(shop.ingest().rows) == (9, 5, 1, 0, 3)
    assert shop.rows("event_type", "event_name") == ACCEPTED
    assert [row.rules for row in shop.quarantine()] == [("event_type_missing",)]
    assert shop.ingest().rows == []


def test_faults_of_an_ignored_row_do_not_matter_and_a_copy_is_ignored_too(tmp_path):
    shop = Shop.make(tmp_path, STREAM.format(more=IGNORE))
    events = [
        {"timestamp": "never", "event_type": "heartbeat"},
        {"timestamp": "2024-03-01", "event_type": "hover", "user_id": "a"},
    ]
    text = "".join(json.dumps(event) + "\n" for event in events)
    shop.write("a.jsonl", text)
    assert _counts(shop.ingest().rows) == (2, 1, 0, 0, 1)
    shop.write("b.jsonl", text)
    report = shop.ingest()
    assert _counts(report.rows) == (2, 0, 0, 1, 1)
    shop.write("c.jsonl", json.dumps(events[0]) + "\n")
    assert shop.ingest().unaccepted == []


def test_the_contracts_name_of_a_type_is_ignored_too(tmp_path):
    shop = Shop.make(tmp_path, MAPPED.format(more='ignore_event_types = ["page_view"]'))
    shop.write("a.csv", _csv(["look", "page_view", "search"]))
    assert _counts(shop.ingest().rows) == (3, 1, 0, 0, 2)


def test_rows_in_quarantine_are_ignored_when_they_are_replayed(tmp_path):
    shop = Shop.make(tmp_path, STREAM.format(more=""))
    shop.write(
        "a.jsonl", json.dumps({"timestamp": "never", "event_type": "heartbeat", "user_id": "a"}) + "\n"
    )
    shop.ingest()
    Shop.make(tmp_path, STREAM.format(more=IGNORE))
    report = shop.replay()
    assert (report.replayed, report.ignored, report.still_open) == (1, 1, 0)
    assert shop.quarantine() == []
    assert shop.replay().replayed == 0


def test_events_that_differ_in_their_own_name_are_two(tmp_path):
    shop = Shop.make(tmp_path, STREAM.format(more=""))
    events = [{"timestamp": "2024-03-01", "event": name, "user_id": "a"} for name in ("x", "y", "x")]
    shop.write("a.jsonl", "".join(json.dumps(event) + "\n" for event in events))
    assert _counts(shop.ingest().rows) == (3, 2, 0, 1, 0)


def test_a_ledger_of_a_version_that_ignored_nothing_reads_as_none(tmp_path, monkeypatch):
    shop = Shop.make(tmp_path, STREAM.format(more=""))
    shop.write("a.jsonl", json.dumps({"timestamp": "2024-03-01", "event": "search", "user_id": "a"}) + "\n")
    with monkeypatch.context() as patch:
        patch.setitem(TABLES, "ledger", tuple(item for item in LEDGER if item.name != "rows_ignored"))
        shop.ingest()
    (row,) = shop.ledger()
    assert (row.rows_read, row.rows_ignored) == (1, 0)
    shop.write("b.jsonl", json.dumps({"timestamp": "2024-03-02", "event": "x", "user_id": "a"}) + "\n")
    shop.ingest()
    assert [type(row) for row in shop.ledger()] == [LedgerRow, LedgerRow]
