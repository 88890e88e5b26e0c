"""The spool: many senders, one writer thread, and one fsync for all batches that wait."""

from __future__ import annotations

import logging
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shopwright.collector.deduplication import RecentEventIds, hash_event_id
from shopwright.collector.segment import SegmentWriter
from shopwright.collector.validation import EventCheck, EventValidator
from shopwright.core.engine import EngineError, ValueReadError
from shopwright.core.errors import BatchError, BusyError, SpoolError
from shopwright.ingest.records import BOM
from shopwright.ingest.segments import ACCEPTED, REJECTED, Segments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from shopwright.ingest.records import Record
    from shopwright.settings import Project

GROUP_EVENTS = 2_000
"""Events after which a group is written even if more are waiting, so that senders are not held up by later batches."""
GROUP_BYTES = 4 << 20
"""Bytes after which a group is written; validating a group takes many times its size in memory."""
MAX_WAITING_BYTES = 64 << 20
"""Bytes that may wait; beyond it senders are refused, however few events they are."""
LOGGER = logging.getLogger("shopwright.collector")
_IDLE_SECONDS = 1.0
_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Rejection:
    """An event that violates rules; it goes to quarantine."""

    index: int
    """Position in the batch, from 0."""
    event_id: str | None
    """The event's own id, if it has one."""
    rules: tuple[tuple[str, str], ...]
    """Violated rules, each with its meaning."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Outcome of a batch. The three counts add up to the batch, and all of it is on disk."""

    accepted: int
    duplicate: int
    """Events with an id that was accepted before, and those about people who were erased, which are not stored."""
    rejected: tuple[Rejection, ...]


@dataclass(slots=True)
class _Batch:
    records: Sequence[Record]
    size: int
    """Bytes."""
    receipt: Future[Receipt] = field(default_factory=Future)


@dataclass(slots=True)
class _Group:
    """Batches that are written with one fsync."""

    accepted: list[bytes] = field(default_factory=list)
    rejected: list[bytes] = field(default_factory=list)
    keys: set[bytes] = field(default_factory=set)
    receipts: list[tuple[_Batch, Receipt]] = field(default_factory=list)


