"""The body of a request becomes one record for each event."""

from __future__ import annotations

import json

import pytest
from events import MOST

from shopwright.collector.parsing import parse_json, parse_json_lines
from shopwright.core.errors import BatchError


def test_an_array_and_an_object_hold_the_same_events():
    events = [{"event_id": "1", "price": 19.99}, {"event_id": "2", "user_id": "Ünal 🛒"}]
    array = parse_json(json.dumps(events).encode(), max_bytes=MOST)
    wrapped = parse_json(json.dumps({"events": events}).encode(), max_bytes=MOST)
    assert array == wrapped
    assert [json.loads(record.text) for record in array] == events


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "Expecting value"),
        (b"{", "line 1, column 2"),
        (b"5", "expected a JSON array"),
        (b'{"events": 5}', "expected a JSON array"),
        (b'{"event": []}', "expected a JSON array"),
        (b"[NaN]", "NaN is not valid JSON"),
        (b'[{"price": Infinity}]', "Infinity is not valid JSON"),
        (b'[{"price": 1e999}]', "Out of range"),
        (b"[" + b"9" * 5_000 + b"]", "limit"),
        (b'["\xff"]', "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'[{"a":' * 50_000, "nested too deeply"),
    ],
)
def test_a_body_that_is_no_batch_is_refused_with_a_reason(body, reason):
    with pytest.raises(BatchError, match=reason):
        parse_json(body, max_bytes=MOST)


def test_lines_are_split_as_an_ingest_splits_them():
    body = b'\xef\xbb\xbf{"a": 1}\r\n\n   \n{"a": 2}\r{"a":\n 3}'
    assert [record.raw for record in parse_json_lines(body, max_bytes=MOST)] == [
        b'{"a": 1}',
        b'{"a": 2}',
        b'{"a":',
        b" 3}",
    ]


def test_one_bad_line_spoils_no_other():
    deep = b'{"a":' + b"[" * 2_000 + b"]" * 2_000 + b"}"
    found = parse_json_lines(
        b"\n".join([b"\xff", b"\0", b"x" * (MOST + 1), deep, b'{"a": 1}']), max_bytes=MOST
    )
    assert [record.rule for record in found] == [
        "invalid_utf8",
        "nul_byte",
        "record_too_long",
        "nested_too_deep",
        None,
    ]
