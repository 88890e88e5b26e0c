"""Means per unit and ratios of sums, compared by Welch's test and the delta method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.experiments.statistics.estimate import LEVEL, TOO_LARGE, Arm, Estimate, compare
from shopwright.experiments.statistics.moments import Quantity

if TYPE_CHECKING:
    from shopwright.experiments.statistics.moments import Moments

NO_UNITS = "no units"
ONE_UNIT = "a single unit has no variance"
MAX_VALUE = 1e300
"""Limit above which the difference of two values could overflow."""


def welch(control: Moments, treatment: Moments, *, column: str, level: float = LEVEL) -> Estimate:
    """Compare the mean of a column per unit, without assuming equal variances.

    The relative difference has the delta method's variance and the degrees of freedom of the absolute one, as
    in GrowthBook's "Statistical Details" (docs.growthbook.io/statistics/details).

    Args:
        control: needs the column's sum and square.
        treatment: the same.
        column: such as ``revenue``, one value per unit, 0 for a unit that did nothing.
        level: of the intervals.

    Source: B. L. Welch, Biometrika 34, 1947; A. Deng, U. Knoblich, J. Lu, KDD 2018, Section 2.
    """
    quantity = Quantity(column)
    return compare(arm(control, quantity), arm(treatment, quantity), method="welch", level=level)


def ratio_of_means(
    control: Moments, treatment: Moments, *, numerator: str, denominator: str, level: float = LEVEL
) -> Estimate:
    """Compare a ratio of two columns' sums, such as revenue per session, where the unit is a user.

    Each variant's variance is that of the ratio's linearisation over units, so units with several sessions
    are treated as the one draw that they are.

    Args:
        control: needs both columns' sums, squares and product.
        treatment: the same.
        numerator: name of the column to sum.
        denominator: name of the column to divide by; without a result where it sums to 0.
        level: of the intervals.

    Source: A. Deng, U. Knoblich, J. Lu, "Applying the Delta Method in Metric Analytics", KDD 2018, Section 3:
    var(N / D) = (var(n) - 2 R cov(n, d) + R^2 var(d)) / (count mean(d)^2).
    """
    quantity = Quantity(numerator, denominator)
    return compare(arm(control, quantity), arm(treatment, quantity), method="delta", level=level)


def arm(sums: Moments, quantity: Quantity) -> Arm:
    """Return one variant's mean or ratio, with its variance."""
    value, weights = sums.value(quantity), sums.linear(quantity)
    if value is None or weights is None:
        reason = f"'{quantity.denominator}' sums to 0" if sums.count else NO_UNITS
        return Arm(None, None, sums.count, reason)
    if unknown := sums.unknown(quantity):
        return Arm(None, None, sums.count, f"'{unknown}' is not known for all units")
    if not abs(value) < MAX_VALUE:
        return Arm(None, None, sums.count, TOO_LARGE)
    spread = sums.variance_along(weights)
    if spread is None:
        return Arm(value, None, sums.count, ONE_UNIT)
    return Arm(value, spread / sums.count, sums.count)
