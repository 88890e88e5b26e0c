"""Splitting text into records one by one, for files that a fast reader cannot be trusted with.

Slower than the engine's reader (about a million records in three seconds) and used only where a file has
quotes around line breaks, NUL bytes, bytes that are not UTF-8, mixed line ends, blank or endless lines, or broken
records in quotes. It never lets one bad record swallow its neighbours: a quote that never closes spoils its
own line and reading goes on with the next.
"""

from __future__ import annotations

import csv
import json
import re
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_LINES_PER_RECORD = 1_000
MAX_NESTING = 1_000
"""Arrays and objects within one another. The engine would follow ten times as many into the end of its stack."""
BOM = b"\xef\xbb\xbf"
BLOCK = 1 << 22

_LINE_END = re.compile(rb"\r\n|\r|\n")
_LEVELS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
"""A text, or what opens or closes a level outside of one."""

csv.field_size_limit(1 << 30)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file: its text, or why it has none."""

    line: int
    """Number of its first line, from 1; in a JSON array the number of the element."""
    raw: bytes
    text: str | None
    """Decoded text without the line end; None where ``rule`` says what is wrong."""
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file, without its end."""

    number: int
    raw: bytes
    end: bytes


def read_lines(path: Path) -> Iterator[Line]:
    """Numbered lines without byte-order mark; LF, CRLF and a lone CR each end a line."""
    number = 0
    with path.open("rb") as opened:
        for chunk in opened:
            at = 0
            for end in _LINE_END.finditer(chunk):
                number += 1
                yield Line(number, _without_bom(number, chunk[at : end.start()]), end.group())
                at = end.end()
            if at < len(chunk):
                number += 1
                yield Line(number, _without_bom(number, chunk[at:]), b"")


def _without_bom(number: int, raw: bytes) -> bytes:
    return raw.removeprefix(BOM) if number == 1 else raw


def read_records(path: Path, *, delimiter: str | None, max_bytes: int) -> Iterator[Record]:
    """Records of a delimited or line-wise file, in order, good ones and bad ones; empty lines are none.

    Args:
        path: the file.
        delimiter: what separates fields, which double quotes may enclose; None where each line is one record.
        max_bytes: longest record taken for data.
    """
    lines = read_lines(path)
    ahead = deque[Line]()
    while (first := ahead.popleft() if ahead else next(lines, None)) is not None:
        if delimiter is None:
            if first.raw.strip():
                yield check_json_record(first.number, first.raw, max_bytes)
        elif not ends_in_quotes(first.raw, delimiter):
            if first.raw:
                yield check_record(first.number, first.raw, max_bytes)
        else:
            ahead.extend(islice(lines, max(0, MAX_LINES_PER_RECORD - len(ahead))))
            joined, used = _join(first, ahead, delimiter, max_bytes)
            for _ in range(used):
                ahead.popleft()
            yield joined or Record(first.number, first.raw, None, "broken_quotes")


def _join(first: Line, ahead: deque[Line], delimiter: str, max_bytes: int) -> tuple[Record | None, int]:
    """The record that begins with a line, and how many more lines it takes; None where its quotes are broken."""
    parts, size, end = [first.raw], len(first.raw), first.end
    for used, line in enumerate(ahead, start=1):
        parts += [end, line.raw]
        size += len(end) + len(line.raw)
        end = line.end
        if size > max_bytes:
            break
        if not ends_in_quotes(line.raw, delimiter, is_open=True):
            record = check_record(first.number, b"".join(parts), max_bytes)
            is_whole = record.text is None or split_fields(record.text, delimiter) is not None
            return (record, used) if is_whole else (None, 0)
    return None, 0


def ends_in_quotes(raw: bytes, delimiter: str, *, is_open: bool = False) -> bool:
    """Whether a quoted field is still open at the end of a line.

    A quote opens a field only as its first character, so inches in ``5" nail`` open nothing.

    Args:
        raw: the line.
        delimiter: what separates fields.
        is_open: whether a quoted field is open at its beginning.

    Example:
        >>> ends_in_quotes(b'1,"a', ","), ends_in_quotes(b'1,5" nail', ",")
        (True, False)
    """
    between, at = delimiter.encode(), 0
    while True:
        if is_open or raw.startswith(b'"', at):
            at = _behind_quote(raw, at if is_open else at + 1)
            if at < 0:
                return True
            is_open = False
        at = raw.find(between, at)
        if at < 0:
            return False
        at += len(between)


