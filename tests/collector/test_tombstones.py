"""Events about people who were erased are acknowledged and never stored, also by a collector that runs already."""

from __future__ import annotations

from events import event, lines, send

from shopwright.tombstones import Erasure, load_tombstones, save_tombstones


def bury(project, *names):
    """Write tombstones of people."""
    tombstones = load_tombstones(project.tombstones)
    hashes = tuple(tombstones.hash("p", name) for name in names)
    erasure = Erasure("now", "2026-01-01T00:00:00Z", len(names), hashes, has_emails=True, is_finished=True)
    save_tombstones(project.tombstones, tombstones.with_erasure(erasure))


def stored(project):
    """Return everything that the collector has on disk."""
    return b"".join(file.read_bytes() for file in project.collector.rglob("*.jsonl"))


def test_a_running_collector_honours_new_tombstones(shop, spool):
    assert send(spool, event("e1"), event("e2", user_id="bo")).accepted == 2
    bury(shop.project, "anna", "ada@example.com")
    receipt = send(
        spool,
        event("e3"),
        event("e4", user_id="bo"),
        event("e5", user_id="bo", page_url="/?mail=Ada%40example.com"),
        event("e6", user_id=None, visitor_id="anna"),
    )
    assert (receipt.accepted, receipt.duplicate, receipt.rejected) == (1, 3, ())
    spool.close()
    text = stored(shop.project)
    assert b"e4" in text
    assert not any(name in text for name in (b"e3", b"e5", b"e6"))


def test_a_bad_event_is_rejected_and_leaves_no_trace(shop, spool):
    bury(shop.project, "ada@example.com")
    batch = lines(
        b'{"event_at": "never", "user_id": "ada@example.com"}', b'torn "ADA@example.com', b"torn too"
    )
    receipt = spool.submit(batch).result(timeout=20)
    assert (receipt.duplicate, len(receipt.rejected)) == (1, 2)
    spool.close()
    assert stored(shop.project).strip() == b"torn too"
