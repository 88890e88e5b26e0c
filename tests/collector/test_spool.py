"""What is acknowledged is on disk, once; what is not can be sent again."""

from __future__ import annotations

import errno
import json
import os
import threading
from datetime import datetime, timedelta

import duckdb
import pytest
from events import batch, check_ledger, event, ids, lines, send

from shopwright.collector import Spool, segment
from shopwright.collector import spool as spool_module
from shopwright.collector.validation import EventValidator
from shopwright.core.errors import BatchError, SpoolError
from shopwright.ingest.segments import Segments
from shopwright.testing import Shop


def written(shop, folder="*"):
    """Ids in the segments of good events."""
    files = sorted(shop.project.collector.glob(f"{folder}/events-*.jsonl"))
    return [json.loads(line)["event_id"] for file in files for line in file.read_text("utf-8").splitlines()]


def test_a_batch_is_answered_part_by_part(spool, shop):
    bad = event("bad", price=-1, user_id=None)
    receipt = send(spool, event(1), bad, event(2), event(1))
    assert (receipt.accepted, receipt.duplicate) == (2, 1)
    assert [(each.index, each.event_id, [rule for rule, _ in each.rules]) for each in receipt.rejected] == [
        (1, "bad", ["price_out_of_range", "user_id_missing"])
    ]
    assert dict(receipt.rejected[0].rules)["price_out_of_range"] == "`price` is within its limits."
    assert written(shop) == ["1", "2"]


def test_nothing_is_acknowledged_before_it_is_on_disk(spool, monkeypatch):
    may_sync = threading.Event()
    monkeypatch.setattr(segment.os, "fsync", lambda _: may_sync.wait(20))
    receipt = spool.submit(batch(event(1)))
    with pytest.raises(TimeoutError):
        receipt.result(timeout=0.3)
    may_sync.set()
    assert receipt.result(timeout=20).accepted == 1


def test_those_who_wait_share_one_fsync(spool, monkeypatch):
    send(spool, event("first"))
    syncs, may_sync = [], threading.Event()

    def fsync(descriptor):
        syncs.append(descriptor)
        may_sync.wait(20)

    monkeypatch.setattr(segment.os, "fsync", fsync)
    receipts = [spool.submit(batch(event(f"one {number}"))) for number in range(50)]
    may_sync.set()
    assert sum(receipt.result(timeout=20).accepted for receipt in receipts) == 50
    assert len(syncs) <= 3


def test_the_same_event_in_two_batches_of_one_group_is_one_event(spool, shop):
    receipts = [spool.submit(batch(event("same"))) for _ in range(20)]
    assert sum(receipt.result(timeout=20).accepted for receipt in receipts) == 1
    assert written(shop) == ["same"]


def test_an_event_without_an_id_is_known_by_what_it_says(spool):
    plain = event(0, event_id=None)
    assert [send(spool, plain).accepted, send(spool, plain).duplicate] == [1, 1]
    assert send(spool, plain | {"price": 13}).accepted == 1


def test_a_process_that_begins_anew_remembers_what_was_accepted(shop):
    for number in range(3):
        spool = Spool(shop.project)
        receipt = send(spool, *(event(name) for name in range(number + 1)))
        assert (receipt.accepted, receipt.duplicate) == (1, number)
        spool.close()
    assert written(shop, "closed") == ["0", "1", "2"]


def test_a_line_that_a_process_was_killed_in_is_cut_off(shop):
    first = Spool(shop.project)
    send(first, event(1), event(2))
    first.close()
    segments = Segments(shop.project.collector)
    (file,) = segments.closed_files()
    left = file.rename(segments.open / file.name)  # as a kill would have left it
    left.write_bytes(left.read_bytes() + json.dumps(event(3)).encode()[:-9])
    again = Spool(shop.project)
    receipt = send(again, event(2), event(3))
    again.close()
    assert (receipt.accepted, receipt.duplicate) == (1, 1)
    assert sorted(written(shop, "closed")) == ["1", "2", "3"]
    shop.ingest()
    assert (ids(shop), shop.quarantine()) == (["1", "2", "3"], [])


def test_a_segment_that_holds_nothing_whole_is_removed(shop):
    segments = Segments(shop.project.collector)
    segments.create()
    (segments.open / "events-20250101T0000.00000000-0.jsonl").write_bytes(b'{"event_id": "1"')
    (segments.open / "events-20250101T0000.00000000-1.jsonl").write_bytes(b"")
    Spool(shop.project).close()
    assert list(shop.project.collector.rglob("*.jsonl")) == []


