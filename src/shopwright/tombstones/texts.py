"""Records as text: whether one that never became a row names an erased person."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shopwright.tombstones.book import DEVICE_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shopwright.tombstones.book import Tombstones

EMAIL = r"[a-z0-9._+-]+@[a-z0-9-]+(?:[.][a-z0-9-]+)+"
"""An e-mail address in lower case, for the engine's regular expressions and for Python's."""

MIN_DISTINCTIVE = 6
"""Characters from which a value says by itself whom it names; a shorter one may be a quantity, and counts in columns of
people's ids alone."""

_EMAIL = re.compile(EMAIL)
_TOKEN = re.compile(r"[\w@.+-]+")
_FLOAT = re.compile(r"-?[0-9]+[.]0+")


def normalize_id(text: str) -> str:
    """Return an id as the lake has it: 17850.0 is 17850, and an e-mail address is in lower case.

    Example:
        >>> normalize_id(" Ada@Example.COM ")
        'ada@example.com'
    """
    trimmed = text.strip()
    if _FLOAT.fullmatch(trimmed):
        return trimmed.partition(".")[0]
    return trimmed.lower() if _EMAIL.fullmatch(trimmed.lower()) else trimmed


def emails_in(text: str) -> set[str]:
    """Return the e-mail addresses in a text, in lower case."""
    return set(_EMAIL.findall(text.lower().replace("%40", "@"))) if "@" in text or "%40" in text else set()


@dataclass(frozen=True, slots=True)
class TextMatcher:
    """Tells whether a record names an erased person, from its text alone."""

    tombstones: Tombstones
    fields: frozenset[str]
    """Fields of the record that hold ids of people; in JSON a dot goes one level down."""
    columns: tuple[str, ...] = ()
    """Columns of a delimited file, in order; empty for JSON."""
    delimiter: str = ","
    visitor_fields: tuple[str, ...] = ()
    time_fields: tuple[str, ...] = ()
    """Fields with the visitor and the time of an event, for moments on devices that several people use."""
    rehash: Callable[[str], str] | None = None
    """Returns what a source that hashes ids stores in place of one; None where none does."""

    def names_erased(self, raw: str) -> bool:
        """Return whether a record names an erased person."""
        document = _parse(raw)
        tokens = {*emails_in(raw), *self._distinctive(raw)}
        if isinstance(document, dict):
            tokens |= set(self._of_document(document))
        else:
            tokens |= set(self._of_cells(raw))
        return any(map(self._is_erased, tokens)) or self._is_erased_moment(document)

    def _is_erased(self, token: str) -> bool:
        value = normalize_id(token)
        if self.tombstones.names(value):
            return True
        return self.rehash is not None and self.tombstones.names(self.rehash(value))

    def _distinctive(self, raw: str) -> Iterator[str]:
        for token in _TOKEN.findall(raw):
            trimmed = token.strip(".-+")
            if len(trimmed) >= MIN_DISTINCTIVE:
                yield trimmed

    def _of_document(self, document: dict[str, Any]) -> Iterator[str]:
        for name in self.fields:
            value = _get(document, name)
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                yield str(value)
        yield from (text for text in _leaves(document) if len(text) >= MIN_DISTINCTIVE)

    def _of_cells(self, raw: str) -> Iterator[str]:
        try:
            cells = next(csv.reader([raw], delimiter=self.delimiter), [])
        except csv.Error:
            return
        names = self.columns or ("",) * len(cells)
        for name, cell in zip(names, cells, strict=False):
            if name in self.fields or len(cell) >= MIN_DISTINCTIVE:
                yield cell

    def _is_erased_moment(self, document: object) -> bool:
        if not isinstance(document, dict) or not any(item.has_moments for item in self.tombstones.erasures):
            return False
        visitors = [str(value) for name in self.visitor_fields if (value := _get(document, name)) is not None]
        times = [at for name in self.time_fields if (at := _epoch_us(_get(document, name))) is not None]
        return any(
            self.tombstones.hash(DEVICE_TIME, f"{normalize_id(visitor)}|{at}") in self.tombstones.hashes
            for visitor in visitors
            for at in times
        )


def _parse(raw: str) -> object:
    if not raw.lstrip().startswith("{"):
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _get(document: dict[str, Any], name: str) -> object:
    if name in document:
        return document[name]
    value: object = document
    for key in name.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _leaves(value: object) -> Iterator[str]:
    """Yield the texts in a document, at any depth."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            stack += item.values()
        elif isinstance(item, list):
            stack += item


def _epoch_us(value: object) -> int | None:
    """Return a time in microseconds since 1970; None for what is no ISO 8601 time, nor seconds or milliseconds."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value * (1_000 if value > 1e11 else 1_000_000))
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000_000)
