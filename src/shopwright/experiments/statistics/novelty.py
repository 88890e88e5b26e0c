"""Novelty: whether an effect fades, or grows, from day to day."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.experiments.statistics.distributions import Normal
from shopwright.experiments.statistics.estimate import LEVEL, Effect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MIN_DAYS = 4


@dataclass(frozen=True, slots=True)
class _Day:
    day: int
    value: float
    weight: float


@dataclass(frozen=True, slots=True)
class Novelty:
    """Trend of a daily effect."""

    slope: Effect | None
    """Change of the effect per day, in its own unit; a p-value near 0 is evidence against a steady effect."""
    first_half: Effect | None
    """Effect over the first half of the days that have one."""
    second_half: Effect | None
    day_count: int
    """Days with an effect and a standard error."""
    reason: str | None = None


def novelty(effects: Mapping[int, Effect | None], *, level: float = LEVEL) -> Novelty:
    """Fit a straight line through daily effects, each day weighted by its precision.

    Days are taken as independent, which they are where each unit counts on one day only (its day of exposure,
    say); with returning units, errors of neighboring days agree in sign and the p-value is somewhat too
    small.

    Args:
        effects: by day since the start, of either kind but all of one; days without a standard error are left
        out.
        level: of the intervals.

    Source: weighted least squares with known variances, D. C. Montgomery, E. A. Peck, G. G. Vining,
    "Introduction to Linear Regression Analysis", 5th edition, 2012, Section 5.5: slope = sum w (x - x_w) y /
    sum w (x - x_w)^2, with a variance of 1 / sum w (x - x_w)^2; the halves are means weighted the same way.
    """
    days = [
        _Day(day, effect.value, 1 / effect.standard_error**2)
        for day, effect in sorted(effects.items())
        if effect is not None and effect.standard_error
    ]
    if len(days) < MIN_DAYS:
        return Novelty(None, None, None, len(days), f"a trend needs at least {MIN_DAYS} days with an effect")
    middle = len(days) // 2
    return Novelty(
        _slope(days, level), _pooled(days[:middle], level), _pooled(days[middle:], level), len(days)
    )


def _slope(days: Sequence[_Day], level: float) -> Effect:
    weight = sum(day.weight for day in days)
    center = sum(day.weight * day.day for day in days) / weight
    spread = sum(day.weight * (day.day - center) ** 2 for day in days)
    slope = sum(day.weight * (day.day - center) * day.value for day in days) / spread
    return Effect.measured(slope, 1 / math.sqrt(spread), distribution=Normal(), level=level)


def _pooled(days: Sequence[_Day], level: float) -> Effect:
    weight = sum(day.weight for day in days)
    value = sum(day.weight * day.value for day in days) / weight
    return Effect.measured(value, 1 / math.sqrt(weight), distribution=Normal(), level=level)
