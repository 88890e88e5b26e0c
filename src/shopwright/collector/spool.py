"""The spool: many senders, one writer, and one fsync for all who wait."""

from __future__ import annotations

import logging
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb

from shopwright.collector.deduplication import RecentEventIds, hash_event_id
from shopwright.collector.segment import SegmentWriter
from shopwright.collector.validation import EventCheck, EventValidator
from shopwright.core.errors import BatchError, BusyError, SpoolError
from shopwright.ingest.records import BOM
from shopwright.ingest.segments import ACCEPTED, REJECTED, Segments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from shopwright.ingest.records import Record
    from shopwright.settings import Project

GROUP_EVENTS = 2_000
"""Events after which a group is written, also where more wait: a sender is answered after one group, not after all."""
GROUP_BYTES = 4 << 20
"""Bytes after which it is; looking at a group takes many times its size in memory."""
MAX_WAITING_BYTES = 64 << 20
"""Beyond which senders are told to come again, however few events it is."""
LOGGER = logging.getLogger("shopwright.collector")
_IDLE_SECONDS = 1.0
_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Rejection:
    """An event that breaks rules; it is kept for the quarantine."""

    index: int
    """Its place in the batch, from 0."""
    event_id: str | None
    """Its id as it states it."""
    rules: tuple[tuple[str, str], ...]
    """Each rule it broke, and what that rule says."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch; its three parts together are the batch, and all of it is on disk."""

    accepted: int
    duplicate: int
    """Events that were accepted before, by their ids."""
    rejected: tuple[Rejection, ...]


@dataclass(slots=True)
class _Batch:
    records: Sequence[Record]
    size: int
    """Bytes."""
    receipt: Future[Receipt] = field(default_factory=Future)


@dataclass(slots=True)
class _Group:
    """Batches that are written together."""

    good: list[bytes] = field(default_factory=list)
    bad: list[bytes] = field(default_factory=list)
    keys: set[bytes] = field(default_factory=set)
    receipts: list[tuple[_Batch, Receipt]] = field(default_factory=list)


