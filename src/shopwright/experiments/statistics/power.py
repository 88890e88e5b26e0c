"""Power and sample size: before an experiment starts, and while it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.special import ndtr, ndtri

from shopwright.experiments.statistics.estimate import NO_VARIANCE, TOO_LARGE
from shopwright.experiments.statistics.means import ONE_UNIT, arm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopwright.experiments.statistics.estimate import Estimate
    from shopwright.experiments.statistics.moments import Moments, Quantity

NO_BASE = "the control's value is not above 0, so a relative effect is undefined"


@dataclass(frozen=True, slots=True)
class Target:
    """Requirements on an experiment: what it must be able to detect.

    Raises:
        ValueError: a value is out of range.
    """

    minimum_detectable_effect: float
    """Smallest relative change worth detecting, above 0: 0.05 is 5%."""
    alpha: float = 0.05
    """Probability of a false positive over all comparisons, two-sided."""
    power: float = 0.8
    """Probability of detecting the effect if it exists."""
    comparisons: int = 1
    """Treatments compared with the control; alpha is divided by it (Bonferroni)."""

    def __post_init__(self) -> None:
        if not self.minimum_detectable_effect > 0 or self.comparisons < 1:
            raise ValueError(f"a target needs an effect above 0 and a comparison: {self}")
        if not 0 < self.alpha < self.power < 1:
            raise ValueError(f"alpha lies between 0 and the power, and both below 1: {self}")

    @property
    def critical(self) -> float:
        """Standard errors that a difference must reach to be significant."""
        return -float(ndtri(self.alpha / self.comparisons / 2))

    @property
    def distance(self) -> float:
        """Standard errors between the true effect and 0."""
        return self.critical + float(ndtri(self.power))


@dataclass(frozen=True, slots=True)
class Baseline:
    """Metric before the experiment: its value, and its variance per unit."""

    value: float | None
    variance: float | None
    reason: str | None = None

    @classmethod
    def from_moments(cls, sums: Moments, quantity: Quantity) -> Baseline:
        """Return the baseline of a mean or ratio over past units, a ratio by its linearization."""
        past = arm(sums, quantity)
        variance = None if past.variance is None else past.variance * past.count
        return cls(past.value, variance, past.reason)

    @classmethod
    def from_rate(cls, rate: float) -> Baseline:
        """Return the baseline of a conversion rate, 0 to 1."""
        return cls(rate, rate * (1 - rate))


@dataclass(frozen=True, slots=True)
class SampleSize:
    """Units that an experiment needs, by variant in the order of the weights."""

    units: tuple[int, ...] | None
    days: int | None
    """Days to reach them; None if the units per day are not known."""
    reason: str | None = None

    @property
    def total(self) -> int | None:
        """Units over all variants."""
        return sum(self.units) if self.units else None


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a running experiment."""

    power: float | None
    """Probability, with the units so far, of detecting the planned minimum detectable effect."""
    detectable_effect: float | None
    """Relative effect that is detected with the planned power now."""
    units_needed: tuple[int, int] | None
    """Units of control and treatment that the plan needs, at the current split and variance."""
    days_left: int | None
    """Days until then, 0 if reached; None if the units per day are not known, or no more arrive."""
    reason: str | None = None


def required_units(
    baseline: Baseline,
    *,
    target: Target,
    weights: Sequence[float] = (1, 1),
    units_per_day: float | None = None,
) -> SampleSize:
    """Calculate the units that an experiment needs.

    Args:
        baseline: the metric among the units that will take part.
        target: what must be detected; its comparisons are usually the number of treatments.
        weights: shares of control and treatments, on any scale; the smallest treatment decides.
        units_per_day: new units per day over all variants.

    Raises:
        ValueError: fewer than two weights, or one that is not above 0.

    Source: the normal approximation, S.-C. Chow, J. Shao, H. Wang, "Sample Size Calculations in Clinical
    Research", 2nd edition, 2008, Section 3.2.1, with unequal allocation: ``N = (z_a + z_b)^2 s^2 (1 / w_c + 1
    / w_t) / d^2``.

    Example:
        >>> required_units(Baseline.from_rate(0.2), target=Target(0.05)).units
        (25117, 25117)
    """
    if len(weights) < 2 or min(weights) <= 0:
        raise ValueError(f"two variants or more, each with a weight above 0: {list(weights)}")
    reason = _unusable(baseline)
    if reason or not baseline.value or not baseline.variance:
        return SampleSize(None, None, reason)
    shares = [weight / sum(weights) for weight in weights]
    effect = target.minimum_detectable_effect * baseline.value
    spread = baseline.variance * (1 / shares[0] + 1 / min(shares[1:]))
    total = target.distance**2 * spread / effect**2
    units = tuple(math.ceil(total * share) for share in shares)
    return SampleSize(units, math.ceil(sum(units) / units_per_day) if units_per_day else None)


def detectable_effect(baseline: Baseline, *, target: Target, units: Sequence[int]) -> float | None:
    """Return the relative effect that is detected with the target's power.

    Args:
        baseline: the metric among the units that take part.
        target: alpha, power and comparisons.
        units: of the control and each treatment; the smallest treatment decides.

    Returns:
        A share; None where the baseline has no value above 0 or no variance, or a variant has no units.

    Source: as ``required_units``, solved for the effect.
    """
    if _unusable(baseline) or not baseline.value or not baseline.variance or not min(units):
        return None
    error = math.sqrt(baseline.variance * (1 / units[0] + 1 / min(units[1:])))
    return target.distance * error / baseline.value


def progress(estimate: Estimate, *, target: Target, units_per_day: float | None = None) -> Progress:
    """Calculate the power reached and the units still missing, from an estimate's current standard error.

    Works for every metric, because a standard error falls with the square root of the units whatever it is
    made from. Uses the fixed-horizon standard error; an always-valid result needs about twice the units.

    Args:
        estimate: treatment against control, so far.
        target: the plan.
        units_per_day: new units per day in these two variants together.

    Source: as ``required_units``; the power is two-sided, ``Phi(d / se - z_a) + Phi(-d / se - z_a)``.
    """
    base, error = estimate.control, estimate.standard_error
    if base is None or not error:
        return Progress(None, None, None, None, estimate.reason or NO_VARIANCE)
    if base <= 0:
        return Progress(None, None, None, None, NO_BASE)
    shift = target.minimum_detectable_effect * base / error
    counts = estimate.control_count, estimate.treatment_count
    growth = target.distance / shift * target.distance / shift if shift else math.inf
    if not math.isfinite(growth * sum(counts)):
        return Progress(None, None, None, None, TOO_LARGE)
    needed = math.ceil(counts[0] * growth), math.ceil(counts[1] * growth)
    missing_units = max(0, sum(needed) - sum(counts))
    days_left = (
        0 if not missing_units else math.ceil(missing_units / units_per_day) if units_per_day else None
    )
    return Progress(
        power=float(ndtr(shift - target.critical) + ndtr(-shift - target.critical)),
        detectable_effect=target.distance * error / base,
        units_needed=needed,
        days_left=days_left,
    )


def _unusable(baseline: Baseline) -> str | None:
    if baseline.value is None or baseline.variance is None:
        return baseline.reason or ONE_UNIT
    if baseline.value <= 0:
        return NO_BASE
    return None if baseline.variance > 0 else "no variance"
