"""Features as a matrix: numbers as they are, a category as one column for each of its levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.models.training_set import Feature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from shopwright.models.training_set import TrainingSet

MOST_LEVELS = 20
"""Levels of a category that get a column, the most frequent ones; all others share none."""
FEWEST_ROWS = 50
"""A level seen less often gets no column."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """How features become columns; fixed by the rows that a model is trained on."""

    features: tuple[Feature, ...]
    levels: dict[str, tuple[str, ...]]
    """Category to the levels that have a column."""
    ranges: dict[str, tuple[float | None, float | None]]
    """Number to the lowest and highest value seen in training."""

    @classmethod
    def fit(cls, frame: TrainingSet) -> Encoder:
        """Learn levels and ranges."""
        levels: dict[str, tuple[str, ...]] = {}
        ranges: dict[str, tuple[float | None, float | None]] = {}
        for feature in frame.features:
            values = frame.columns[feature.name]
            if feature.kind == "category":
                levels[feature.name] = _levels(values)
            else:
                seen = values[~np.isnan(values)]
                ranges[feature.name] = (float(seen.min()), float(seen.max())) if len(seen) else (None, None)
        return cls(frame.features, levels, ranges)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the matrix's columns, such as ``views`` and ``device=mobile``."""
        return tuple(name for name, _ in self._placed())

    @property
    def owners(self) -> tuple[str, ...]:
        """The feature that each column belongs to."""
        return tuple(owner for _, owner in self._placed())

    def matrix(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Values of features as a matrix (rows, columns); what is not known is NaN, or 0 in each level's column.

        Args:
            columns: feature to its values, (rows,), at least one; a feature that is left out is not known of any row.
        """
        rows = len(next(iter(columns.values())))
        made = np.empty((rows, len(self.columns)), dtype=np.float32)
        place = 0
        for feature in self.features:
            values = columns.get(feature.name)
            if feature.kind == "number":
                made[:, place] = np.nan if values is None else values
                place += 1
                continue
            for level in self.levels[feature.name]:
                made[:, place] = False if values is None else values == level
                place += 1
        return made

    def by_feature(self, contributions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum what the columns (rows, columns) of one feature contribute: (rows, features)."""
        names = [feature.name for feature in self.features]
        belongs = np.array([[owner == name for name in names] for owner in self.owners], dtype=np.float64)
        summed: NDArray[np.float64] = contributions @ belongs
        return summed

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "features": [{"name": each.name, "kind": each.kind} for each in self.features],
            "levels": {name: list(levels) for name, levels in self.levels.items()},
            "ranges": {name: list(ends) for name, ends in self.ranges.items()},
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Encoder:
        """From plain values."""
        return cls(
            tuple(Feature(**each) for each in given["features"]),
            {name: tuple(levels) for name, levels in given["levels"].items()},
            {name: (ends[0], ends[1]) for name, ends in given["ranges"].items()},
        )

    def _placed(self) -> list[tuple[str, str]]:
        found = []
        for feature in self.features:
            if feature.kind == "number":
                found.append((feature.name, feature.name))
            else:
                found += [(f"{feature.name}={level}", feature.name) for level in self.levels[feature.name]]
        return found


def _levels(values: NDArray[np.object_]) -> tuple[str, ...]:
    stated = np.array([value for value in values if value is not None], dtype=object)
    if not len(stated):
        return ()
    names, counts = np.unique(stated.astype(str), return_counts=True)
    order = np.lexsort((names, -counts))[:MOST_LEVELS]
    return tuple(str(names[place]) for place in order if counts[place] >= FEWEST_ROWS)