def _utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class Spool:
    """Stores the events of a project until they are ingested. Several processes may have a spool each.

    Args:
        project: the shop.
        clock: returns the current time, naive UTC.
    """

    def __init__(self, project: Project, *, clock: Callable[[], datetime] = _utc_now) -> None:
        self._settings = project.settings.collector
        self._segments = Segments(project.collector)
        self._clock = clock
        self._validator = EventValidator(project)
        self._recent_ids = RecentEventIds(self._settings.remembered_events)
        self._accepted = SegmentWriter(self._segments, ACCEPTED, self._settings)
        self._rejected = SegmentWriter(self._segments, REJECTED, self._settings)
        self._waiting = deque[_Batch]()
        self._waiting_events = self._waiting_bytes = 0
        self._condition = threading.Condition()
        self._is_closing = False
        self._is_recovered = False
        self._segments.create()
        self._thread = threading.Thread(target=self._run, name="collector", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Number of events that wait to be written."""
        return self._waiting_events

    def submit(self, records: Sequence[Record]) -> Future[Receipt]:
        """Submit a batch to be validated and written.

        Args:
            records: events of the batch, in order.

        Returns:
            The outcome, once the whole batch is on disk. Fails with SpoolError if it could not be stored, and with
            BatchError if the engine cannot read it; nothing of it is acknowledged then.

        Raises:
            SpoolError: too many events are waiting, or the spool is closed.
        """
        batch = _Batch(records, sum(len(record.raw) for record in records))
        with self._condition:
            if self._is_closing or not self._thread.is_alive():
                raise SpoolError("The collector is shutting down. Try again later")
            if self._waiting_events and (
                self._waiting_events + len(records) > self._settings.max_waiting_events
                or self._waiting_bytes + batch.size > MAX_WAITING_BYTES
            ):
                raise SpoolError(
                    f"{self._waiting_events:,} events are waiting to be written. Try again later"
                )
            self._waiting.append(batch)
            self._waiting_events += len(records)
            self._waiting_bytes += batch.size
            self._condition.notify()
        return batch.receipt

    def close(self) -> None:
        """Write what is waiting, close the segments, and stop the thread."""
        with self._condition:
            self._is_closing = True
            self._condition.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            with suppress(Exception):  # retried with the first batch, which then reports the error
                self._recover()
            while True:
                batches = self._next_batches()
                if batches:
                    self._write_or_fail(batches)
                elif self._is_closing:
                    break
                self._roll()
            with suppress(OSError, BusyError), self._segments.locked():
                self._accepted.close()
                self._rejected.close()
        finally:
            self._validator.close()

    def _next_batches(self) -> list[_Batch]:
        """Return batches to write together; empty if none arrived within ``_IDLE_SECONDS``."""
        with self._condition:
            if not self._waiting and not self._is_closing:
                self._condition.wait(_IDLE_SECONDS)
            batches: list[_Batch] = []
            events = size = 0
            while self._waiting and events < GROUP_EVENTS and size < GROUP_BYTES:
                batch = self._waiting.popleft()
                batches.append(batch)
                events += len(batch.records)
                size += batch.size
        return batches

    def _write_or_fail(self, batches: list[_Batch]) -> None:
        """Write batches; an error fails these batches only."""
        try:
            self._write(batches)
        except Exception as error:
            LOGGER.exception("a group of events was not written")
            _fail(batches, error)

    def _write(self, batches: list[_Batch]) -> None:
        group = _Group()
        error = self._try_to_store(group, batches)
        with self._condition:
            self._waiting_events -= sum(len(batch.records) for batch in batches)
            self._waiting_bytes -= sum(batch.size for batch in batches)
        if error is not None:
            _fail(batches, error)
            return
        self._recent_ids.add(group.keys)
        for batch, receipt in group.receipts:
            _succeed(batch, receipt)

    def _try_to_store(self, group: _Group, batches: list[_Batch]) -> Exception | None:
        """Validate and write batches; return the error, if there was one."""
        now = self._clock()
        try:
            if not self._is_recovered:
                self._recover()
            self._sort(group, batches, now)
            self._store(group, now)
        except (OSError, BusyError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return SpoolError(f"Events cannot be stored at present ({reason}). Try again later")
        except Exception as error:  # noqa: BLE001  # a bug fails this group only
            return error
        return None

    def _sort(self, group: _Group, batches: list[_Batch], now: datetime) -> None:
        """Sort events into accepted, duplicate and rejected ones."""
        for batch, checks in self._validate(batches, now):
            if isinstance(checks, BatchError):
                _fail([batch], checks)
                continue
            group.receipts.append((batch, self._sort_batch(group, batch.records, checks)))

    def _validate(
        self, batches: list[_Batch], now: datetime
    ) -> Iterator[tuple[_Batch, list[EventCheck] | BatchError]]:
        try:
            checks = iter(self._validator.check(_texts(batches), now))
        except EngineError:
            yield from self._validate_separately(batches, now)
            return
        for batch in batches:
            yield batch, _by_record(batch.records, checks)

    def _validate_separately(
        self, batches: list[_Batch], now: datetime
    ) -> Iterator[tuple[_Batch, list[EventCheck] | BatchError]]:
        """Validate each batch in a query of its own, so that one that the engine cannot read fails alone."""
        for batch in batches:
            try:
                checks = iter(self._validator.check(_texts([batch]), now))
            except EngineError:
                yield batch, BatchError("The batch has an event that the engine cannot read")
            else:
                yield batch, _by_record(batch.records, checks)

    def _sort_batch(self, group: _Group, records: Sequence[Record], checks: list[EventCheck]) -> Receipt:
        accepted = duplicate = 0
        rejected = []
        for index, (record, check) in enumerate(zip(records, checks, strict=True)):
            if check.is_erased:  # acknowledged, so that it is not sent again, and never stored
                duplicate += 1
                continue
            if check.rules:
                if not self._validator.names_erased(record.raw):
                    group.rejected.append(_as_line(record.raw))
                rules = tuple((rule, self._validator.describe_rule(rule)) for rule in check.rules)
                rejected.append(Rejection(index, check.source_id, rules))
                continue
            key = hash_event_id(check.identity)
            if key in self._recent_ids or key in group.keys:
                duplicate += 1
                continue
            group.keys.add(key)
            group.accepted.append(record.raw)
            accepted += 1
        return Receipt(accepted, duplicate, tuple(rejected))

    def _store(self, group: _Group, now: datetime) -> None:
        if not (group.accepted or group.rejected):
            return
        with self._segments.locked():
            if group.accepted:
                self._accepted.append(_lines(group.accepted), now)
            if group.rejected:
                self._rejected.append(_lines(group.rejected), now)

    def _roll(self) -> None:
        """Close segments that are full or old; one that cannot be closed now is closed at a later attempt."""
        if self._accepted.is_open or self._rejected.is_open:
            with suppress(OSError, BusyError), self._segments.locked():
                now = self._clock()
                self._accepted.close_if_due(now)
                self._rejected.close_if_due(now)

    def _recover(self) -> None:
        """Close what an earlier process left open, and read the ids of the newest events."""
        self._segments.close_all()
        newest: list[set[bytes]] = []
        for file in reversed(
            [file for file in self._segments.closed_files() if file.name.startswith(ACCEPTED)]
        ):
            newest.append(self._keys_in(file))
            if sum(map(len, newest)) >= self._settings.remembered_events:
                break
        for keys in reversed(newest):
            self._recent_ids.add(keys)
        self._is_recovered = True

    def _keys_in(self, file: Path) -> set[bytes]:
        keys: set[bytes] = set()
        chunk: list[str] = []
        with file.open(encoding="utf-8", errors="replace", newline="\n") as lines:
            for line in lines:
                if "\0" not in line:  # a crashed machine may leave these where nothing was acknowledged
                    chunk.append(line.removesuffix("\n"))
                if len(chunk) >= _CHUNK:
                    keys |= self._keys_of(chunk)
                    chunk.clear()
        return keys | self._keys_of(chunk)

    def _keys_of(self, texts: list[str]) -> set[bytes]:
        try:
            return {hash_event_id(check.identity) for check in self._validator.check(texts, self._clock())}
        except ValueReadError:
            if len(texts) == 1:  # left by a crashed machine, and unreadable for the engine
                return set()
            middle = len(texts) // 2
            return self._keys_of(texts[:middle]) | self._keys_of(texts[middle:])


def _texts(batches: list[_Batch]) -> list[str]:
    return [record.text for batch in batches for record in batch.records if record.text is not None]


def _by_record(records: Sequence[Record], checks: Iterator[EventCheck]) -> list[EventCheck]:
    """Return the result for each record; one that is not text was not validated and has its rule already."""
    return [EventCheck((record.rule,), "", None) if record.rule else next(checks) for record in records]


def _as_line(raw: bytes) -> bytes:
    """Return a rejected event as it is stored: a byte-order mark at the start of a segment would not count as the event's."""
    return b"\n" + raw if raw.startswith(BOM) else raw


def _lines(raw: list[bytes]) -> bytes:
    return b"\n".join(raw) + b"\n"


def _succeed(batch: _Batch, receipt: Receipt) -> None:
    if not batch.receipt.done() and batch.receipt.set_running_or_notify_cancel():
        batch.receipt.set_result(receipt)


def _fail(batches: list[_Batch], error: Exception) -> None:
    """Fail the batches that have no outcome yet."""
    for batch in batches:
        if not batch.receipt.done() and batch.receipt.set_running_or_notify_cancel():
            batch.receipt.set_exception(error)
