"""Segment changes: how many customers went from which segment to which between two dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from shopwright.models.segmentation.customers import Labels

NEW = "(new)"
"""Row of customers who had not ordered by the earlier date."""

GONE = "(gone)"
"""Column of customers who are missing at the later date."""


@dataclass(frozen=True, slots=True)
class SegmentChanges:
    """Numbers of customers by segment at the earlier date (row) and at the later one (column)."""

    rows: tuple[str, ...]
    """Segments, and ``NEW``."""
    columns: tuple[str, ...]
    """Segments, and ``GONE``."""
    counts: tuple[tuple[int, ...], ...]

    @property
    def shares(self) -> tuple[tuple[float | None, ...], ...]:
        """Shares of each row's customers, 0 to 1; None in a row without customers."""
        return tuple(
            tuple(count / total if total else None for count in row)
            for row, total in ((row, sum(row)) for row in self.counts)
        )

    @property
    def stayed(self) -> float | None:
        """Share of the customers at both dates who stayed in their segment; None if there are none."""
        counts = [row[:-1] for row in self.counts[:-1]]
        total = sum(map(sum, counts))
        return sum(row[segment] for segment, row in enumerate(counts)) / total if total else None


def count_changes(
    before: tuple[NDArray[np.str_], Labels], after: tuple[NDArray[np.str_], Labels], *, names: Sequence[str]
) -> SegmentChanges:
    """Count the customers who went from one segment to another.

    Args:
        before: unique ids and segments of the customers at the earlier date, (n,) each.
        after: the same at the later date.
        names: names of the segments, by number.

    Raises:
        DataError: an id is repeated, or a segment has no name.
    """
    size = len(names)
    starts, ends = _labels_by_id(before, size), _labels_by_id(after, size)
    counts = np.zeros((size + 1, size + 1), dtype=np.int64)
    for customer in starts.keys() | ends.keys():
        counts[starts.get(customer, size), ends.get(customer, size)] += 1
    return SegmentChanges(
        rows=(*names, NEW), columns=(*names, GONE), counts=tuple(map(tuple, counts.tolist()))
    )


def _labels_by_id(labelled: tuple[NDArray[np.str_], Labels], size: int) -> dict[str, int]:
    ids, labels = labelled
    by_id = dict(zip(ids.tolist(), labels.tolist(), strict=True))
    if len(by_id) != len(ids):
        raise DataError(f"Got {len(ids)} labels for {len(by_id)} customers, expected one per customer")
    if unnamed := {label for label in by_id.values() if not 0 <= label < size}:
        raise DataError(f"Segment {min(unnamed)} has no name. There are {size} segments")
    return by_id
