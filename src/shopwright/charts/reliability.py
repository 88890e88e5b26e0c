"""Reliability curve: how often what a model predicts happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class ReliabilityPoint:
    """One bin of decisions with similar probabilities; all rates are from 0 to 1."""

    predicted: float
    """Mean predicted probability."""
    observed: float
    """Share in which the outcome happened."""
    lower: float
    """Lower end of the confidence interval of ``observed``."""
    upper: float
    count: int
    """Decisions in the bin."""

    @property
    def error_below(self) -> float:
        """Length of the error bar below the point; never negative, whatever rounding left of the interval."""
        return max(0.0, self.observed - self.lower)

    @property
    def error_above(self) -> float:
        """Length of the error bar above the point; never negative."""
        return max(0.0, self.upper - self.observed)


@dataclass(frozen=True, slots=True)
class ReliabilityCurve:
    """Observed rates over predicted probabilities, in ascending order of the prediction."""

    title: ClassVar[str] = "Calibration"
    x_label: ClassVar[str] = "predicted probability"
    y_label: ClassVar[str] = "observed rate"
    diagonal_label: ClassVar[str] = "perfectly calibrated"
    """Label of the line from (0, 0) to (1, 1)."""

    points: tuple[ReliabilityPoint, ...]

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, Any]]) -> ReliabilityCurve:
        """Return the curve of the table ``reliability`` of an evaluation.

        Args:
            rows: one row per bin with ``predicted``, ``observed``, ``observed_lower``, ``observed_upper`` and ``count``.
        """
        return cls(
            tuple(
                ReliabilityPoint(
                    predicted=row["predicted"],
                    observed=row["observed"],
                    lower=row["observed_lower"],
                    upper=row["observed_upper"],
                    count=row["count"],
                )
                for row in rows
            )
        )
