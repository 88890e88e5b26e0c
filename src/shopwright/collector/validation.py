"""What is wrong with an event: the very rules by which an ingest puts a record into quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shopwright.contracts.events import EVENTS
from shopwright.core.engine import connect
from shopwright.core.sql import quote_text
from shopwright.ingest.adapters.collector import COLLECTOR
from shopwright.ingest.json_files import extracted, json_projection
from shopwright.ingest.segments import COLLECTOR_SOURCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopwright.ingest.projection import Projection
    from shopwright.settings.shop import IngestSettings

MAPPING = COLLECTOR.mapping_for(COLLECTOR_SOURCE, "")
"""Which fields of an event become which columns."""
_MEANINGS = {
    "record_too_long": "The event is not longer than the settings allow.",
    "nul_byte": "The event holds no NUL byte.",
    "invalid_utf8": "The event is UTF-8.",
    "nested_too_deep": "The event is not nested deeper than anybody would read.",
}
"""Rules about text that never becomes a row."""
_IDENTITY = EVENTS.column("event_id").derived


@dataclass(frozen=True, slots=True)
class EventCheck:
    """What a look at one event found."""

    rules: tuple[str, ...]
    """Rules it breaks; none where it is good."""
    identity: str
    """Its id as the contract derives it."""
    stated_id: str | None
    """Its id as it states it."""


class EventValidator:
    """Checks many events at once, in one query that is planned ahead."""

    def __init__(self, limits: IngestSettings) -> None:
        self._limits = limits
        self._connection = connect(threads=1)
        self._latest = ""
        self._projection: Projection
        self._meanings = dict(_MEANINGS)

    def check(self, texts: Sequence[str], now: datetime) -> list[EventCheck]:
        """Look at events.

        Args:
            texts: each a line of JSON, or of what should be.
            now: the time, naive UTC; a moment that lies too far ahead of it is wrong.

        Returns:
            What was found, in the same order.
        """
        if not texts:
            return []
        self._plan(now)
        found = self._connection.execute(f"execute checking({quote_text(chr(10).join(texts))})").fetchall()
        return [
            EventCheck(tuple(self._projection.broken_rules(bits)) if bits else (), identity, stated)
            for bits, identity, stated in found
        ]

    def meaning(self, rule: str) -> str:
        """What a rule says that an event broke."""
        return self._meanings[rule]

    def close(self) -> None:
        """Let the engine go."""
        self._connection.close()

    def _plan(self, now: datetime) -> None:
        """Plan the query for this minute.

        It begins with the minute, never later than an ingest's clock: what is good here is good there.
        """
        minute = now.replace(second=0, microsecond=0)
        latest = (minute + timedelta(hours=self._limits.max_future_hours)).isoformat(sep=" ")
        if latest == self._latest:
            return
        self._projection = json_projection(MAPPING, latest=latest)
        self._meanings |= zip(self._projection.rules, self._projection.meanings, strict=True)
        if self._latest:
            self._connection.execute("deallocate checking")
        self._connection.execute(f"prepare checking as {self._query()}")
        self._latest = latest

    def _query(self) -> str:
        lines = (
            "(select unnest(lines) as text, generate_subscripts(lines, 1) as _line "
            "from (select string_split($1::varchar, chr(10)) as lines))"
        )
        documents = f"(select _line, case when json_valid(text) then text::json end as doc from {lines})"
        texts = f"(select {self._projection.select_text}, doc, _line from {extracted(MAPPING, documents)})"
        typed = f"(select {self._projection.select_typed}, _line from {texts})"
        return f"select _broken, {_IDENTITY}, source_event_id from {typed} order by _line"
