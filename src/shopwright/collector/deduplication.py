"""Which events have been taken: the newest ones, by their ids."""

from __future__ import annotations

import hashlib


class RecentEventIds:
    """Remembers the ids of the newest events; at least as many as asked for, at most twice as many.

    Ids are kept as 128-bit hashes, about 100 bytes each. Two generations forget a whole one at a time, which costs nothing.

    Args:
        size: how many ids at least.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._new: set[bytes] = set()
        self._old: set[bytes] = set()

    def add(self, keys: set[bytes]) -> None:
        """Remember events."""
        self._new |= keys
        if len(self._new) >= self._size:
            self._old, self._new = (self._new, set()) if self._size else (set(), set())

    def __contains__(self, key: bytes) -> bool:
        return key in self._new or key in self._old

    def __len__(self) -> int:
        return len(self._new) + len(self._old)


def hash_event_id(identity: str) -> bytes:
    """What is remembered of an id."""
    return hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).digest()
