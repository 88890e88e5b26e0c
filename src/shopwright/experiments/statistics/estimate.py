"""Comparison of a treatment with the control: the values that every estimator returns.

An undefined number is None and comes with its reason. A difference that can be computed but not tested (a
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
"""Default confidence level: share of intervals that contain the true effect."""

NO_VARIANCE = "no variance in either variant"
TOO_LARGE = "numbers too large or too small to compute with"


@dataclass(frozen=True, slots=True)
class Interval:
    """Interval, in the unit of its estimate."""

    lower: float
    upper: float
    level: float
    """Confidence level, 0 to 1."""

    def __contains__(self, value: float) -> bool:
        return self.lower <= value <= self.upper


@dataclass(frozen=True, slots=True)
class Effect:
    """Difference, absolute (in the metric's unit) or relative (0.05 is 5%), with its uncertainty."""

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
        """Return an effect with its interval and test.

        Args:
            value: the difference.
            standard_error: of the difference, in its unit; without an interval where it is 0 or not finite.
            distribution: of the difference divided by its standard error.
            level: of the interval, between 0 and 1.
            null_error: standard error under no difference, if the test uses another than the interval.
        """
        if not math.isfinite(value) or not math.isfinite(standard_error):
            return cls.unmeasured(value, TOO_LARGE)
        statistic = value / (null_error or standard_error) if null_error or standard_error else None
        pvalue = None if statistic is None else distribution.pvalue(statistic)
        if not standard_error:
            null_distribution = None if statistic is None else distribution
            return cls(value, None, None, statistic, pvalue, null_distribution, NO_VARIANCE)
        half = distribution.critical(level) * standard_error
        interval = Interval(value - half, value + half, level)
        return cls(value, standard_error, interval, statistic, pvalue, distribution)

    @classmethod
    def unmeasured(cls, value: float, reason: str) -> Effect:
        """Return a difference without interval and test."""
        return cls(value, None, None, None, None, None, reason)

    def pvalue_against(self, value: float) -> float | None:
        """Return the two-sided p-value against a true effect of ``value``; None without a standard error."""
        if self.distribution is None or not self.standard_error:
            return None
        return self.distribution.pvalue((self.value - value) / self.standard_error)

    def at_level(self, level: float) -> Effect:
        """Return the effect with an interval of another level; value and test stay."""
        if self.distribution is None or not self.standard_error:
            return self
        half = self.distribution.critical(level) * self.standard_error
        return replace(self, interval=Interval(self.value - half, self.value + half, level))

    def scaled(self, factor: float) -> Effect:
        """Return the effect times a known factor above 0; the test stays.

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
    """Adjustment of an estimate by a covariate from before the experiment (CUPED)."""

    covariate: str
    theta: float
    """Slope of the metric on the covariate, over all variants; 0 without an adjustment."""
    correlation: float | None
    """Of metric and covariate over all variants, -1 to 1."""
    variance_reduction: float | None
    """Share of the variance of the absolute difference that was removed; below 0 where the covariate added some."""
    control: float | None = None
    """Adjusted value of the control, to which the adjusted relative difference is relative; None without an adjustment."""
    treatment: float | None = None
    """Adjusted value of the treatment."""
    reason: str | None = None
    """Why there is no adjustment."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Estimate of one metric, treatment against control."""

    method: str
    level: float
    control: float | None
    """The metric's value in the control, never adjusted; None if undefined."""
    treatment: float | None
    """The same in the treatment."""
    control_count: int
    """Units in the control."""
    treatment_count: int
    absolute: Effect | None
    """Treatment minus control, in the metric's unit; of the adjusted values where there is an ``adjustment``."""
    relative: Effect | None
    """Treatment over control, minus 1; both adjusted where there is an ``adjustment``. Its p-value is that of its own
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
        """Return the estimate with intervals of another level, such as one corrected for many comparisons."""
        return replace(
            self,
            level=level,
            absolute=self.absolute and self.absolute.at_level(level),
            relative=self.relative and self.relative.at_level(level),
        )


@dataclass(frozen=True, slots=True)
class Arm:
    """Value of a metric in one variant, with its variance."""

    value: float | None
    variance: float | None
    """Of the value, not of a unit: the square of its standard error."""
    count: int
    reason: str | None = None
    """Why the value or its variance is None."""


@dataclass(frozen=True, slots=True)
class CommonTerm:
    """Random term added to the values of both arms, such as the covariate's overall mean times theta.

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
    """Compare two independent arms: absolute and relative difference.

    Args:
        control: the baseline.
        treatment: the arm compared with it.
        method: name of the estimator, shown in results.
        level: of the intervals.
        distribution: of the statistic; Student's t with Welch's degrees of freedom by default.
        relative_distribution: the same for the relative difference, if it is another one.
        null_error: standard error of the absolute difference under no difference, for the test.
        common: a random term that the values of both arms contain.
    """
    statistic_distribution = distribution or StudentT(welch_dof(control, treatment))
    missing_reason = _missing(control, treatment)
    absolute, relative, reason, relative_reason = None, None, missing_reason, missing_reason
    if control.value is not None and treatment.value is not None:
        difference, variance = treatment.value - control.value, _sum(control.variance, treatment.variance)
        absolute = _effect(difference, variance, missing_reason, statistic_distribution, level, null_error)
        reason = absolute.reason
        relative_distribution = relative_distribution or statistic_distribution
        relative, relative_reason = _relative(
            control, treatment, relative_distribution, level, common or CommonTerm()
        )
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
    """Return Welch's degrees of freedom of the difference of two arms; infinite where they have no variance.

    Source: B. L. Welch, "The generalization of 'Student's' problem when several different population
    variances are involved", Biometrika 34, 1947, with each variance as a share of their sum.
    """
    control_variance, treatment_variance = control.variance or 0.0, treatment.variance or 0.0
    if not control_variance + treatment_variance:
        return math.inf
    control_share = control_variance / (control_variance + treatment_variance)
    shares = (control_share, control.count), (1 - control_share, treatment.count)
    inverse = sum(share**2 / (count - 1) for share, count in shares if share and count > 1)
    return 1 / inverse if inverse else math.inf


def _missing(control: Arm, treatment: Arm) -> str | None:
    for name, arm in (("control", control), ("treatment", treatment)):
        if arm.reason:
            return f"{name}: {arm.reason}"
    return None


def _sum(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left + right


def _effect(
    value: float,
    variance: float | None,
    missing_reason: str | None,
    distribution: Distribution,
    level: float,
    null_error: float | None = None,
) -> Effect:
    if variance is None:
        return Effect.unmeasured(value, missing_reason or NO_VARIANCE)
    # max() would turn nan into 0.
    error = math.nan if math.isnan(variance) else math.sqrt(max(0.0, variance))
    return Effect.measured(value, error, distribution=distribution, level=level, null_error=null_error)


def _relative(
    control: Arm, treatment: Arm, distribution: Distribution, level: float, common: CommonTerm
) -> tuple[Effect | None, str | None]:
    """Return the ratio minus 1 with its delta-method variance, and the reason where either is missing.

    Source: A. Deng, U. Knoblich, J. Lu, "Applying the Delta Method in Metric Analytics", KDD 2018, Section 2:
    var(t / c) = (var(t) - 2 r cov(t, c) + r^2 var(c)) / c^2 with r = t / c.
    """
    base, new = control.value or 0.0, treatment.value or 0.0
    if base <= 0:
        what = "0" if base == 0 else "negative"
        return None, f"the control's value is {what}, so a relative change is undefined"
    ratio = new / base
    if not math.isfinite(ratio * ratio):
        return None, TOO_LARGE
    if control.variance and treatment.variance == new == 0:
        effect = Effect.unmeasured(ratio - 1, "the treatment is 0 in every unit: no interval around -100%")
        return effect, effect.reason
    control_part = None if control.variance is None else ratio * ratio * control.variance
    variance = _sum(treatment.variance, control_part)
    if variance is not None and (control.variance or treatment.variance):
        variance = (variance + _common_part(ratio, common)) / base / base
    effect = _effect(ratio - 1, variance, _missing(control, treatment), distribution, level)
    return effect, effect.reason


def _common_part(ratio: float, common: CommonTerm) -> float:
    """Return the variance that a term in both arms leaves in ``treatment - ratio * control``."""
    weight = 1 - ratio
    cross = common.treatment_covariance - ratio * common.control_covariance
    return weight * weight * common.variance + 2 * weight * cross
