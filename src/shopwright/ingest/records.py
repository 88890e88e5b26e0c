"""Splitting text into records one by one, for files with which the engine's fast reader cannot be trusted.

Slower than the engine (about a million records in three seconds) and used only where a file has quotes around line
breaks, NUL bytes, bytes that are not UTF-8, mixed line ends, blank or endless lines, or malformed quotes. One bad
record never affects its neighbors: a quote that never closes spoils its own line, and reading goes on with the next.
"""

from __future__ import annotations

import csv
import json
import re
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING

from shopwright.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_LINES_PER_RECORD = 1_000
MAX_NESTING = 1_000
"""Levels of arrays and objects within one another. At ten times as many the engine's parser overflows its stack."""
BOM = b"\xef\xbb\xbf"
BLOCK = 1 << 22
MAX_LINE_BYTES = 1 << 26
"""Length of a line, or an element of an array, up to which it is a bad record; a file with a longer one is not read."""

_LINE_END = re.compile(rb"\r\n|\r|\n")
_SEPARATORS = re.compile(r"[ \t\r\n,\]]*")
_LEVELS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
"""A string, or what opens or closes a level outside of strings."""

csv.field_size_limit(1 << 30)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file: its text, or the rule that it breaks."""

    line: int
    """Number of its first line, from 1; in a JSON array the number of the element."""
    raw: bytes
    text: str | None
    """Decoded text without the line end; None for a bad record."""
    rule: str | None = None
    """Name of the rule that a bad record breaks."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file, without its end."""

    number: int
    raw: bytes
    end: bytes


class EndlessRecordError(DataError):
    """A record is so long that it is not even a bad one: the file is something else."""


def read_lines(path: Path) -> Iterator[Line]:
    """Yield numbered lines without byte-order mark; LF, CRLF and a lone CR each end a line.

    Raises:
        EndlessRecordError: a line is longer than ``MAX_LINE_BYTES``.
    """
    number, pending = 0, b""
    with path.open("rb") as file:
        while piece := file.readline(BLOCK):
            chunk, start = pending + piece, 0
            is_cut = len(piece) == BLOCK and not piece.endswith(b"\n")
            for end in _LINE_END.finditer(chunk):
                if is_cut and end.end() == len(chunk):
                    break  # the first half of CRLF, perhaps
                number += 1
                yield Line(number, _without_bom(number, chunk[start : end.start()]), end.group())
                start = end.end()
            pending = chunk[start:]
            if len(pending) > MAX_LINE_BYTES:
                raise _endless(f"line {number + 1}")
            if pending and not is_cut:
                number += 1
                yield Line(number, _without_bom(number, pending), b"")
                pending = b""
    if pending:
        yield from _last_lines(number, pending)


def _last_lines(number: int, pending: bytes) -> Iterator[Line]:
    """Yield what is left at the end of a file whose size is a multiple of a block."""
    raw = pending.removesuffix(b"\r")
    yield Line(number + 1, _without_bom(number + 1, raw), pending[len(raw) :])


def _endless(record: str) -> EndlessRecordError:
    return EndlessRecordError(
        f"{record} is longer than {MAX_LINE_BYTES >> 20} MB; is it a file of records, and complete?"
    )


def _without_bom(number: int, raw: bytes) -> bytes:
    return raw.removeprefix(BOM) if number == 1 else raw


