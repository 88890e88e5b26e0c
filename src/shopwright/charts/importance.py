"""Feature importance: which features move a score most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_FEATURES = 15
"""Features shown, the most important ones."""


@dataclass(frozen=True, slots=True)
class ImportanceBar:
    """One feature and its importance."""

    feature: str
    importance: float
    """Mean absolute contribution over the decisions of the test window, on the scale of the score before calibration."""


@dataclass(frozen=True, slots=True)
class FeatureImportance:
    """The most important features, in descending order."""

    title: ClassVar[str] = "Most important features"
    x_label: ClassVar[str] = "mean absolute contribution"

    bars: tuple[ImportanceBar, ...]
    feature_count: int
    """All features of the model, shown or not."""

    @classmethod
    def from_rows(
        cls, rows: Sequence[Mapping[str, Any]], *, max_features: int = MAX_FEATURES
    ) -> FeatureImportance:
        """Return the chart of the table ``importance`` of an evaluation.

        Args:
            rows: one row per feature with ``feature`` and ``mean_absolute_contribution``, the largest first.
            max_features: how many of them are shown, 1 or more.
        """
        bars = tuple(
            ImportanceBar(str(row["feature"]), float(row["mean_absolute_contribution"]))
            for row in rows[:max_features]
        )
        return cls(bars, len(rows))
