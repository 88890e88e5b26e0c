"""Validation of events with the same rules by which an ingest quarantines records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shopwright.contracts.events import EVENTS
from shopwright.core.engine import connect
from shopwright.core.sql import quote_text
from shopwright.ingest.adapters.collector import COLLECTOR
from shopwright.ingest.json_files import extracted, json_projection
from shopwright.ingest.row_rules import ERASED
from shopwright.ingest.segments import COLLECTOR_SOURCE
from shopwright.ingest.shop_limits import for_shop
from shopwright.ingest.tombstones import matcher_for
from shopwright.tombstones import Tombstones, declare, load_tombstones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopwright.ingest.projection import Projection
    from shopwright.settings import Project

MAPPING = COLLECTOR.mapping_for(COLLECTOR_SOURCE, "")
"""Mapping from fields of an event to columns, before a shop's settings."""
_MEANINGS = {
    "record_too_long": "The event is not longer than the settings allow.",
    "nul_byte": "The event holds no NUL byte.",
    "invalid_utf8": "The event is UTF-8.",
    "nested_too_deep": "The event is not nested too deeply.",
}
"""Rules about records that never become a row, in words."""
_IDENTITY = EVENTS.column("event_id").derived


@dataclass(frozen=True, slots=True)
class EventCheck:
    """Result of validating one event."""

    rules: tuple[str, ...]
    """Violated rules; empty for a valid event."""
    identity: str
    """Event id as the contract derives it."""
    source_id: str | None
    """The event's own id, if it has one."""
    is_erased: bool = False
    """Whether it is about somebody who was erased, so that nothing of it may be stored."""


class EventValidator:
    """Validates many events at once, in one prepared query.

    Args:
        project: the shop, whose limits and zone apply as in its ingest.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._max_future_hours = project.settings.ingest.max_future_hours
        self._tombstones = Tombstones("")
        self._mapping = for_shop(MAPPING, project)
        self._connection = connect(threads=1)
        self._latest = ""
        self._projection: Projection
        self._meanings = dict(_MEANINGS)

    def check(self, texts: Sequence[str], now: datetime) -> list[EventCheck]:
        """Validate events.

        Args:
            texts: one line per event, JSON or not.
            now: current time, naive UTC; events too far in the future are invalid.

        Returns:
            One result per event, in the same order.
        """
        if not texts:
            return []
        self._prepare(now)
        rows = self._connection.execute(f"execute checking({quote_text(chr(10).join(texts))})").fetchall()
        return [
            EventCheck(
                tuple(self._projection.broken_rules(bits)) if bits > 0 else (),
                identity,
                source_id,
                bits == ERASED,
            )
            for bits, identity, source_id in rows
        ]

    def names_erased(self, raw: bytes) -> bool:
        """Return whether a rejected event names somebody who was erased; after ``check``."""
        if not self._tombstones.erasures:
            return False
        matcher = matcher_for(self._mapping, self._tombstones, project=self._project)
        return matcher.names_erased(raw.decode("utf-8", errors="replace"))

    def describe_rule(self, rule: str) -> str:
        """Return the meaning of a violated rule."""
        return self._meanings[rule]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _prepare(self, now: datetime) -> None:
        """Prepare the query for the current minute.

        The limit on future timestamps is counted from the start of the minute, never later than the clock of an ingest:
        what is valid here is valid there.
        """
        minute = now.replace(second=0, microsecond=0)
        latest = (minute + timedelta(hours=self._max_future_hours)).isoformat(sep=" ")
        is_renewed = self._renew_tombstones()
        if latest == self._latest and not is_renewed:
            return
        self._projection = json_projection(self._mapping, latest=latest)
        self._meanings |= zip(self._projection.rules, self._projection.meanings, strict=True)
        if self._latest:
            self._connection.execute("deallocate checking")
        self._connection.execute(f"prepare checking as {self._query()}")
        self._latest = latest

    def _renew_tombstones(self) -> bool:
        """Read the tombstones if they changed, as while a service runs; return whether they did."""
        tombstones = load_tombstones(self._project.tombstones)
        if tombstones.digest == self._tombstones.digest:
            return False
        self._tombstones = tombstones
        declare(self._connection, tombstones)
        self._mapping = for_shop(MAPPING, self._project)
        return True

    def _query(self) -> str:
        lines = (
            "(select unnest(lines) as text, generate_subscripts(lines, 1) as _line "
            "from (select string_split($1::varchar, chr(10)) as lines))"
        )
        documents = f"(select _line, case when json_valid(text) then text::json end as doc from {lines})"
        rows = self._projection.rows(extracted(self._mapping, documents), ", doc, _line")
        return f"select _broken, {_IDENTITY}, source_event_id from ({rows}) order by _line"
