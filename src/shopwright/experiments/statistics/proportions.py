"""Conversion rates: two proportions, and a test over all variants at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chi2_contingency

from shopwright.experiments.statistics.distributions import Normal, StudentT
from shopwright.experiments.statistics.estimate import LEVEL, Arm, Estimate, compare, welch_dof
from shopwright.experiments.statistics.means import NO_UNITS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from shopwright.experiments.statistics.moments import Moments

MIN_EXPECTED = 5
"""Expected count below which the chi-square distribution is a poor approximation (Cochran 1954)."""


@dataclass(frozen=True, slots=True)
class Proportion:
    """Count of a variant's units with a property, of all its units.

    Raises:
        ValueError: not 0 <= successes <= count.
    """

    successes: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.count:
            raise ValueError(f"successes lie between 0 and the count: {self.successes} of {self.count}")

    @classmethod
    def from_moments(cls, sums: Moments, column: str) -> Proportion:
        """Count the units whose 0/1 column is 1.

        Raises:
            ValueError: the column holds something else than 0 and 1.
        """
        successes = sums.sum(column)
        if successes != round(successes) or sums.product(column, column) != successes:
            raise ValueError(f"'{column}' is not a column of 0 and 1, so it has no proportion")
        return cls(round(successes), sums.count)

    @property
    def arm(self) -> Arm:
        """The rate, and p (1 - p) / count as its variance."""
        if not self.count:
            return Arm(None, None, 0, NO_UNITS)
        rate = self.successes / self.count
        return Arm(rate, rate * (1 - rate) / self.count, self.count)


def two_proportions(control: Proportion, treatment: Proportion, *, level: float = LEVEL) -> Estimate:
    """Compare two conversion rates.

    The test uses the pooled variance, right where there is no difference; the interval of the absolute
    difference the unpooled one (Wald), right where there is one. So, near the edge, one can exclude 0 and the
    other not. The relative difference has the delta method's variance and Welch's degrees of freedom.

    Source: A. Agresti, "Categorical Data Analysis", 3rd edition, 2013, Section 3.1 (interval) and 3.2 (pooled
    test); the relative part as in GrowthBook's "Statistical Details" (docs.growthbook.io/statistics/details).

    Example:
        >>> day_7 = two_proportions(Proportion(8_502, 44_700), Proportion(8_279, 45_489))
        >>> round(day_7.absolute.value, 6), round(day_7.statistic, 4), round(day_7.pvalue, 6)
        (-0.008201, -3.1644, 0.001554)
    """
    control_arm, treatment_arm = control.arm, treatment.arm
    return compare(
        control_arm,
        treatment_arm,
        method="two-proportions",
        level=level,
        distribution=Normal(),
        relative_distribution=StudentT(welch_dof(control_arm, treatment_arm)),
        null_error=_pooled_error(control, treatment),
    )


def _pooled_error(control: Proportion, treatment: Proportion) -> float | None:
    if not control.count or not treatment.count:
        return None
    rate = (control.successes + treatment.successes) / (control.count + treatment.count)
    return math.sqrt(rate * (1 - rate) * (1 / control.count + 1 / treatment.count))


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """Chi-square test with its expected counts."""

    statistic: float | None
    dof: int
    pvalue: float | None
    expected: tuple[tuple[float, ...], ...] | None
    """Expected counts, in the shape of the table."""
    is_small: bool
    """Whether an expected count is below 5, which makes the p-value approximate."""
    reason: str | None = None
    """Why there is no test."""


def chi_square_independence(table: ArrayLike) -> ChiSquare:
    """Test whether the outcome depends on the variant, over all variants at once.

    Args:
        table: counts of units, shape (variants, outcomes), such as converted and not converted. No continuity
            correction is made.

    Raises:
        ValueError: the table is not two-dimensional, smaller than 2 by 2, or holds negative counts.

    Source: K. Pearson, Philosophical Magazine 50, 1900; A. Agresti, "Categorical Data Analysis", 2013,
    Section 3.2.
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or min(counts.shape) < 2 or not (counts >= 0).all():
        raise ValueError(
            f"a table needs two rows and columns or more, and no negative count; shape {counts.shape}"
        )
    variants, outcomes = counts.sum(axis=1), counts.sum(axis=0)
    dof = (len(variants) - 1) * (len(outcomes) - 1)
    # scipy refuses an expected count of 0; here it means that there is nothing to test
    if not variants.all():
        return ChiSquare(None, dof, None, None, is_small=True, reason="a variant has no units")
    if not outcomes.all():
        return ChiSquare(None, dof, None, None, is_small=True, reason="all units have the same outcome")
    test = chi2_contingency(counts, correction=False)
    return ChiSquare(
        statistic=float(test.statistic),
        dof=dof,
        pvalue=float(test.pvalue),
        expected=tuple(tuple(row) for row in test.expected_freq.tolist()),
        is_small=bool(test.expected_freq.min() < MIN_EXPECTED),
    )
