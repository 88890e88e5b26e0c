"""Ids that look random and follow from the seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shopwright.simulate.arrays import Ints, Texts

_BLOCK = 250_000
_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), dtype="S2")
_VISITOR_SALT = 0x76697369746F7273
_HEX_GROUPS = ((0, 8), (9, 13), (14, 18), (19, 23), (24, 36))


def session_ids(seed: int, session: Ints) -> Texts:
    """Return UUID-like text of each session's number; the same number has the same text in every file."""
    return _ids(seed, session)


def visitor_ids(seed: int, visitor: Ints) -> Texts:
    """Return UUID-like text of each device's number."""
    return _ids(seed ^ _VISITOR_SALT, visitor)


def _ids(seed: int, session: Ints) -> Texts:
    if not len(session):
        return np.zeros(0, dtype=object)
    first, last = int(session.min()), int(session.max())
    texts = np.empty(last - first + 1, dtype=object)
    for start in range(first, last + 1, _BLOCK):
        numbers = np.arange(start, min(start + _BLOCK, last + 1), dtype=np.uint64)
        texts[start - first : start - first + len(numbers)] = _uuids(seed, numbers)
    ids: Texts = texts[session - first]
    return ids


def _uuids(seed: int, numbers: NDArray[np.uint64]) -> Texts:
    offset = _mix(np.array([seed], dtype=np.uint64))
    halves = np.stack(
        [_mix(numbers * np.uint64(2) + half + offset) for half in (np.uint64(0), np.uint64(1))], 1
    )
    halves[:, 0] = (halves[:, 0] & np.uint64(0xFFFFFFFFFFFF0FFF)) | np.uint64(0x4000)
    halves[:, 1] = (halves[:, 1] & np.uint64(0x3FFFFFFFFFFFFFFF)) | np.uint64(0x8000000000000000)
    digits = _HEX[halves.astype(">u8").view(np.uint8)].view("S1").reshape(-1, 32)
    text = np.full((len(numbers), 36), b"-", dtype="S1")
    position = 0
    for begin, end in _HEX_GROUPS:
        text[:, begin:end] = digits[:, position : position + end - begin]
        position += end - begin
    return text.view("S36").ravel().astype("U36").astype(object)


def _mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble numbers one to one (the finaliser of SplitMix64)."""
    mixed = numbers * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
