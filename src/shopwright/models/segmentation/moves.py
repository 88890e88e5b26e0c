"""Who moved from which segment to which, between two dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from shopwright.models.segmentation.data import Labels

NEW = "(new)"
"""Row of customers who were none at the earlier date."""

GONE = "(gone)"
"""Column of customers who are none at the later date."""


@dataclass(frozen=True, slots=True)
class Moves:
    """Customers by their segment at the earlier date (row) and at the later one (column)."""

    rows: tuple[str, ...]
    """Segments, and ``NEW``."""
    columns: tuple[str, ...]
    """Segments, and ``GONE``."""
    counts: tuple[tuple[int, ...], ...]

    @property
    def shares(self) -> tuple[tuple[float | None, ...], ...]:
        """Share of each row's customers; None in a row of nobody."""
        return tuple(
            tuple(count / total if total else None for count in row)
            for row, total in ((row, sum(row)) for row in self.counts)
        )

    @property
    def stayed(self) -> float | None:
        """Share of those who were customers at both dates that stayed where they were; None if there are none."""
        both = [row[:-1] for row in self.counts[:-1]]
        total = sum(map(sum, both))
        return sum(row[place] for place, row in enumerate(both)) / total if total else None


def count_moves(
    before: tuple[NDArray[np.str_], Labels], after: tuple[NDArray[np.str_], Labels], *, names: Sequence[str]
) -> Moves:
    """Count moves between segments.

    Args:
        before: ids, each once, and segments of the customers of the earlier date.
        after: those of the later date.
        names: of the segments, by number.

    Raises:
        DataError: an id comes twice, or a segment has no name.
    """
    size = len(names)
    starts, ends = _labels_by_id(before, size), _labels_by_id(after, size)
    counts = np.zeros((size + 1, size + 1), dtype=np.int64)
    for customer in starts.keys() | ends.keys():
        counts[starts.get(customer, size), ends.get(customer, size)] += 1
    return Moves(rows=(*names, NEW), columns=(*names, GONE), counts=tuple(map(tuple, counts.tolist())))


def _labels_by_id(labelled: tuple[NDArray[np.str_], Labels], size: int) -> dict[str, int]:
    ids, labels = labelled
    found = dict(zip(ids.tolist(), labels.tolist(), strict=True))
    if len(found) != len(ids):
        raise DataError(f"{len(ids)} labels are of {len(found)} customers; give one a customer")
    if wrong := {label for label in found.values() if not 0 <= label < size}:
        raise DataError(f"segment {min(wrong)} has no name; there are {size} segments")
    return found
