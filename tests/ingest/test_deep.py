"""JSON that is nested deeper than anybody would read is one bad record, and never the end of the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shopwright.ingest.records import MAX_NESTING, check_json_record
from shopwright.ingest.text_scan import BLOCK, scan_text
from shopwright.testing import Shop

SETTINGS = '[[sources]]\nname = "clicks"\nadapter = "event_stream"\npath = "raw"\n'
GOOD = b'{"event_id": "%d", "timestamp": "2024-03-01", "event_type": "page_view", "user_id": "u"%s}'


def nested(levels):
    return b', "x": ' + b'{"a":' * levels + b"1" + b"}" * levels


@pytest.mark.parametrize("levels", [MAX_NESTING, 50_000])
@pytest.mark.parametrize("ends", [(b"", b""), (b"[", b"]")], ids=["lines", "array"])
def test_a_record_that_is_nested_too_deep_is_put_aside(tmp_path, levels, ends):
    shop = Shop.make(tmp_path, SETTINGS)
    lines = [GOOD % (1, b""), GOOD % (2, nested(levels)), GOOD % (3, nested(20))]
    begin, end = ends
    shop.write("events.json", begin + (b",\n" if begin else b"\n").join(lines) + end)
    # in a process of its own, since it may end it
    code = f"from pathlib import Path; from shopwright.testing import Shop; Shop(Path({str(tmp_path)!r})).ingest()"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert shop.rows("source_event_id") == [("1",), ("3",)]
    assert [row.rules[0] for row in shop.quarantine()] == ["not_json" if begin else "nested_too_deep"]
    assert shop.replay().still_open == 1


def test_marks_within_texts_are_no_levels():
    text = b'{"a": "' + b'[{\\"' * 3_000 + b'", "b": [' + b"[]," * 3_000 + b"[]]}"
    assert check_json_record(1, text, 1 << 20).rule is None


@pytest.mark.parametrize(
    ("content", "is_deep"),
    [
        (b"[" * MAX_NESTING + b"]" * MAX_NESTING, False),
        (b"[" * (MAX_NESTING + 1) + b"]" * (MAX_NESTING + 1), True),
        (b"\n" + b"[" * (MAX_NESTING + 1) + b"]" * (MAX_NESTING + 1) + b"\nx", True),
        (b"[]\n" * 5_000, False),
        (b" " * (BLOCK - 600) + b"[" * 1_100 + b"]" * 1_100 + b"\n", True),
        (b" \n" * (BLOCK // 2 - 300) + b"[" * 1_100 + b"]" * 1_100 + b"\n", True),
        (b"x" * 700 + b"\n" + b" " * (BLOCK - 1_000) + b"{" * 200 + b"\n" + b"[" * 900 + b"\n", False),
    ],
)
def test_a_scan_finds_lines_that_may_be_too_deep(tmp_path, content, is_deep):
    file = tmp_path / "file"
    file.write_bytes(content)
    assert scan_text(file).has_deep_line == is_deep
