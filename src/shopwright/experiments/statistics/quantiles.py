"""Quantiles, such as the median time to purchase, compared by three order statistics of each variant."""

from __future__ import annotations

import math
from dataclasses import dataclass

from shopwright.experiments.statistics.distributions import Normal
from shopwright.experiments.statistics.estimate import LEVEL, Arm, Estimate, compare


@dataclass(frozen=True, slots=True)
class Positions:
    """Positions in the sorted values, as probabilities between 0 and 1."""

    lower: float
    quantile: float
    upper: float


@dataclass(frozen=True, slots=True)
class QuantileSummary:
    """Three order statistics of a variant, at the ``quantile_positions`` of its count."""

    count: int
    """Observations, one per unit."""
    lower: float | None
    value: float | None
    upper: float | None


def quantile_positions(count: int, *, quantile: float, level: float = LEVEL) -> Positions | None:
    """Return the probabilities whose sample quantiles bound the quantile with probability ``level``.

    Returns:
        None where the bounds would lie outside the sample: too few observations for this quantile.

    Raises:
        ValueError: the quantile is not between 0 and 1.

    Example:
        >>> quantile_positions(400, quantile=0.5, level=0.9545)
        Positions(lower=0.44999..., quantile=0.5, upper=0.55000...)

    Source: A. Deng, U. Knoblich, J. Lu, "Applying the Delta Method in Metric Analytics", KDD 2018, Section 4:
    the order statistics at count (q -/+ z sqrt(q (1 - q) / count)).
    """
    if not 0 < quantile < 1:
        raise ValueError(f"a quantile lies between 0 and 1, such as 0.5; it is {quantile}")
    if count < 2:
        return None
    half = Normal().critical(level) * math.sqrt(quantile * (1 - quantile) / count)
    lower, upper = quantile - half, quantile + half
    return Positions(lower, quantile, upper) if lower > 0 and upper < 1 else None


def compare_quantiles(
    control: QuantileSummary,
    treatment: QuantileSummary,
    *,
    positions_level: float = LEVEL,
    level: float = LEVEL,
) -> Estimate:
    """Compare one quantile; the variance of each variant's is read off the distance of its two bounds.

    ``standard error = (upper - lower) / (2 z)``, which needs no density estimate. Observations must be
    independent: one per unit. Where many values are equal the bounds can coincide, and then there is no
    interval.

    Args:
        control: values at ``quantile_positions(count, level=positions_level)``.
        treatment: the same.
        positions_level: the level of the positions.
        level: of the intervals.

    Raises:
        ValueError: the three values are not in ascending order.

    Source: A. Deng, U. Knoblich, J. Lu, "Applying the Delta Method in Metric Analytics", KDD 2018, Section 4.
    """
    width = 2 * Normal().critical(positions_level)
    return compare(
        _arm(control, width), _arm(treatment, width), method="quantile", level=level, distribution=Normal()
    )


def _arm(summary: QuantileSummary, width: float) -> Arm:
    if summary.value is None:
        return Arm(None, None, summary.count, "no units")
    if summary.lower is None or summary.upper is None:
        return Arm(summary.value, None, summary.count, "too few units for this quantile")
    if not summary.lower <= summary.value <= summary.upper:
        raise ValueError(f"quantiles must ascend: {summary.lower}, {summary.value}, {summary.upper}")
    error = (summary.upper - summary.lower) / width
    return Arm(summary.value, error * error, summary.count)
