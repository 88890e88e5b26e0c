"""Cache of values that are slow to compute and stay valid until the data changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable, Hashable

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Value]):
    """One cached value; ``values`` is empty until it is computed."""

    lock: LockType = field(default_factory=Lock)
    values: list[Value] = field(default_factory=list)


class SnapshotCache(Generic[Value]):
    """Values by key for one snapshot of the data; a new snapshot empties the cache."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._snapshot: Hashable = None
        self._entries: dict[Hashable, _Entry[Value]] = {}

    def get(self, snapshot: Hashable, key: Hashable, compute: Callable[[], Value]) -> Value:
        """Return the value of a key, computing it at most once per snapshot.

        Threads that ask for the same key wait for the first one; other keys are not blocked. Where ``compute`` raises,
        nothing is cached.

        Args:
            snapshot: identity of the data, such as the published warehouse's.
            key: which value.
            compute: called without arguments when the snapshot has no value of this key yet.
        """
        with self._lock:
            if snapshot != self._snapshot:
                self._entries, self._snapshot = {}, snapshot
            entry = self._entries.setdefault(key, _Entry())
        # Each entry has its own lock, so that a slow value does not hold up the others.
        with entry.lock:
            if not entry.values:
                entry.values.append(compute())
            return entry.values[0]