def read_records(path: Path, *, delimiter: str | None, max_bytes: int) -> Iterator[Record]:
    """Yield the records of a file in order, good and bad; empty lines are skipped.

    Args:
        path: the file.
        delimiter: separates fields, which double quotes may enclose; None where each line is one record of JSON.
        max_bytes: limit of a record's length; a longer one is a bad record.
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
    """Return the record that begins with a line, and how many more lines it spans; None where its quotes are malformed."""
    pieces, size, end = [first.raw], len(first.raw), first.end
    for used, line in enumerate(ahead, start=1):
        pieces += [end, line.raw]
        size += len(end) + len(line.raw)
        end = line.end
        if size > max_bytes:
            break
        if not ends_in_quotes(line.raw, delimiter, is_open=True):
            record = check_record(first.number, b"".join(pieces), max_bytes)
            is_complete = record.text is None or split_fields(record.text, delimiter) is not None
            return (record, used) if is_complete else (None, 0)
    return None, 0


def ends_in_quotes(raw: bytes, delimiter: str, *, is_open: bool = False) -> bool:
    """Return whether a quoted field is still open at the end of a line.

    A quote opens a field only as its first character, so inches in ``5" nail`` open nothing.

    Args:
        raw: the line.
        delimiter: separates fields.
        is_open: whether a quoted field is open at the beginning of the line.

    Example:
        >>> ends_in_quotes(b'1,"a', ","), ends_in_quotes(b'1,5" nail', ",")
        (True, False)
    """
    separator, position = delimiter.encode(), 0
    while True:
        if is_open or raw.startswith(b'"', position):
            position = _after_closing_quote(raw, position if is_open else position + 1)
            if position < 0:
                return True
            is_open = False
        position = raw.find(separator, position)
        if position < 0:
            return False
        position += len(separator)


def _after_closing_quote(raw: bytes, start: int) -> int:
    """Return the position after the quote that closes a field; -1 where there is none. A doubled quote closes nothing."""
    position = start
    while (position := raw.find(b'"', position)) >= 0:
        if not raw.startswith(b'"', position + 1):
            return position + 1
        position += 2
    return -1


def check_record(number: int, raw: bytes, max_bytes: int) -> Record:
    """Return the record with these bytes, good or bad."""
    if len(raw) > max_bytes:
        return Record(number, raw, None, "record_too_long")
    if b"\0" in raw:
        return Record(number, raw, None, "nul_byte")
    try:
        return Record(number, raw, raw.decode("utf-8"))
    except UnicodeDecodeError:
        return Record(number, raw, None, "invalid_utf8")


def check_json_record(number: int, raw: bytes, max_bytes: int) -> Record:
    """Return the record with these bytes of JSON; nesting that is too deep makes it bad."""
    record = check_record(number, raw, max_bytes)
    if record.rule is None and _levels(raw) > MAX_NESTING:
        return Record(number, raw, None, "nested_too_deep")
    return record


def _levels(raw: bytes) -> int:
    """Return how deep arrays and objects are nested; 0 without a closer look where it cannot be too deep."""
    if count_openings(raw) <= MAX_NESTING:
        return 0
    depth = level = 0
    for token in _LEVELS.finditer(raw):
        level += (token.group() in b"[{") - (token.group() in b"]}")
        depth = max(depth, level)
    return depth


def count_openings(raw: bytes) -> int:
    """Count the characters that may open an array or an object, including those within strings."""
    return raw.count(b"[") + raw.count(b"{")


def split_fields(text: str, delimiter: str) -> list[str] | None:
    """Return the fields of one delimited record; None where its quotes are malformed.

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
    """Return whether a JSON file is one array; a file of JSON lines may begin with a line that is an array."""
    with path.open("rb") as file:
        if not file.read(BLOCK).removeprefix(BOM).lstrip().startswith(b"["):
            return False
        file.seek(0)
        first = file.readline(MAX_LINE_BYTES).removeprefix(BOM)
        has_more = any(block.strip() for block in iter(lambda: file.read(BLOCK), b""))
    if not has_more or not first.strip():
        return True
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return True
    return False


def read_array(path: Path, *, max_bytes: int) -> Iterator[Record]:
    """Yield the elements of a JSON array, one by one; text that is not an element is a bad record of its own.

    Raises:
        EndlessRecordError: an element is longer than ``MAX_LINE_BYTES``.
    """
    decoder = json.JSONDecoder()
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        text, is_last = _refill(file, "")
        start, number = text.find("[") + 1, 0
        while True:
            if not is_last and len(text) - start < MAX_LINE_BYTES:
                text, is_last = _refill(file, text[start:])
                start = 0
            # a closing bracket with text behind it belongs to a torn element, and reading goes on
            start = _after_separators(text, start)
            if start >= len(text):
                if is_last:
                    return
                continue
            number += 1
            try:
                _, end = decoder.raw_decode(text, start)
            except (ValueError, RecursionError):
                end = _next_object(text, start)
                if end == len(text) and not is_last:
                    raise _endless(f"element {number}") from None
                yield Record(number, _bytes(text[start:end].rstrip(" \t\r\n,")), None, "not_json")
            else:
                yield check_json_record(number, _bytes(text[start:end]), max_bytes)
            start = end


def _refill(file: IO[str], text: str) -> tuple[str, bool]:
    """Return text with more of a file behind it, and whether that was the last of it."""
    # so much that an element which cannot be read is malformed, and not merely cut
    more = file.read(2 * MAX_LINE_BYTES)
    return text + more, len(more) < 2 * MAX_LINE_BYTES


def _after_separators(text: str, start: int) -> int:
    match = _SEPARATORS.match(text, start)
    return match.end() if match else start


def _next_object(text: str, start: int) -> int:
    """Return where reading can go on after malformed text: where the next object opens, or at the end."""
    positions = [text.find(opening, start + 1) for opening in ("\n{", "\n  {", "\n\t{", ",{", ", {")]
    return min((position for position in positions if position >= 0), default=len(text))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def fetch_lines(path: Path, numbers: list[int]) -> dict[int, bytes]:
    """Return lines by number (from 1), without line ends, of a file with one record per line."""
    lines: dict[int, bytes] = {}
    previous = 0
    with path.open("rb") as file:
        for number in sorted(set(numbers)):
            line = next(islice(file, number - previous - 1, None), None)
            if line is None:
                break
            previous = number
            lines[number] = _without_bom(number, line.removesuffix(b"\n").removesuffix(b"\r"))
    return lines
