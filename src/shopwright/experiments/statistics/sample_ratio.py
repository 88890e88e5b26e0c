"""Sample ratio: whether the variants have the units that their weights promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.stats import chisquare

if TYPE_CHECKING:
    from collections.abc import Sequence

THRESHOLD = 0.01
"""p-value below which a sample ratio counts as mismatched."""


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Observed and expected units by variant, with a test of their difference."""

    observed: tuple[int, ...]
    expected: tuple[float, ...]
    statistic: float | None
    dof: int
    pvalue: float | None
    threshold: float
    reason: str | None = None
    """Why there is no test; None with one."""

    @property
    def is_mismatch(self) -> bool:
        """Whether chance does not explain the split; False without a test."""
        return self.pvalue is not None and self.pvalue < self.threshold


def sample_ratio(
    observed: Sequence[int], *, weights: Sequence[float], threshold: float = THRESHOLD
) -> SampleRatio:
    """Test for a sample ratio mismatch: a chi-square test of fit.

    Args:
        observed: units by variant.
        weights: planned shares by variant, on any scale; each above 0.
        threshold: p-value below which the split is flagged. Well below 0.05, because the check is made at
            every look and a mismatch makes all results invalid.

    Raises:
        ValueError: not one weight above 0 for each of two variants or more, or a negative count.

    Source: A. Fabijan and others, "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments", KDD 2019.

    Example:
        >>> split = sample_ratio([44_700, 45_489], weights=[1, 1])
        >>> round(split.statistic, 4), round(split.pvalue, 5), split.is_mismatch
        (6.9024, 0.00861, True)
    """
    if len(observed) != len(weights) or len(observed) < 2:
        raise ValueError(f"two variants or more, each with a weight: {list(observed)} and {list(weights)}")
    if min(weights) <= 0 or min(observed) < 0:
        raise ValueError(f"weights lie above 0 and counts at 0 or more: {list(weights)} and {list(observed)}")
    units, dof = sum(observed), len(observed) - 1
    expected = tuple(units * weight / sum(weights) for weight in weights)
    if not units:
        return SampleRatio(tuple(observed), expected, None, dof, None, threshold, "no units")
    test = chisquare(observed, expected)
    return SampleRatio(tuple(observed), expected, float(test.statistic), dof, float(test.pvalue), threshold)
