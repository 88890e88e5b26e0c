"""The body of a request becomes one record for each event."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from events import MOST
from hypothesis import given
from hypothesis import strategies as st

from shopwright.collector.parsing import parse_json, parse_json_lines
from shopwright.collector.validation import EventValidator
from shopwright.core.engine import connect
from shopwright.core.errors import BatchError
from shopwright.settings import Project, Settings


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


NOW = datetime(2026, 1, 1)  # noqa: DTZ001  # naive UTC, as everywhere
CASE = Path(__file__).parents[1] / "cases" / "meaning" / "15-collector-repeated-keys"


def _rules_and_user(text):
    validator = EventValidator(Project(Path(), Settings()))
    (result,) = validator.check([text], NOW)
    validator.close()
    with connect() as connection:
        return result.rules, connection.execute(
            "select json_extract_string($t, 'user_id')", {"t": text}
        ).fetchone()[0]


def test_of_a_repeated_key_the_first_value_counts_in_both_formats():
    expected = json.loads((CASE / "expected.json").read_text())
    (array,) = parse_json((CASE / "a.json").read_bytes(), max_bytes=MOST)
    (line,) = parse_json_lines((CASE / "b.ndjson").read_bytes(), max_bytes=MOST)
    assert _rules_and_user(array.text) == ((), expected["user_id"]["a.json"])
    assert _rules_and_user(line.text) == ((), expected["user_id"]["b.ndjson"])
    body = (CASE / "c.json").read_bytes()
    (array,) = parse_json(body, max_bytes=MOST)
    (line,) = parse_json_lines(body.strip().removeprefix(b"[").removesuffix(b"]"), max_bytes=MOST)
    assert _rules_and_user(array.text) == _rules_and_user(line.text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=2),
    lambda inner: st.lists(st.tuples(st.sampled_from("abc"), inner), max_size=4),
    max_leaves=6,
)


def _write(value):
    """JSON in which a list of pairs is an object, repeated keys included."""
    if isinstance(value, list):
        return "{" + ",".join(f'"{key}":{_write(item)}' for key, item in value) + "}"
    return json.dumps(value)


@given(pairs=st.lists(st.tuples(st.sampled_from("abc"), VALUES), max_size=5))
def test_an_event_means_the_same_in_both_formats(pairs):
    text = _write(pairs)
    (array,) = parse_json(f"[{text}]".encode(), max_bytes=MOST)
    (line,) = parse_json_lines(text.encode(), max_bytes=MOST)
    assert _values(array.text) == _values(line.text)


def _values(text):
    """The values at some paths; of an object only that it is one, since its text may repeat keys."""
    with connect() as connection:
        (values,) = connection.execute(
            "select json_extract_string($text, $keys)",
            {"text": text, "keys": ["$.a", "$.b", "$.c", "$.a.a", "$.b.b"]},
        ).fetchone()
    return ["{}" if str(value).startswith("{") else value for value in values]