def _behind_quote(raw: bytes, at: int) -> int:
    """The place behind the quote that ends a field, -1 where there is none; a doubled quote ends nothing."""
    while (at := raw.find(b'"', at)) >= 0:
        if not raw.startswith(b'"', at + 1):
            return at + 1
        at += 2
    return -1


def check_record(number: int, raw: bytes, max_bytes: int) -> Record:
    """A record of those bytes, or what keeps them from being one."""
    if len(raw) > max_bytes:
        return Record(number, raw, None, "record_too_long")
    if b"\0" in raw:
        return Record(number, raw, None, "nul_byte")
    try:
        return Record(number, raw, raw.decode("utf-8"))
    except UnicodeDecodeError:
        return Record(number, raw, None, "invalid_utf8")


def check_json_record(number: int, raw: bytes, max_bytes: int) -> Record:
    """A record of those bytes, which are to be JSON, or what keeps them from being one."""
    record = check_record(number, raw, max_bytes)
    if record.rule is None and _levels(raw) > MAX_NESTING:
        return Record(number, raw, None, "nested_too_deep")
    return record


def _levels(raw: bytes) -> int:
    """How deep arrays and objects lie within one another, where that may be too deep; else 0."""
    if count_openings(raw) <= MAX_NESTING:
        return 0
    deepest = level = 0
    for mark in _LEVELS.finditer(raw):
        level += (mark.group() in b"[{") - (mark.group() in b"]}")
        deepest = max(deepest, level)
    return deepest


def count_openings(raw: bytes) -> int:
    """How many marks may open an array or an object; those within texts are counted too."""
    return raw.count(b"[") + raw.count(b"{")


def split_fields(text: str, delimiter: str) -> list[str] | None:
    """Fields of one delimited record; None where its quotes are broken.

    Example:
        >>> split_fields('1,"a, b",', ",")
        ['1', 'a, b', '']
    """
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def is_array(path: Path) -> bool:
    """Whether a JSON file is one array; lines of JSON may begin with an array too."""
    with path.open("rb") as opened:
        if not opened.read(BLOCK).removeprefix(BOM).lstrip().startswith(b"["):
            return False
        opened.seek(0)
        first = opened.readline().removeprefix(BOM)
        has_more = any(block.strip() for block in iter(lambda: opened.read(BLOCK), b""))
    if not has_more or not first.strip():
        return True
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return True
    return False


def read_array(path: Path, *, max_bytes: int) -> Iterator[Record]:
    """Elements of a JSON array, one by one; text that is no element is a bad record of its own."""
    decoder = json.JSONDecoder()
    text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    at, number = text.find("[") + 1, 0
    while True:
        # a closing bracket with text behind it belongs to a torn element, and reading goes on
        while at < len(text) and text[at] in " \t\r\n,]":
            at += 1
        if at >= len(text):
            return
        number += 1
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = _next_object(text, at)
            yield Record(number, _bytes(text[at:end].rstrip(" \t\r\n,")), None, "not_json")
        else:
            yield check_json_record(number, _bytes(text[at:end]), max_bytes)
        at = end


def _next_object(text: str, at: int) -> int:
    """Where reading can go on after broken text: at the next line that opens an object, or at the end."""
    found = [text.find(mark, at + 1) for mark in ("\n{", "\n  {", "\n\t{", ",{", ", {")]
    return min((place for place in found if place >= 0), default=len(text))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def fetch_lines(path: Path, wanted: list[int]) -> dict[int, bytes]:
    """The lines of the given numbers (from 1), without line ends, of a file with one record a line."""
    found: dict[int, bytes] = {}
    at = 0
    with path.open("rb") as opened:
        for number in sorted(set(wanted)):
            line = next(islice(opened, number - at - 1, None), None)
            if line is None:
                break
            at = number
            found[number] = _without_bom(number, line.removesuffix(b"\n").removesuffix(b"\r"))
    return found
