"""Features as a matrix: numbers unchanged, a category as one column per level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.models.classifiers.config import DEFAULT_CONFIG
from shopwright.models.training_set import Feature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from shopwright.models.classifiers.config import ClassifierConfig
    from shopwright.models.training_set import TrainingSet


@dataclass(frozen=True, slots=True)
class Encoder:
    """The mapping of features to columns, fixed by the rows that a model is trained on."""

    features: tuple[Feature, ...]
    levels: dict[str, tuple[str, ...]]
    """Category to the levels that have a column."""
    ranges: dict[str, tuple[float | None, float | None]]
    """Number to its minimum and maximum in training; None where it was never known."""

    @classmethod
    def fit(cls, data: TrainingSet, config: ClassifierConfig = DEFAULT_CONFIG) -> Encoder:
        """Learn levels and ranges from training rows."""
        levels: dict[str, tuple[str, ...]] = {}
        ranges: dict[str, tuple[float | None, float | None]] = {}
        for feature in data.features:
            values = data.columns[feature.name]
            if feature.kind == "category":
                levels[feature.name] = _frequent_levels(values, config)
            else:
                numbers = values[~np.isnan(values)]
                ranges[feature.name] = (
                    (float(numbers.min()), float(numbers.max())) if len(numbers) else (None, None)
                )
        return cls(data.features, levels, ranges)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the matrix's columns, such as ``views`` and ``device=mobile``."""
        return tuple(column for column, _ in self._columns_with_feature())

    @property
    def feature_of_column(self) -> tuple[str, ...]:
        """The feature that each column belongs to."""
        return tuple(feature for _, feature in self._columns_with_feature())

    def matrix(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Encode feature values as a matrix (rows, columns); an unknown value is NaN, or 0 in each level's column.

        Args:
            columns: feature to its values, (rows,), at least one; an absent feature is unknown in all rows.
        """
        rows = len(next(iter(columns.values())))
        matrix = np.empty((rows, len(self.columns)), dtype=np.float32)
        index = 0
        for feature in self.features:
            values = columns.get(feature.name)
            if feature.kind == "number":
                matrix[:, index] = np.nan if values is None else values
                index += 1
                continue
            for level in self.levels[feature.name]:
                matrix[:, index] = False if values is None else values == level
                index += 1
        return matrix

    def by_feature(self, contributions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum the contributions of columns, (rows, columns), by feature: (rows, features)."""
        names = [feature.name for feature in self.features]
        membership = np.array(
            [[feature == name for name in names] for feature in self.feature_of_column], dtype=np.float64
        )
        totals: NDArray[np.float64] = contributions @ membership
        return totals

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that survive JSON unchanged."""
        return {
            "features": [{"name": feature.name, "kind": feature.kind} for feature in self.features],
            "levels": {name: list(levels) for name, levels in self.levels.items()},
            "ranges": {name: list(bounds) for name, bounds in self.ranges.items()},
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Encoder:
        """Restore the encoder that ``to_dict`` wrote."""
        return cls(
            tuple(Feature(**feature) for feature in stored["features"]),
            {name: tuple(levels) for name, levels in stored["levels"].items()},
            {name: (bounds[0], bounds[1]) for name, bounds in stored["ranges"].items()},
        )

    def _columns_with_feature(self) -> list[tuple[str, str]]:
        pairs = []
        for feature in self.features:
            if feature.kind == "number":
                pairs.append((feature.name, feature.name))
            else:
                pairs += [(f"{feature.name}={level}", feature.name) for level in self.levels[feature.name]]
        return pairs


def _frequent_levels(values: NDArray[np.object_], config: ClassifierConfig) -> tuple[str, ...]:
    present = np.array([value for value in values if value is not None], dtype=object)
    if not len(present):
        return ()
    names, counts = np.unique(present.astype(str), return_counts=True)
    # By name among equally frequent levels, so that the columns do not depend on the order of rows.
    order = np.lexsort((names, -counts))[: config.max_levels]
    return tuple(str(names[index]) for index in order if counts[index] >= config.min_rows_per_level)
