"""Splitting text into records: nothing is lost, nothing swallows its neighbours."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopwright.ingest.records import (
    ends_in_quotes,
    fetch_lines,
    read_array,
    read_lines,
    read_records,
    split_fields,
)

LONGEST = 1 << 20


def records(folder, content, *, delimiter=","):
    file = folder / "it"
    file.write_bytes(content)
    return [
        (record.line, record.raw, record.rule)
        for record in read_records(file, delimiter=delimiter, max_bytes=LONGEST)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("records")


@given(st.binary(max_size=200) | st.text(alphabet='a,"\n\r\0é', max_size=60).map(str.encode))
def test_every_byte_that_is_no_line_end_is_in_exactly_one_record(folder, content):
    if content.startswith(b"\xef\xbb\xbf"):
        return
    joined = b"".join(raw for _, raw, _ in records(folder, content))
    assert joined.translate(None, b"\r\n") == content.translate(None, b"\r\n")


@given(st.lists(st.lists(st.text(alphabet='ab,"\n\r é', max_size=6), min_size=2, max_size=3), max_size=6))
def test_what_a_csv_writer_wrote_is_read_back(folder, rows):
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows(rows)
    actual = records(folder, written.getvalue().encode())
    assert [split_fields(raw.decode(), ",") for _, raw, _ in actual] == rows


@given(st.binary(max_size=80).filter(lambda content: content != b"\xef\xbb\xbf"))
def test_lines_are_numbered_as_an_editor_numbers_them(folder, content):
    file = folder / "it"
    file.write_bytes(content)
    expected_lines = (
        content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    )
    lines = list(read_lines(file))
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert [line.raw for line in lines] == (expected_lines if expected_lines[-1] else expected_lines[:-1])


def test_a_quote_that_never_closes_spoils_its_own_line_alone(tmp_path):
    good = b"".join(b"%d,x\n" % number for number in range(2000))
    actual = records(tmp_path, b'a,"torn\n' + good)
    assert actual[0] == (1, b'a,"torn', "broken_quotes")
    assert len(actual) == 2001
    assert all(rule is None for _, _, rule in actual[1:])


def test_a_torn_quote_does_not_swallow_lines_up_to_the_next_quoted_field(tmp_path):
    actual = records(tmp_path, b'1,"torn\n2,a\n3,"b\nc"\n4,d\n')
    assert actual == [
        (1, b'1,"torn', "broken_quotes"),
        (2, b"2,a", None),
        (3, b'3,"b\nc"', None),
        (5, b"4,d", None),
    ]


def test_two_torn_quotes_in_a_row_are_two_records(tmp_path):
    assert [line for line, _, _ in records(tmp_path, b'1,"a\n2,"b\n3,c\n')] == [1, 2, 3]


def test_a_field_may_hold_a_thousand_lines_and_no_more(tmp_path):
    multiline = records(tmp_path, b'1,"' + b"x\n" * 1000 + b'"\n')
    torn = records(tmp_path, b'1,"' + b"x\n" * 1001 + b'"\n')
    assert [len(multiline), multiline[0][2], torn[0][2]] == [1, None, "broken_quotes"]


def test_a_record_over_the_limit_is_put_aside_whole(tmp_path):
    line = b"x" * (LONGEST + 1)
    assert records(tmp_path, line + b"\nok\n") == [(1, line, "record_too_long"), (2, b"ok", None)]


@pytest.mark.parametrize(
    ("line", "is_open", "ends_open"),
    [
        (b'a,"b', False, True),
        (b'a,"b"', False, False),
        (b'a,"b""', False, True),
        (b'a,5" b', False, False),
        (b'b",c', True, False),
        (b'b"",c', True, True),
        (b'b","c', True, True),
        (b"", True, True),
        (b'"', False, True),
        (b'""', False, False),
    ],
)
def test_a_quoted_field_opens_at_its_start_and_closes_at_a_single_quote(line, is_open, ends_open):
    assert ends_in_quotes(line, ",", is_open=is_open) is ends_open


def test_other_delimiters_than_commas_open_quoted_fields_too(tmp_path):
    assert records(tmp_path, 'a§"b\nc"§d\n'.encode(), delimiter="§") == [(1, 'a§"b\nc"§d'.encode(), None)]


def test_elements_of_an_array_are_numbered_and_text_behind_it_is_read_too(tmp_path):
    file = tmp_path / "it"
    file.write_text('[{"a": 1}, {"b": [1,\n2]}]\n{"c": 3} tail')
    actual = [(record.line, record.raw, record.rule) for record in read_array(file, max_bytes=LONGEST)]
    assert actual == [
        (1, b'{"a": 1}', None),
        (2, b'{"b": [1,\n2]}', None),
        (3, b'{"c": 3}', None),
        (4, b"tail", "not_json"),
    ]


def test_lines_are_fetched_by_number_without_their_ends_and_the_mark(tmp_path):
    file = tmp_path / "it"
    file.write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n\r\nfour")
    assert fetch_lines(file, [4, 1, 1, 9]) == {1: b"one", 4: b"four"}
