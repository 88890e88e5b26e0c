"""Splitting text into records one by one, for files that a fast reader cannot be trusted with.

Slower than the engine's reader (about a million records in three seconds) and used only where a file has
quotes around line breaks, NUL bytes, bytes that are not UTF-8, mixed line ends, blank or endless lines, or broken
records in quotes. It never lets one bad record swallow its neighbours: a quote that never closes spoils its
own line and reading goes on with the next.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

MOST_LINES_OF_A_RECORD = 1_000
BOM = b"\xef\xbb\xbf"

csv.field_size_limit(1 << 30)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file: its text, or why it has none."""

    line: int
    """Number of its first line, from 1."""
    raw: bytes
    text: str | None
    """Decoded text without the line end; None where ``rule`` says what is wrong."""
    rule: str | None = None


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Numbered lines without line ends and byte-order mark; blank lines are left out.

    LF, CRLF and a lone CR each end a line.
    """
    number = 0
    with path.open("rb") as opened:
        for chunk in opened:
            # a lone CR ends a line too; the CR of a CRLF is stripped first
            for line in chunk.rstrip(b"\r\n").split(b"\r"):
                number += 1
                plain = line.removeprefix(BOM) if number == 1 else line
                if plain.strip():
                    yield number, plain


def read_records(path: Path, *, quoted: bool, max_bytes: int) -> Iterator[Record]:
    """Records of a delimited or line-wise file, in order, good ones and bad ones.

    Args:
        quoted: whether double quotes may enclose line ends.
        max_bytes: longest record taken for data.
    """
    pending = list[tuple[int, bytes]]()
    lines = read_lines(path)
    while True:
        first = pending.pop(0) if pending else next(lines, None)
        if first is None:
            return
        number, raw = first
        if quoted and raw.count(b'"') % 2:
            joined, pending = _join(raw, pending, lines, max_bytes)
            if joined is None:
                yield Record(number, raw, None, "broken_quotes")
                continue
            raw = joined
        yield _check(number, raw, max_bytes)


def _join(
    raw: bytes, pending: list[tuple[int, bytes]], lines: Iterator[tuple[int, bytes]], max_bytes: int
) -> tuple[bytes | None, list[tuple[int, bytes]]]:
    """The record that begins with ``raw``, and the lines not used; None where its quotes never close."""
    ahead = pending + list(islice(lines, max(0, MOST_LINES_OF_A_RECORD - len(pending))))
    joined = raw
    for used, (_, line) in enumerate(ahead, start=1):
        joined += b"\n" + line
        if line.count(b'"') % 2:
            return joined, ahead[used:]
        if len(joined) > max_bytes:
            break
    return None, ahead


def _check(number: int, raw: bytes, max_bytes: int) -> Record:
    if len(raw) > max_bytes:
        return Record(number, raw, None, "record_too_long")
    if b"\0" in raw:
        return Record(number, raw, None, "nul_byte")
    try:
        return Record(number, raw, raw.decode("utf-8"))
    except UnicodeDecodeError:
        return Record(number, raw, None, "invalid_utf8")


def split_fields(text: str, delimiter: str) -> list[str] | None:
    """Fields of one delimited record; None where its quotes are broken.

    Example:
        >>> split_fields('1,"a, b",', ",")
        ['1', 'a, b', '']
    """
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        try:
            rows = list(csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True))
        except csv.Error:
            return None
    return rows[0] if len(rows) == 1 else None


def read_array(path: Path) -> Iterator[Record]:
    """Elements of a JSON array, one by one; text that is no element is one bad record.

    The line of an element is the line its text begins on.
    """
    decoder = json.JSONDecoder()
    text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    at = text.find("[") + 1
    line, counted = 1, 0
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        if at >= len(text) or text[at] == "]":
            return
        line, counted = line + text.count("\n", counted, at), at
        try:
            _, end = decoder.raw_decode(text, at)
        except ValueError:
            end = _next_object(text, at)
            yield Record(line, _bytes(text[at:end]), None, "not_json")
        else:
            yield _check(line, _bytes(text[at:end]), 1 << 30)
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
            found[number] = line.rstrip(b"\r\n")
    return found
