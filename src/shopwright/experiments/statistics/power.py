"""How much an experiment can see: before it starts, and while it runs."""

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

NO_BASE = "the control's value is not above 0, so a relative effect means nothing"


@dataclass(frozen=True, slots=True)
class Target:
    """What an experiment must be able to see.

    Raises:
        ValueError: a value is out of range.
    """

    minimum_detectable_effect: float
    """Smallest relative change worth finding, above 0: 0.05 is 5 %."""
    alpha: float = 0.05
    """Chance of a false finding over all comparisons, two-sided."""
    power: float = 0.8
    """Chance of finding the effect if it is there."""
    comparisons: int = 1
    """Treatments compared with the control; alpha is divided by it (Bonferroni)."""

    def __post_init__(self) -> None:
        if not self.minimum_detectable_effect > 0 or self.comparisons < 1:
            raise ValueError(f"a target needs an effect above 0 and a comparison: {self}")
        if not 0 < self.alpha < self.power < 1:
            raise ValueError(f"alpha lies between 0 and the power, and both below 1: {self}")

    @property
    def critical(self) -> float:
        """Standard errors a difference must reach to be found."""
        return -float(ndtri(self.alpha / self.comparisons / 2))

    @property
    def distance(self) -> float:
        """Standard errors the true effect must be away from 0."""
        return self.critical + float(ndtri(self.power))


@dataclass(frozen=True, slots=True)
class Baseline:
    """A metric before the experiment: its value, and its variance per unit."""

    value: float | None
    variance: float | None
    reason: str | None = None

    @classmethod
    def from_moments(cls, moments: Moments, quantity: Quantity) -> Baseline:
        """A mean or ratio over past units, the latter by its linearisation."""
        known = arm(moments, quantity)
        variance = None if known.variance is None else known.variance * known.count
        return cls(known.value, variance, known.reason)

    @classmethod
    def from_rate(cls, rate: float) -> Baseline:
        """A conversion rate, 0 to 1."""
        return cls(rate, rate * (1 - rate))


@dataclass(frozen=True, slots=True)
class SampleSize:
    """Units an experiment needs, by variant in the order of the weights."""

    units: tuple[int, ...] | None
    days: int | None
    """At the given units a day; None if that was not given."""
    reason: str | None = None

    @property
    def total(self) -> int | None:
        """Units over all variants."""
        return sum(self.units) if self.units else None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running experiment has come."""

    power: float | None
    """Chance, with the units seen so far, of finding the planned minimum detectable effect."""
    detectable_effect: float | None
    """Relative effect that is found with the planned power now."""
    units_needed: tuple[int, int] | None
    """Units of control and treatment that the plan needs, at the present split and variance."""
    days_left: int | None
    """Until then, 0 if reached; None if the units a day were not given, or no more come in."""
    reason: str | None = None


def required_units(
    baseline: Baseline,
    *,
    target: Target,
    weights: Sequence[float] = (1, 1),
    units_per_day: float | None = None,
) -> SampleSize:
    """Size an experiment.

    Args:
        baseline: the metric among the units that will take part.
        target: what must be seen; its comparisons are usually the number of treatments.
        weights: shares of control and treatments, in any scale; the smallest treatment decides.
        units_per_day: new units a day over all variants.

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
    everyone = target.distance**2 * spread / effect**2
    units = tuple(math.ceil(everyone * share) for share in shares)
    return SampleSize(units, math.ceil(sum(units) / units_per_day) if units_per_day else None)


def detectable_effect(baseline: Baseline, *, target: Target, units: Sequence[int]) -> float | None:
    """The relative effect found with the target's power by control and smallest treatment of these units.

    None where the baseline has no value above 0 or no variance, or a variant has no units. Source: as
    ``required_units``, solved for the effect.
    """
    if _unusable(baseline) or not baseline.value or not baseline.variance or not min(units):
        return None
    error = math.sqrt(baseline.variance * (1 / units[0] + 1 / min(units[1:])))
    return target.distance * error / baseline.value


def progress(estimate: Estimate, *, target: Target, units_per_day: float | None = None) -> Progress:
    """Power reached, and what is still missing, from the standard error an estimate has now.

    Works for every metric, because a standard error falls with the square root of the units whatever it is
    made from. Uses the fixed-horizon standard error; an always-valid read-out needs about twice the units.

    Args:
        estimate: treatment against control, so far.
        target: the plan.
        units_per_day: new units a day in these two variants together.

    Source: as ``required_units``; the power is two-sided, ``Phi(d / se - z_a) + Phi(-d / se - z_a)``.
    """
    base, error = estimate.control, estimate.standard_error
    if base is None or not error:
        return Progress(None, None, None, None, estimate.reason or NO_VARIANCE)
    if base <= 0:
        return Progress(None, None, None, None, NO_BASE)
    shift = target.minimum_detectable_effect * base / error
    counts = estimate.control_count, estimate.treatment_count
    grow = target.distance / shift * target.distance / shift if shift else math.inf
    if not math.isfinite(grow * sum(counts)):
        return Progress(None, None, None, None, TOO_LARGE)
    needed = math.ceil(counts[0] * grow), math.ceil(counts[1] * grow)
    missing = max(0, sum(needed) - sum(counts))
    left = 0 if not missing else math.ceil(missing / units_per_day) if units_per_day else None
    return Progress(
        power=float(ndtr(shift - target.critical) + ndtr(-shift - target.critical)),
        detectable_effect=target.distance * error / base,
        units_needed=needed,
        days_left=left,
    )


def _unusable(baseline: Baseline) -> str | None:
    if baseline.value is None or baseline.variance is None:
        return baseline.reason or ONE_UNIT
    if baseline.value <= 0:
        return NO_BASE
    return None if baseline.variance > 0 else "no variance"
