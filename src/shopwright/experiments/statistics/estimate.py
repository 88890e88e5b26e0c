"""One comparison of a treatment with the control: the values every estimator returns.

An undefined number is None and comes with its reason. A difference that can be computed but not judged (a
single unit, no variance) keeps its value and has no interval and no p-value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shopwright.experiments.statistics.distributions import StudentT

if TYPE_CHECKING:
    from shopwright.experiments.statistics.distributions import Distribution

LEVEL = 0.95
"""Default share of intervals that hold the true effect."""

NO_VARIANCE = "no variance in either variant"
TOO_LARGE = "numbers too large or too small to compute with"


@dataclass(frozen=True, slots=True)
class Interval:
    """A range, in the unit of what it is around."""

    lower: float
    upper: float
    level: float
    """Share, 0 to 1, of such intervals that hold the truth."""

    def __contains__(self, value: float) -> bool:
        return self.lower <= value <= self.upper


@dataclass(frozen=True, slots=True)
class Effect:
    """A difference, absolute (in the metric's unit) or relative (0.05 is 5 %), and how well it is known."""

    value: float
    standard_error: float | None
    interval: Interval | None
    statistic: float | None
    pvalue: float | None
    """Two-sided, against no difference."""
    distribution: Distribution | None
    reason: str | None = None
    """Why there is no interval."""

    @classmethod
    def measured(
        cls,
        value: float,
        standard_error: float,
        *,
        distribution: Distribution,
        level: float = LEVEL,
        null_error: float | None = None,
    ) -> Effect:
        """An effect with its interval and test.

        Args:
            value: the difference.
            standard_error: of the difference, in its unit; without an interval where it is 0 or not finite.
            distribution: what the difference over its standard error follows.
            level: of the interval, between 0 and 1.
            null_error: standard error where there is no difference, if the test uses another than the
            interval.
        """
        if not math.isfinite(value) or not math.isfinite(standard_error):
            return cls.unmeasured(value, TOO_LARGE)
        statistic = value / (null_error or standard_error) if null_error or standard_error else None
        pvalue = None if statistic is None else distribution.pvalue(statistic)
        if not standard_error:
            law = None if statistic is None else distribution
            return cls(value, None, None, statistic, pvalue, law, NO_VARIANCE)
        half = distribution.critical(level) * standard_error
        interval = Interval(value - half, value + half, level)
        return cls(value, standard_error, interval, statistic, pvalue, distribution)

    @classmethod
    def unmeasured(cls, value: float, reason: str) -> Effect:
        """A difference of which nothing can be said but its value."""
        return cls(value, None, None, None, None, None, reason)

    def pvalue_against(self, value: float) -> float | None:
        """Two-sided p-value against a true effect of ``value``; None without a standard error."""
        if self.distribution is None or not self.standard_error:
            return None
        return self.distribution.pvalue((self.value - value) / self.standard_error)

    def at_level(self, level: float) -> Effect:
        """The same effect with an interval of another level; value and test stay."""
        if self.distribution is None or not self.standard_error:
            return self
        half = self.distribution.critical(level) * self.standard_error
        return replace(self, interval=Interval(self.value - half, self.value + half, level))

    def scaled(self, factor: float) -> Effect:
        """The effect times a known factor above 0; the test stays.

        Raises:
            ValueError: the factor is not above 0.
        """
        if not factor > 0:
            raise ValueError(f"an effect is scaled by a factor above 0, not {factor}")
        error, interval = self.standard_error, self.interval
        return replace(
            self,
            value=self.value * factor,
            standard_error=None if error is None else error * factor,
            interval=interval and Interval(interval.lower * factor, interval.upper * factor, interval.level),
        )


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What a covariate from before the experiment did to an estimate (CUPED)."""

    covariate: str
    theta: float
    """Slope of the metric on the covariate, over all variants; 0 where nothing was adjusted."""
    correlation: float | None
    """Of metric and covariate over all variants, -1 to 1."""
    variance_reduction: float | None
    """Share of the variance of the absolute difference that went away; below 0 where the covariate added
    some."""
    control: float | None = None
    """The control's value after it, to which the adjusted relative difference is relative; None where nothing was
    adjusted."""
    treatment: float | None = None
    """The same of the treatment."""
    reason: str | None = None
    """Why nothing was adjusted."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One metric, treatment against control."""

    method: str
    level: float
    control: float | None
    """The metric's value in the control, as it is and never adjusted; None if undefined."""
    treatment: float | None
    """The same in the treatment."""
    control_count: int
    """Units in the control."""
    treatment_count: int
    absolute: Effect | None
    """Treatment less control, in the metric's unit; of the adjusted values where there is an ``adjustment``."""
    relative: Effect | None
    """Treatment over control, less 1; both adjusted where there is an ``adjustment``. Its p-value is that of its own
    interval and can differ from the absolute one's, because the denominator is uncertain as well."""
    reason: str | None = None
    """Why there is no absolute difference, or no interval around it."""
    relative_reason: str | None = None
    """Why there is no relative difference, or no interval around it."""
    adjustment: Adjustment | None = None

    @property
    def pvalue(self) -> float | None:
        """Two-sided p-value of the absolute difference: the one that decides."""
        return self.absolute.pvalue if self.absolute else None

    @property
    def statistic(self) -> float | None:
        """Absolute difference over its standard error."""
        return self.absolute.statistic if self.absolute else None

    @property
    def standard_error(self) -> float | None:
        """Of the absolute difference, in the metric's unit."""
        return self.absolute.standard_error if self.absolute else None

    def at_level(self, level: float) -> Estimate:
        """The same estimate with intervals of another level, such as one corrected for many comparisons."""
        return replace(
            self,
            level=level,
            absolute=self.absolute and self.absolute.at_level(level),
            relative=self.relative and self.relative.at_level(level),
        )


@dataclass(frozen=True, slots=True)
class Arm:
    """One variant's value of a metric and how well it is known."""

    value: float | None
    variance: float | None
    """Of the value, not of a unit: the square of its standard error."""
    count: int
    reason: str | None = None
    """Why the value or its variance is None."""


@dataclass(frozen=True, slots=True)
class CommonTerm:
    """A random term added to the values of both arms, such as the covariate's overall mean times theta.

    It cancels in the difference but not in the ratio.
    """

    variance: float = 0.0
    control_covariance: float = 0.0
    """With the control's value before the term was added."""
    treatment_covariance: float = 0.0


def compare(
    control: Arm,
    treatment: Arm,
    *,
    method: str,
    level: float = LEVEL,
    distribution: Distribution | None = None,
    relative_distribution: Distribution | None = None,
    null_error: float | None = None,
    common: CommonTerm | None = None,
) -> Estimate:
    """Absolute and relative difference of two independent arms.

    Args:
        control: the baseline.
        treatment: what is compared with it.
        method: name of the estimator, for people.
        level: of the intervals.
        distribution: what the statistic follows; Student's t with Welch's degrees of freedom if not given.
        relative_distribution: the same for the relative difference, if it is another one.
        null_error: standard error of the absolute difference where there is none, for the test.
        common: a random term that the values of both arms contain.
    """
    law = distribution or StudentT(welch_dof(control, treatment))
    missing = _missing(control, treatment)
    absolute, relative, reason, relative_reason = None, None, missing, missing
    if control.value is not None and treatment.value is not None:
        difference, variance = treatment.value - control.value, _sum(control.variance, treatment.variance)
        absolute = _effect(difference, variance, missing, law, level, null_error)
        reason = absolute.reason
        relative_law = relative_distribution or law
        relative, relative_reason = _relative(control, treatment, relative_law, level, common or CommonTerm())
    return Estimate(
        method=method,
        level=level,
        control=control.value,
        treatment=treatment.value,
        control_count=control.count,
        treatment_count=treatment.count,
        absolute=absolute,
        relative=relative,
        reason=reason,
        relative_reason=relative_reason,
    )


def welch_dof(control: Arm, treatment: Arm) -> float:
    """Welch's degrees of freedom of the difference of two arms; infinite where they have no variance.

    Source: B. L. Welch, "The generalization of 'Student's' problem when several different population
    variances are involved", Biometrika 34, 1947, with each variance as a share of their sum.
    """
    one, two = control.variance or 0.0, treatment.variance or 0.0
    if not one + two:
        return math.inf
    share = one / (one + two)
    parts = (share, control.count), (1 - share, treatment.count)
    below = sum(part**2 / (count - 1) for part, count in parts if part and count > 1)
    return 1 / below if below else math.inf


def _missing(control: Arm, treatment: Arm) -> str | None:
    for name, arm in (("control", control), ("treatment", treatment)):
        if arm.reason:
            return f"{name}: {arm.reason}"
    return None


def _sum(one: float | None, two: float | None) -> float | None:
    return None if one is None or two is None else one + two


def _effect(
    value: float,
    variance: float | None,
    missing: str | None,
    law: Distribution,
    level: float,
    null_error: float | None = None,
) -> Effect:
    if variance is None:
        return Effect.unmeasured(value, missing or NO_VARIANCE)
    # max() would turn nan into 0.
    error = math.nan if math.isnan(variance) else math.sqrt(max(0.0, variance))
    return Effect.measured(value, error, distribution=law, level=level, null_error=null_error)


def _relative(
    control: Arm, treatment: Arm, law: Distribution, level: float, common: CommonTerm
) -> tuple[Effect | None, str | None]:
    """The ratio less 1 with its delta-method variance, and why a part of it is missing.

    Source: A. Deng, U. Knoblich, J. Lu, "Applying the Delta Method in Metric Analytics", KDD 2018, Section 2:
    var(t / c) = (var(t) - 2 r cov(t, c) + r^2 var(c)) / c^2 with r = t / c.
    """
    base, new = control.value or 0.0, treatment.value or 0.0
    if base <= 0:
        what = "0" if base == 0 else "negative"
        return None, f"the control's value is {what}, so a change relative to it means nothing"
    ratio = new / base
    if not math.isfinite(ratio * ratio):
        return None, TOO_LARGE
    if control.variance and treatment.variance == new == 0:
        effect = Effect.unmeasured(ratio - 1, "the treatment is 0 in every unit: no interval around -100 %")
        return effect, effect.reason
    part = None if control.variance is None else ratio * ratio * control.variance
    variance = _sum(treatment.variance, part)
    if variance is not None and (control.variance or treatment.variance):
        variance = (variance + _common_part(ratio, common)) / base / base
    effect = _effect(ratio - 1, variance, _missing(control, treatment), law, level)
    return effect, effect.reason


def _common_part(ratio: float, common: CommonTerm) -> float:
    """Variance that a term in both arms leaves in ``treatment - ratio * control``."""
    rest = 1 - ratio
    cross = common.treatment_covariance - ratio * common.control_covariance
    return rest * rest * common.variance + 2 * rest * cross