def test_what_is_sent_again_after_it_was_forgotten_is_counted_once_all_the_same(tmp_path):
    shop = Shop.make(tmp_path, "[collector]\nremembered_events = 5\n")
    spool = Spool(shop.project)
    for name in range(20):
        send(spool, event(name))
    again = send(spool, event(0), event(19))
    spool.close()
    assert (again.accepted, again.duplicate) == (1, 1)
    shop.ingest()
    assert ids(shop) == sorted(str(name) for name in range(20))
    assert sum(row.rows_duplicate for row in shop.ledger()) == 1
    check_ledger(shop)


def test_segments_are_closed_when_they_are_full(tmp_path):
    shop = Shop.make(tmp_path, "[collector]\nsegment_bytes = 4096\n")
    spool = Spool(shop.project)
    for name in range(60):
        send(spool, event(name, page_url="x" * 200))
    spool.close()
    files = Segments(shop.project.collector).closed_files()
    assert len(files) > 3
    assert all(file.stat().st_size < 4096 + 1_000 for file in files)
    assert written(shop) == [str(name) for name in range(60)]


def test_segments_are_closed_when_they_are_old(tmp_path):
    shop = Shop.make(tmp_path, "[collector]\nsegment_seconds = 60\n")
    now = [datetime(2026, 1, 1)]  # noqa: DTZ001  # naive UTC
    spool = Spool(shop.project, clock=lambda: now[0])
    for name in range(3):
        send(spool, event(name))
        now[0] += timedelta(seconds=61)
    spool.close()
    assert len(Segments(shop.project.collector).closed_files()) == 3


