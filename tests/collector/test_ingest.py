"""An ingest takes collected events in, each once, also from under a service that runs."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime, timedelta

import pytest
from events import batch, check_ledger, event, ids, lines, send

from shopwright.collector import Spool
from shopwright.core.errors import BusyError, ConfigurationError
from shopwright.ingest import segments
from shopwright.ingest.ledger import LedgerIndex
from shopwright.ingest.quarantine import replay
from shopwright.ingest.run import ingest
from shopwright.ingest.segments import Segments
from shopwright.testing import Shop


def test_an_ingest_takes_what_was_collected_while_the_service_goes_on(spool, shop):
    send(spool, event(1), event(2), event("bad", event_type=" "))
    report = shop.ingest()
    assert {(row.source, row.rows_accepted, row.rows_quarantined) for row in report.rows} == {
        ("collector", 2, 0),
        ("collector", 0, 1),
    }
    assert send(spool, event(2), event(3)).accepted == 1
    again = shop.ingest()
    assert [row.rows_accepted for row in again.rows] == [1]
    assert shop.ingest().rows == []
    assert ids(shop) == ["1", "2", "3"]
    assert [(row.source, row.rules) for row in shop.quarantine()] == [("collector", ("event_type_missing",))]
    check_ledger(shop)


def test_what_waits_for_an_ingest_is_told(spool, shop):
    def count():
        return segments.count_pending_segments(shop.project, LedgerIndex(shop.ledger())).segments

    assert count() == 0
    send(spool, event(1), event("bad", event_type=None))
    assert count() == 2
    shop.ingest()
    assert count() == 0
    send(spool, event(2))
    assert count() == 1


def test_nothing_waits_where_nothing_was_ever_collected(tmp_path):
    assert segments.count_pending_segments(Shop.make(tmp_path, "").project, LedgerIndex()) is None


def test_a_shop_whose_service_collects_nothing_has_no_such_source(tmp_path):
    shop = Shop.make(tmp_path, "")
    with pytest.raises(ConfigurationError, match="no source in"):
        shop.ingest()
    with pytest.raises(ConfigurationError, match="'collector' is the name"):
        _ = Shop.make(
            tmp_path, '[[sources]]\nname = "collector"\nadapter = "event_stream"\npath = "raw"\n'
        ).project


def test_a_service_that_has_collected_nothing_yet_is_no_error(spool, shop):
    assert shop.ingest().rows == []


def test_collected_events_are_hashed_too(tmp_path):
    shop = Shop.make(tmp_path, '[collector]\nprivacy = { user_id = "hash", properties = "drop" }\n')
    spool = Spool(shop.project)
    send(spool, event("1", user_id="Ada@shop.test", shelf="x"))
    spool.close()
    shop.ingest()
    ((user, properties),) = shop.rows("user_id", "properties")
    assert (len(user), properties) == (32, None)
    assert shop.ingest().rows == []


def test_the_id_of_a_collected_event_cannot_be_dropped(tmp_path):
    shop = Shop.make(tmp_path, '[collector]\nprivacy = { user_id = "drop" }\n')
    with pytest.raises(ConfigurationError, match="an event may have no other id"):
        shop.ingest()


def test_collected_events_and_files_are_taken_in_together(tmp_path):
    shop = Shop.make(tmp_path, '[[sources]]\nname = "clicks"\nadapter = "event_stream"\npath = "raw"\n')
    shop.write("events.jsonl", json.dumps(event("of a file")) + "\n")
    spool = Spool(shop.project)
    send(spool, event("collected"), event("of a file"))
    project = shop.project
    moment = datetime(2026, 1, 1)  # noqa: DTZ001  # naive UTC
    assert ingest(project, now=moment, sources=("clicks",)).total("rows_accepted") == 1
    report = ingest(project, now=moment, sources=("collector",))
    spool.close()
    assert (report.total("rows_accepted"), report.total("rows_duplicate")) == (1, 1)
    assert ids(shop) == ["collected", "of a file"]


HOSTILE = [
    b"[" + json.dumps(event("array")).encode() + b"]",
    json.dumps(event("good")).encode(),
    json.dumps(event("emoji", user_id="Ünal 🛒 \u2028")).encode(),
    json.dumps(event("emoji raw", user_id="Ünal 🛒 \u2028"), ensure_ascii=False).encode(),
    json.dumps(event("nested", properties={"a": {"b": [1, 2, {"c": None}]}})).encode(),
    json.dumps(event("epoch", event_at=1_700_000_000)).encode(),
    json.dumps(
        {
            "event": "product_viewed",
            "timestamp": 1_700_000_000_000,
            "distinct_id": "x",
            "properties": {"product_id": 5, "price": "3.10"},
        }
    ).encode(),
    json.dumps(event("extra", unknown="kept")).encode(),
    json.dumps(event("formula", user_id="=cmd()", page_url="'; drop table events; --")).encode(),
    json.dumps(event("text of numbers", price="12.50", quantity="2")).encode(),
    json.dumps(event("huge", price=10**30)).encode(),
    json.dumps(event("digits", price="1" * 60)).encode(),
    json.dumps(event("hex", price="0x10")).encode(),
    json.dumps(event("half", quantity=1.5)).encode(),
    json.dumps(event("none", quantity=0)).encode(),
    json.dumps(event("negative", price=-1)).encode(),
    json.dumps(event("object", user_id={"a": 1})).encode(),
    json.dumps(event("list", user_id=["a"])).encode(),
    json.dumps(event("blank", user_id="  ")).encode(),
    json.dumps(event("no user", user_id=None)).encode(),
    json.dumps(event("no product", product_id=None)).encode(),
    json.dumps(event("no price", event_type="purchase", price=None)).encode(),  # good: its amount is unknown
    json.dumps(event("old", event_at="1969-12-31")).encode(),
    json.dumps(event("never", event_at="infinity")).encode(),
    json.dumps(event("no time", event_at="yesterday")).encode(),
    json.dumps(event("dance", event_type="dance")).encode(),
    b'{"event_id": "nan", "price": NaN}',
    b'{"event_id": "surrogate", "user_id": "\\ud800"}',
    b'{"event_id": "nul", "user_id": "a\\u0000b"}',
    b'{"event_id": "torn", "user_id": "a',
    b'{"event_id": "twice", "event_id": "thrice"} {}',
    b"{'event_id': 1}",
    b"null",
    b"[]",
    b"{}",
    b'"text"',
    b"\xff\xfe",
    b'{"event_id": "deep", "x": ' + b"[" * 1_500 + b"]" * 1_500 + b"}",
    b'{"event_id": "deeper", "x": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    b'{"event_id": "long", "x": "' + b"x" * 1_100_000 + b'"}',
]


def test_every_event_fares_in_the_ingest_as_its_sender_was_told(spool, shop):
    records = lines(*HOSTILE)
    receipt = spool.submit(records).result(timeout=20)
    told = {records[each.index].raw: {rule for rule, _ in each.rules} for each in receipt.rejected}
    shop.ingest()
    found = {row.raw.encode(row.raw_encoding): set(row.rules) for row in shop.quarantine()}
    assert found == told
    good = [raw for raw in HOSTILE if raw not in told]
    assert len(good) == receipt.accepted == len(shop.rows("event_at")) == 11
    check_ledger(shop)


def test_time_does_not_make_good_what_was_refused(shop):
    start = datetime(2026, 1, 1, 12, 0, 59, 900_000)  # noqa: DTZ001  # naive UTC
    spool = Spool(shop.project, clock=lambda: start)
    ahead = (start + timedelta(hours=25)).isoformat() + "Z"
    near = (start + timedelta(hours=23)).isoformat() + "Z"
    edge = (start.replace(second=0, microsecond=0) + timedelta(hours=24, seconds=1)).isoformat() + "Z"
    receipt = send(
        spool, event("ahead", event_at=ahead), event("near", event_at=near), event("edge", event_at=edge)
    )
    spool.close()
    assert [each.event_id for each in receipt.rejected] == ["ahead", "edge"]
    ingest(shop.project, now=start + timedelta(days=9))
    assert ids(shop) == ["near"]
    assert [row.rules for row in shop.quarantine()] == [("event_at_in_future",)] * 2


def test_what_was_good_a_moment_ago_is_good_for_the_ingest(shop):
    start = datetime(2026, 1, 1, 12, 0, 59, 900_000)  # noqa: DTZ001  # naive UTC
    spool = Spool(shop.project, clock=lambda: start)
    limit = start.replace(second=0, microsecond=0) + timedelta(hours=24)
    assert send(spool, event("at the limit", event_at=limit.isoformat() + "Z")).accepted == 1
    spool.close()
    ingest(shop.project, now=start.replace(microsecond=0))
    assert ids(shop) == ["at the limit"]


def test_what_was_rejected_can_be_replayed_once_a_rule_is_mended(shop):
    start = datetime(2026, 1, 1, 12)  # noqa: DTZ001  # naive UTC
    spool = Spool(shop.project, clock=lambda: start)
    send(spool, event("ahead", event_at=(start + timedelta(days=2)).isoformat()), event("bad", price=-1))
    spool.close()
    ingest(shop.project, now=start)
    report = replay(shop.project, now=start + timedelta(days=3))
    assert (report.replayed, report.accepted, report.still_open) == (2, 1, 1)
    assert ids(shop) == ["ahead"]


def test_ingests_beside_a_busy_service_lose_and_double_nothing(tmp_path):
    shop = Shop.make(tmp_path, "[collector]\nsegment_bytes = 20000\n")
    spools = [Spool(shop.project) for _ in range(2)]  # as two workers would have
    sent = 0

    def work(number):
        nonlocal sent
        for part in range(25):
            receipt = send(spools[number], *(event(f"{number} {part} {name}") for name in range(20)))
            assert receipt.accepted == 20
            sent += 20

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        shop.ingest()
    for spool in spools:
        spool.close()
    shop.ingest()
    assert len(ids(shop)) == len(set(ids(shop))) == 1_000
    assert sum(row.rows_duplicate for row in shop.ledger()) == 0
    check_ledger(shop)


@pytest.mark.parametrize(
    ("setting", "left"), [("", 2), ("[collector]\nkeep_days = 2\n", 1), ("[collector]\nkeep_days = 0\n", 0)]
)
def test_segments_are_kept_as_long_as_the_settings_say(tmp_path, setting, left):
    shop = Shop.make(tmp_path, setting)
    for name in range(2):
        spool = Spool(shop.project)
        send(spool, event(name))
        spool.close()
    segments = Segments(shop.project.collector)
    old = (datetime.now(UTC) - timedelta(days=3)).timestamp()
    os.utime(segments.closed_files()[0], (old, old))
    shop.ingest()
    assert len(segments.closed_files()) == left
    assert shop.ingest().rows == []
    assert ids(shop) == ["0", "1"]


def test_a_segment_that_was_not_ingested_is_never_deleted(tmp_path, monkeypatch):
    shop = Shop.make(tmp_path, "[collector]\nkeep_days = 0\n")
    spool = Spool(shop.project)
    send(spool, event(1))
    spool.close()
    monkeypatch.setattr("shopwright.ingest.ledger.LedgerIndex.settled_files", lambda _: set())
    shop.ingest()
    assert len(Segments(shop.project.collector).closed_files()) == 1


def test_an_ingest_does_not_wait_for_ever_for_a_service_that_hangs(spool, shop, monkeypatch):
    monkeypatch.setattr(segments, "LOCK_TIMEOUT_SECONDS", 0.05)
    with Segments(shop.project.collector).locked(), pytest.raises(BusyError, match="suspended"):
        shop.ingest()
    assert spool.submit(batch(event(1))).result(timeout=20).accepted == 1


def test_a_project_that_moved_doubles_nothing(shop, spool, tmp_path_factory):
    send(spool, event(1))
    shop.ingest()
    elsewhere = tmp_path_factory.mktemp("else") / "where"
    spool.close()
    shop.root.rename(elsewhere)
    moved = Shop(elsewhere)
    assert [row.outcome for row in moved.ingest().rows] == ["identical"]
    assert ids(moved) == ["1"]
    shop.root.mkdir()


@pytest.mark.parametrize("odd", [b"\f%s", b"\v%s", b"%s\f", b"\xef\xbb\xbf%s", b"\xc2\xa0%s"])
def test_what_json_takes_for_no_blank_is_refused_by_the_ingest_too(spool, shop, odd):
    good, bad = (json.dumps(event(name)).encode() for name in ("good", "bad"))
    receipt = spool.submit(lines(b"", odd % bad, good)).result(timeout=20)
    assert [[rule for rule, _ in each.rules] for each in receipt.rejected] == [["not_json"]]
    shop.ingest()
    assert ids(shop) == ["good"]
    assert [(row.raw.encode(), row.rules) for row in shop.quarantine()] == [(odd % bad, ("not_json",))]
    check_ledger(shop)