def _utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class Spool:
    """Keeps events of one project until they are ingested. Several processes may have one each.

    Args:
        project: the shop.
        clock: the time, naive UTC.
    """

    def __init__(self, project: Project, *, clock: Callable[[], datetime] = _utc_now) -> None:
        self._settings = project.settings.collector
        self._segments = Segments(project.collector)
        self._clock = clock
        self._checker = EventValidator(project.settings.ingest)
        self._memory = RecentEventIds(self._settings.remembered_events)
        self._good = SegmentWriter(self._segments, ACCEPTED, self._settings)
        self._bad = SegmentWriter(self._segments, REJECTED, self._settings)
        self._waiting = deque[_Batch]()
        self._waiting_events = self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._is_closing = False
        self._is_recovered = False
        self._segments.create()
        self._thread = threading.Thread(target=self._run, name="collector", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Events that wait to be written."""
        return self._waiting_events

    def submit(self, records: Sequence[Record]) -> Future[Receipt]:
        """Have a batch checked and written.

        Args:
            records: its events, in order.

        Returns:
            What will have become of it when all of it is on disk. Fails with SpoolError where it could not be kept, and
            with BatchError where the engine cannot read it; then nothing of it was acknowledged.

        Raises:
            SpoolError: too much waits, or the spool is closed.
        """
        batch = _Batch(records, sum(len(record.raw) for record in records))
        with self._changed:
            if self._is_closing or not self._thread.is_alive():
                raise SpoolError("the collector is being closed; try again later")
            if self._waiting_events and (
                self._waiting_events + len(records) > self._settings.max_waiting_events
                or self._waiting_bytes + batch.size > MAX_WAITING_BYTES
            ):
                raise SpoolError(f"{self._waiting_events:,} events wait to be written; try again later")
            self._waiting.append(batch)
            self._waiting_events += len(records)
            self._waiting_bytes += batch.size
            self._changed.notify()
        return batch.receipt

    def close(self) -> None:
        """Write what waits, close the segments, and end."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            with suppress(Exception):  # it is tried again with the first batch, whose sender is told
                self._recover()
            while True:
                batches = self._next_batches()
                if batches:
                    self._write_or_tell(batches)
                elif self._is_closing:
                    break
                self._roll()
            with suppress(OSError, BusyError), self._segments.locked():
                self._good.close()
                self._bad.close()
        finally:
            self._checker.close()

    def _next_batches(self) -> list[_Batch]:
        """Batches to write together; none where a moment passed without any."""
        with self._changed:
            if not self._waiting and not self._is_closing:
                self._changed.wait(_IDLE_SECONDS)
            batches: list[_Batch] = []
            events = size = 0
            while self._waiting and events < GROUP_EVENTS and size < GROUP_BYTES:
                batch = self._waiting.popleft()
                batches.append(batch)
                events += len(batch.records)
                size += batch.size
        return batches

    def _write_or_tell(self, batches: list[_Batch]) -> None:
        """Write batches; whatever goes wrong ends no more than them."""
        try:
            self._write(batches)
        except Exception as error:
            LOGGER.exception("a group of events was not written")
            _fail(batches, error)

    def _write(self, batches: list[_Batch]) -> None:
        group = _Group()
        error = self._try_to_keep(group, batches)
        with self._changed:
            self._waiting_events -= sum(len(batch.records) for batch in batches)
            self._waiting_bytes -= sum(batch.size for batch in batches)
        if error is not None:
            _fail(batches, error)
            return
        self._memory.add(group.keys)
        for batch, receipt in group.receipts:
            _answer(batch, receipt)

    def _try_to_keep(self, group: _Group, batches: list[_Batch]) -> Exception | None:
        """Check batches and write them; what went wrong, if anything did."""
        now = self._clock()
        try:
            if not self._is_recovered:
                self._recover()
            self._sort(group, batches, now)
            self._keep(group, now)
        except (OSError, BusyError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return SpoolError(f"events cannot be kept at present ({reason}); try again later")
        except Exception as error:  # noqa: BLE001  # a fault ends the group that it befell, and no other
            return error
        return None

    def _sort(self, group: _Group, batches: list[_Batch], now: datetime) -> None:
        """Tell good events, those that came before, and bad ones apart."""
        for batch, checked in self._checked(batches, now):
            if isinstance(checked, BatchError):
                _fail([batch], checked)
                continue
            group.receipts.append((batch, self._sort_batch(group, batch.records, checked)))

    def _checked(
        self, batches: list[_Batch], now: datetime
    ) -> Iterator[tuple[_Batch, list[EventCheck] | BatchError]]:
        try:
            found = iter(self._checker.check(_texts(batches), now))
        except duckdb.Error:
            yield from self._checked_apart(batches, now)
            return
        for batch in batches:
            yield batch, _by_record(batch.records, found)

    def _checked_apart(
        self, batches: list[_Batch], now: datetime
    ) -> Iterator[tuple[_Batch, list[EventCheck] | BatchError]]:
        """Look at each batch by itself, so that one that the engine cannot read harms no other."""
        for batch in batches:
            try:
                found = iter(self._checker.check(_texts([batch]), now))
            except duckdb.Error:
                yield batch, BatchError("an event of the batch holds what the engine cannot read")
            else:
                yield batch, _by_record(batch.records, found)

    def _sort_batch(self, group: _Group, records: Sequence[Record], checked: list[EventCheck]) -> Receipt:
        accepted = duplicate = 0
        rejected = []
        for index, (record, look) in enumerate(zip(records, checked, strict=True)):
            if look.rules:
                group.bad.append(_as_line(record.raw))
                rules = tuple((rule, self._checker.meaning(rule)) for rule in look.rules)
                rejected.append(Rejection(index, look.stated_id, rules))
                continue
            key = hash_event_id(look.identity)
            if key in self._memory or key in group.keys:
                duplicate += 1
                continue
            group.keys.add(key)
            group.good.append(record.raw)
            accepted += 1
        return Receipt(accepted, duplicate, tuple(rejected))

    def _keep(self, group: _Group, now: datetime) -> None:
        if not (group.good or group.bad):
            return
        with self._segments.locked():
            if group.good:
                self._good.append(_lines(group.good), now)
            if group.bad:
                self._bad.append(_lines(group.bad), now)

    def _roll(self) -> None:
        """Close segments that are full or old; one that cannot be closed now is closed later, by whoever comes."""
        if self._good.is_open or self._bad.is_open:
            with suppress(OSError, BusyError), self._segments.locked():
                now = self._clock()
                self._good.close_if_due(now)
                self._bad.close_if_due(now)

    def _recover(self) -> None:
        """Close what an earlier process left open, and remember the newest events."""
        self._segments.close_all()
        newest: list[set[bytes]] = []
        for file in reversed(
            [file for file in self._segments.closed_files() if file.name.startswith(ACCEPTED)]
        ):
            newest.append(self._keys_in(file))
            if sum(map(len, newest)) >= self._settings.remembered_events:
                break
        for keys in reversed(newest):
            self._memory.add(keys)
        self._is_recovered = True

    def _keys_in(self, file: Path) -> set[bytes]:
        keys: set[bytes] = set()
        chunk: list[str] = []
        with file.open(encoding="utf-8", errors="replace", newline="\n") as lines:
            for line in lines:
                if "\0" not in line:  # a machine that went down may leave such where nothing was acknowledged
                    chunk.append(line.removesuffix("\n"))
                if len(chunk) >= _CHUNK:
                    keys |= self._keys_of(chunk)
                    chunk.clear()
        return keys | self._keys_of(chunk)

    def _keys_of(self, texts: list[str]) -> set[bytes]:
        try:
            return {hash_event_id(look.identity) for look in self._checker.check(texts, self._clock())}
        except (duckdb.ConversionException, duckdb.InvalidInputException):
            if len(texts) == 1:  # what a machine that went down left, and the engine cannot read
                return set()
            middle = len(texts) // 2
            return self._keys_of(texts[:middle]) | self._keys_of(texts[middle:])


def _texts(batches: list[_Batch]) -> list[str]:
    return [record.text for batch in batches for record in batch.records if record.text is not None]


def _by_record(records: Sequence[Record], found: Iterator[EventCheck]) -> list[EventCheck]:
    """What was found of each record; one that is no text was not looked at, and says itself what is wrong."""
    return [EventCheck((record.rule,), "", None) if record.rule else next(found) for record in records]


def _as_line(raw: bytes) -> bytes:
    """A rejected event as it is kept: at the beginning of a segment a byte-order mark would be none of the event's."""
    return b"\n" + raw if raw.startswith(BOM) else raw


def _lines(raw: list[bytes]) -> bytes:
    return b"\n".join(raw) + b"\n"


def _answer(batch: _Batch, receipt: Receipt) -> None:
    if not batch.receipt.done() and batch.receipt.set_running_or_notify_cancel():
        batch.receipt.set_result(receipt)


def _fail(batches: list[_Batch], error: Exception) -> None:
    """Tell those who were not told anything yet."""
    for batch in batches:
        if not batch.receipt.done() and batch.receipt.set_running_or_notify_cancel():
            batch.receipt.set_exception(error)
