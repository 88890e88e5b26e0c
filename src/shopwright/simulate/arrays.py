"""Array types, and the few array steps that more than one module needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]
Texts = NDArray[np.object_]


def offsets_of(counts: Ints) -> Ints:
    """Where each group starts when groups of so many rows follow one another; one more entry than groups."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def sum_within(values: Ints, offsets: Ints) -> Ints:
    """Sum of each group's rows; 0 for an empty group."""
    totals = offsets_of(values)
    return totals[offsets[1:]] - totals[offsets[:-1]]


def running_before(values: Ints, offsets: Ints) -> Ints:
    """For each row, the sum of the rows before it in its own group."""
    totals = offsets_of(values)
    return totals[:-1] - np.repeat(totals[offsets[:-1]], np.diff(offsets))


def first_of_each(keys: Ints) -> Flags:
    """Marks the first row of each distinct key."""
    marks = np.zeros(len(keys), dtype=bool)
    marks[np.unique(keys, return_index=True)[1]] = True
    return marks


def choose(weights: tuple[float, ...], size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draws positions with chances in proportion to the weights."""
    limits = np.cumsum(weights) / np.sum(weights)
    return np.searchsorted(limits[:-1], rng.random(size), side="right").astype(np.uint8)


def spread_ids(first: int, last: int, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Distinct ascending numbers with random gaps, from ``first`` up to at most ``last``."""
    step = (last - first + 1) // size
    return first + np.arange(size, dtype=np.int64) * step + rng.integers(0, step, size)


@dataclass(frozen=True)
class Versions:
    """Things that change: which version of each owner held at a time."""

    owner: Ints
    """Ascending; the versions of one owner are ordered by ``since``."""
    since: Ints
    """From when each version holds, in milliseconds."""

    @cached_property
    def _keys(self) -> Ints:
        return self._key(self.owner, self.since)

    @cached_property
    def _limits(self) -> tuple[int, int]:
        return int(self.since.min()), int(self.since.max())

    def _key(self, owner: Ints, at: Ints) -> Ints:
        first, last = self._limits
        return owner.astype(np.int64) * (last - first + 1) + np.clip(at, first, last) - first

    def at(self, owner: Ints, at: Ints) -> Ints:
        """Row of the version each owner had at each time, which is not before its first version."""
        return np.searchsorted(self._keys, self._key(owner, at), side="right") - 1
