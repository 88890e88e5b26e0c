"""Ids of the newest accepted events, to recognize repeated ones."""

from __future__ import annotations

import hashlib


class RecentEventIds:
    """The ids of the newest events: at least ``size``, at most twice as many.

    Ids are stored as 128-bit hashes, about 100 bytes each. There are two generations: dropping the older one as a whole costs
    nothing, whereas dropping ids one by one would need their order.

    Args:
        size: number of ids at least.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._new: set[bytes] = set()
        self._old: set[bytes] = set()

    def add(self, keys: set[bytes]) -> None:
        """Add events, given by ``hash_event_id``."""
        self._new |= keys
        if len(self._new) >= self._size:
            self._old, self._new = (self._new, set()) if self._size else (set(), set())

    def __contains__(self, key: bytes) -> bool:
        return key in self._new or key in self._old

    def __len__(self) -> int:
        return len(self._new) + len(self._old)


def hash_event_id(identity: str) -> bytes:
    """Return the 128-bit hash of an event id."""
    return hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).digest()
