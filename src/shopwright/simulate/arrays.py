"""Array types, and the few array steps that more than one module needs."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]
Texts = NDArray[np.object_]


@dataclass(frozen=True)
class Columns:
    """Rows as arrays of one length, one array a field."""

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(getattr(self, fields(self)[0].name))

    def take(self, rows: Ints | Flags | slice) -> Self:
        """Return those rows, in that order."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})


AnyColumns = TypeVar("AnyColumns", bound=Columns)


def concat(tables: Sequence[AnyColumns]) -> AnyColumns:
    """Return all rows of the parts, of which there is one at least, one part after the other."""
    if len(tables) == 1:
        return tables[0]
    names = [field.name for field in fields(tables[0])]
    return replace(
        tables[0], **{name: np.concatenate([getattr(table, name) for table in tables]) for name in names}
    )


def group_offsets(counts: Ints) -> Ints:
    """Return where each group starts when groups of so many rows follow one another; one more entry than groups."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def sum_by_group(values: Ints, offsets: Ints) -> Ints:
    """Return sum of each group's rows; 0 for an empty group."""
    totals = group_offsets(values)
    return totals[offsets[1:]] - totals[offsets[:-1]]


def running_sum_before(values: Ints, offsets: Ints) -> Ints:
    """Return, for each row, the sum of the rows before it in its own group."""
    totals = group_offsets(values)
    return totals[:-1] - np.repeat(totals[offsets[:-1]], np.diff(offsets))


def max_by_group(values: Any, offsets: Ints) -> Any:
    """Return greatest of each group's rows; every group has one at least."""
    return np.maximum.reduceat(values, offsets[:-1]) if len(values) else values[:0]


def sum_by(keys: Ints, values: Ints, size: int) -> Ints:
    """Return exact sum of the values of each key from 0 up to ``size``."""
    totals = np.zeros(size, dtype=np.int64)
    np.add.at(totals, keys, values)
    return totals


def is_first_occurrence(keys: Ints) -> Flags:
    """Mark the first row of each distinct key."""
    marks = np.zeros(len(keys), dtype=bool)
    marks[np.unique(keys, return_index=True)[1]] = True
    return marks


def draw_choices(weights: tuple[float, ...], size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw positions with chances in proportion to the weights."""
    limits = np.cumsum(weights) / np.sum(weights)
    return np.searchsorted(limits[:-1], rng.random(size), side="right").astype(np.uint8)


def spread_ids(first: int, last: int, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return distinct ascending numbers with random gaps, from ``first`` up to at most ``last``."""
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
        """Return the row of the version that each owner had at each time, which is not before its first version."""
        return np.searchsorted(self._keys, self._key(owner, at), side="right") - 1
