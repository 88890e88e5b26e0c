"""One scan of a file's bytes: its hash, and what must be known before the engine's fast reader can be trusted."""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from shopwright.ingest.records import MAX_NESTING, count_openings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINE_END = ord("\n")

BLOCK = 1 << 22
STRIDE = 1 << 19
"""A line longer than twice this contains an aligned stride without a line end, so only one search per stride is needed."""
DEEP_STRIDE = MAX_NESTING
"""JSON nested deeper than allowed has as many opening as closing characters, so its line contains a whole such stride."""


@dataclass(slots=True)
class TextFacts:
    """What the bytes of a text file are like."""

    lines: int = 0
    """Number of lines; the last one counts even without a line end."""
    has_text: bool = False
    """Whether any line has a character in it."""
    has_quotes: bool = False
    has_nul: bool = False
    has_long_line: bool = False
    has_deep_line: bool = False
    """Whether a line may hold JSON that is nested too deep."""
    has_odd_line_ends: bool = False
    """Whether there are carriage returns other than those of CRLF at every line end."""
    has_odd_blanks: bool = False
    """Whether there are characters that the engine skips as blanks in JSON, although JSON does not allow them."""
    is_utf8: bool = True

    @property
    def is_simple(self) -> bool:
        """Whether each line is one record and can be read without looking at the ones before it."""
        is_odd = self.has_nul or self.has_long_line or self.has_deep_line or self.has_odd_line_ends
        return self.is_utf8 and not is_odd


@dataclass(slots=True)
class _Scan:
    facts: TextFacts = field(default_factory=TextFacts)
    last: bytes = b"\n"
    openings: int = 0
    """Opening characters in the line that the last block ended in."""
    returns: int = 0
    pairs: int = 0
    ends: int = 0
    decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))

    def update(self, block: bytes) -> None:
        facts = self.facts
        # four times as fast as bytes.count, which stops at each line end
        self.ends += int(np.count_nonzero(np.frombuffer(block, dtype=np.uint8) == LINE_END))
        facts.has_text = facts.has_text or bool(block.removeprefix(codecs.BOM_UTF8).strip(b"\r\n"))
        facts.has_quotes = facts.has_quotes or b'"' in block
        facts.has_nul = facts.has_nul or b"\0" in block
        facts.has_odd_blanks = facts.has_odd_blanks or b"\v" in block or b"\f" in block
        facts.has_long_line = facts.has_long_line or _has_stride_without_end(block)
        facts.has_deep_line = facts.has_deep_line or self._has_deep_line(block)
        self._count_returns(block)
        self._decode(block)
        self.last = (self.last + block[-2:])[-2:]

    def _has_deep_line(self, block: bytes) -> bool:
        """Return whether a line has more openings than levels are allowed; it may have begun in the block before."""
        if b"{" not in block and b"[" not in block:
            self.openings = 0 if b"\n" in block else self.openings
            return False
        first = count_openings(block[: block.find(b"\n") + 1] or block) + self.openings
        self.openings = count_openings(block[block.rfind(b"\n") + 1 :])
        return first > MAX_NESTING or any(count_openings(line) > MAX_NESTING for line in _longer_lines(block))

    def _count_returns(self, block: bytes) -> None:
        if b"\r" in block or self.last.endswith(b"\r"):
            self.returns += block.count(b"\r")
            self.pairs += block.count(b"\r\n") + (self.last.endswith(b"\r") and block.startswith(b"\n"))

    def _decode(self, block: bytes, *, final: bool = False) -> None:
        if not self.facts.is_utf8 or (block.isascii() and not self.decoder.getstate()[0] and not final):
            return
        try:
            self.decoder.decode(block, final)
        except UnicodeDecodeError:
            self.facts.is_utf8 = False

    def finish(self) -> TextFacts:
        self._decode(b"", final=True)
        self.facts.lines = self.ends + (not self.last.endswith(b"\n"))
        self.facts.has_odd_line_ends = self.returns > 0 and not self.returns == self.pairs == self.ends
        return self.facts


def _has_stride_without_end(block: bytes) -> bool:
    return any(
        block.find(b"\n", start, start + STRIDE) < 0 for start in range(0, len(block) - STRIDE + 1, STRIDE)
    )


def _longer_lines(block: bytes) -> Iterator[bytes]:
    """Yield the lines that contain a whole aligned ``DEEP_STRIDE``."""
    start = 0
    while start + DEEP_STRIDE <= len(block):
        if block.find(b"\n", start, start + DEEP_STRIDE) >= 0:
            start += DEEP_STRIDE
            continue
        end = block.find(b"\n", start)
        end = end if end >= 0 else len(block)
        yield block[block.rfind(b"\n", 0, start) + 1 : end]
        start = end + 1


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def scan_text(path: Path) -> TextFacts:
    """Return the facts of a text file."""
    return scan_and_hash(path)[0]


def scan_and_hash(path: Path) -> tuple[TextFacts, str]:
    """Return the facts of a text file and its SHA-256, reading it once for both."""
    scan, digest = _Scan(), hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            scan.update(block)
    if not scan.ends and scan.last == b"\n":
        return TextFacts(), digest.hexdigest()  # empty file
    return scan.finish(), digest.hexdigest()
