"""Events as a shop's software sends them."""

from __future__ import annotations

import json

from shopwright.collector.parsing import parse_json, parse_json_lines

MOST = 1 << 20


def event(name, **fields):
    """A good event of that id; a field given as None is left out."""
    whole = {
        "event_id": str(name),
        "event_at": "2025-11-22T10:00:00Z",
        "event_type": "product_view",
        "user_id": "anna",
        "product_id": "17",
        "price": 12.5,
    } | fields
    return {name: value for name, value in whole.items() if value is not None}


def batch(*events):
    """Records of events."""
    return parse_json(json.dumps(events).encode(), max_bytes=MOST)


def lines(*raw):
    """Records of lines."""
    return parse_json_lines(b"\n".join(raw), max_bytes=MOST)


def send(spool, *events):
    """What became of events, when it is on disk."""
    return spool.submit(batch(*events)).result(timeout=20)


def ids(shop):
    """Ids of all events in the lake."""
    return sorted(name for (name,) in shop.rows("source_event_id"))


def check_ledger(shop):
    """Every row balances; the doubled ones are counted, and nothing failed."""
    for row in shop.ledger():
        counts = (row.rows_accepted, row.rows_quarantined, row.rows_duplicate, row.rows_ignored)
        assert row.rows_read == sum(counts)
        assert row.outcome != "failed"