def test_a_full_disk_is_told_and_harms_nothing(spool, shop, monkeypatch):
    send(spool, event(1))

    def full(descriptor, data):
        os.write(descriptor, bytes(data)[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(segment, "_write", full)
        with pytest.raises(SpoolError, match="No space left"):
            send(spool, event(2))
    receipt = send(spool, event(1), event(2))
    assert (receipt.accepted, receipt.duplicate) == (1, 1)
    assert written(shop) == ["1", "2"]


def test_a_full_disk_is_not_filled_with_empty_segments(spool, shop, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for broken in ("_write", "sync_folder"):
        with monkeypatch.context() as patch:
            patch.setattr(segment, broken, full)
            for number in range(3):
                with pytest.raises(SpoolError, match="No space left"):
                    send(spool, event(number))
        assert not list(shop.project.collector.glob("*/events-*"))
    assert send(spool, event(1)).accepted == 1
    assert written(shop) == ["1"]


def test_a_segment_of_a_clock_that_went_back_is_closed(tmp_path):
    shop, now = Shop.make(tmp_path, ""), [datetime(2027, 6, 1)]  # noqa: DTZ001  # as the spool's clock is
    spool = Spool(shop.project, clock=lambda: now[0])
    send(spool, event(1))
    now[0] -= timedelta(days=90)
    send(spool, event(2))
    assert written(shop, "closed") == ["1"]
    spool.close()


def test_a_failed_fsync_gives_the_segment_up(spool, shop, monkeypatch):
    send(spool, event(1))
    original = os.fsync

    def broken(_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(segment.os, "fsync", broken)
    with pytest.raises(SpoolError, match="Input/output"):
        send(spool, event(2))
    monkeypatch.setattr(segment.os, "fsync", original)
    assert send(spool, event(2)).accepted == 1
    assert len(list(shop.project.collector.glob("open/*.jsonl"))) == 2


def test_a_queue_that_is_too_long_is_told(tmp_path, monkeypatch):
    spool = Spool(Shop.make(tmp_path, "[collector]\nmax_waiting_events = 10\n").project)
    send(spool, event("first"))
    may_sync = threading.Event()
    monkeypatch.setattr(segment.os, "fsync", lambda _: may_sync.wait(20))
    waiting = [spool.submit(batch(*(event(f"{part} {name}") for name in range(5)))) for part in range(2)]
    with pytest.raises(SpoolError, match="10 events are waiting"):
        spool.submit(batch(event("one more")))
    assert spool.waiting == 10
    may_sync.set()
    assert [receipt.result(timeout=20).accepted for receipt in waiting] == [5, 5]
    assert send(spool, event("one more")).accepted == 1
    spool.close()


def test_few_events_that_are_large_are_too_long_a_queue_too(spool, monkeypatch):
    send(spool, event("first"))
    monkeypatch.setattr(spool_module, "MAX_WAITING_BYTES", 20_000)
    monkeypatch.setattr(spool_module, "GROUP_BYTES", 5_000)
    may_sync, syncs = threading.Event(), []

    def fsync(descriptor):
        syncs.append(descriptor)
        may_sync.wait(20)

    monkeypatch.setattr(segment.os, "fsync", fsync)
    waiting = [spool.submit(batch(event(name, product_name="x" * 900))) for name in range(12)]
    large = batch(event("large", product_name="x" * 15_000))
    with pytest.raises(SpoolError, match="12 events are waiting"):
        spool.submit(large)
    may_sync.set()
    assert sum(receipt.result(timeout=20).accepted for receipt in waiting) == 12
    assert len(syncs) >= 3  # what waits is written in parts
    assert spool.submit(large).result(timeout=20)  # alone it is taken, whatever its size


def test_one_batch_is_refused_and_the_disk_is_full_and_it_goes_on(spool, monkeypatch):
    check, write = EventValidator.check, os.write

    def refuse(self, texts, now):
        if any("strange" in text for text in texts):
            raise duckdb.OutOfMemoryException("too large")
        return check(self, texts, now)

    def full(descriptor, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    send(spool, event("first"))
    is_held, may_sync = threading.Event(), threading.Event()
    monkeypatch.setattr(segment.os, "fsync", lambda _: is_held.set() or may_sync.wait(20))
    held = spool.submit(batch(event("held")))  # so that the next two are one group
    assert is_held.wait(20)
    monkeypatch.setattr(EventValidator, "check", refuse)
    strange, plain = spool.submit(batch(event("strange"))), spool.submit(batch(event("plain")))
    monkeypatch.setattr(segment.os, "write", full)
    may_sync.set()
    assert held.result(timeout=20).accepted == 1
    with pytest.raises(BatchError):
        strange.result(timeout=20)
    with pytest.raises(SpoolError):
        plain.result(timeout=20)
    monkeypatch.setattr(segment.os, "write", write)
    assert send(spool, event("plain")).accepted == 1


def test_a_fault_that_nobody_thought_of_ends_no_more_than_its_group(spool, monkeypatch, caplog):
    add = spool._recent_ids.add
    monkeypatch.setattr(spool._recent_ids, "add", None)
    with pytest.raises(TypeError):
        send(spool, event(1))
    assert "was not written" in caplog.text
    monkeypatch.setattr(spool._recent_ids, "add", add)
    assert send(spool, event(2)).accepted == 1


def test_a_spool_that_is_closed_takes_nothing(shop):
    spool = Spool(shop.project)
    receipt = spool.submit(batch(event(1)))
    spool.close()
    assert receipt.result(timeout=0).accepted == 1
    with pytest.raises(SpoolError, match="shutting down"):
        spool.submit(batch(event(2)))


def test_a_batch_that_the_engine_cannot_read_harms_no_other(spool, monkeypatch):
    original = EventValidator.check

    def check(self, texts, now):
        if any("poison" in text for text in texts):
            raise duckdb.InvalidInputException("cannot be read")
        return original(self, texts, now)

    monkeypatch.setattr(EventValidator, "check", check)
    receipts = [spool.submit(batch(event(name))) for name in ("one", "poison", "two")]
    assert [receipts[place].result(timeout=20).accepted for place in (0, 2)] == [1, 1]
    with pytest.raises(BatchError, match="cannot read"):
        receipts[1].result(timeout=20)


def test_a_fault_is_told_to_those_it_befell_and_ends_nothing_else(spool, shop, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("a fault")

    with monkeypatch.context() as patch:
        patch.setattr(EventValidator, "check", broken)
        with pytest.raises(ZeroDivisionError, match="a fault"):
            send(spool, event(1))
    assert send(spool, event(1)).accepted == 1
    assert written(shop) == ["1"]


def test_nobody_waits_for_an_answer_that_was_given_up(spool, shop, monkeypatch):
    may_sync = threading.Event()
    monkeypatch.setattr(segment.os, "fsync", lambda _: may_sync.wait(20))
    send_first = spool.submit(batch(event(1)))
    given_up = spool.submit(batch(event(2)))
    given_up.cancel()
    may_sync.set()
    assert send_first.result(timeout=20).accepted == 1
    assert send(spool, event(2)).accepted + send(spool, event(3)).accepted <= 2
    assert sorted(written(shop)) == ["1", "2", "3"]


def test_bad_events_are_kept_as_they_were_sent(spool, shop):
    raw = b'{"event_id": "x",   "price": "1_000"}'
    receipt = spool.submit(lines(raw, b"[1, 2")).result(timeout=20)
    assert [each.index for each in receipt.rejected] == [0, 1]
    (file,) = shop.project.collector.glob("open/rejected-*.jsonl")
    assert file.read_bytes() == raw + b"\n[1, 2\n"


def test_a_line_that_the_engine_cannot_read_keeps_no_process_from_beginning(spool, shop, monkeypatch):
    send(spool, event("one"), event("poison"), event("two"))
    spool.close()
    original = EventValidator.check

    def check(self, texts, now):
        if any("poison" in text for text in texts):
            raise duckdb.InvalidInputException("cannot be read")
        return original(self, texts, now)

    monkeypatch.setattr(EventValidator, "check", check)
    again = Spool(shop.project)
    receipt = send(again, event("one"), event("two"), event("three"))
    again.close()
    assert (receipt.accepted, receipt.duplicate) == (1, 2)
