"""Comparison of one metric of one variant with the control: the estimator that fits the metric's kind, from sums."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shopwright.experiments.aggregates import pre_period_column
from shopwright.experiments.statistics import (
    Effect,
    Proportion,
    QuantileSummary,
    Quantity,
    adjust,
    compare_quantiles,
    cuped,
    ratio_of_means,
    two_proportions,
    welch,
)
from shopwright.metrics import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shopwright.experiments.statistics import Estimate, Moments
    from shopwright.metrics import Metric
    from shopwright.settings import ExperimentDefinition

MIN_DENOMINATOR = 30
"""Sum of a ratio's denominator in a variant, such as orders, below which the ratio gets no interval and no test."""


def compare_metric(
    metric: Metric,
    control: Moments,
    treatment: Moments,
    *,
    level: float,
    quantiles: tuple[QuantileSummary, QuantileSummary] | None = None,
) -> Estimate:
    """Compare a metric with the estimator of its kind, at a fixed horizon and without a covariate.

    Args:
        metric: the metric, as ``capped_metric`` returns it.
        control: sums over the control's units.
        treatment: sums over the treatment's units.
        level: confidence level of the intervals, between 0 and 1.
        quantiles: order statistics of control and treatment, for a quantile metric.
    """
    if metric.kind is Kind.QUANTILE:
        empty = QuantileSummary(0, None, None, None)
        return compare_quantiles(*(quantiles or (empty, empty)), level=level)
    if metric.kind is Kind.PROPORTION:
        return two_proportions(
            Proportion.from_moments(control, metric.numerator),
            Proportion.from_moments(treatment, metric.numerator),
            level=level,
        )
    if metric.kind is Kind.RATIO:
        estimate = ratio_of_means(
            control, treatment, numerator=metric.numerator, denominator=metric.denominator, level=level
        )
        return _without_test(estimate, metric) if _is_sparse(metric, control, treatment) else estimate
    return welch(control, treatment, column=metric.numerator, level=level)


def adjust_metric(
    metric: Metric,
    control: Moments,
    treatment: Moments,
    *,
    other_variants: Sequence[Moments] = (),
    level: float,
) -> Estimate | None:
    """Compare a metric with its own pre-period values as the covariate (CUPED).

    Args:
        metric: the metric, as ``capped_metric`` returns it.
        control: sums over the control's units, pre-period columns included where there are any.
        treatment: sums over the treatment's units.
        other_variants: sums of the experiment's further variants, which help to estimate the covariate's slope.
        level: confidence level of the intervals, between 0 and 1.

    Returns:
        The estimate; None where the metric has no pre-period, or its pre-period explains nothing.
    """
    covariate = [pre_period_column(name) for name in metric.measures]
    if metric.kind is Kind.QUANTILE or not all(name and name in control.names for name in covariate):
        return None
    if _is_sparse(metric, control, treatment):
        return None
    quantities = Quantity(*metric.measures), Quantity(*covariate)
    variants = (control, treatment, *other_variants)
    if any(sums.unknown(quantity) for sums in variants for quantity in quantities):
        return None
    estimate = cuped(
        control,
        treatment,
        metric=quantities[0],
        covariate=quantities[1],
        other_variants=other_variants,
        level=level,
    )
    return estimate if estimate.adjustment and estimate.adjustment.reason is None else None


def correct_for_variants(
    pvalues: Mapping[str, float | None], experiment: ExperimentDefinition
) -> dict[str, float | None]:
    """Correct the p-values of one metric for the number of variants.

    Args:
        pvalues: variant to its p-value, 0 to 1; None where there is no test.
        experiment: its setting ``correction`` names the method.
    """
    corrected = adjust(list(pvalues.values()), correction=experiment.correction)
    return dict(zip(pvalues, corrected, strict=True))


def _is_sparse(metric: Metric, control: Moments, treatment: Moments) -> bool:
    """Return whether a ratio rests on so few that its variance is unknown: of a single order it would be 0."""
    denominator = metric.denominator
    return bool(denominator) and min(control.sum(denominator), treatment.sum(denominator)) < MIN_DENOMINATOR


def _without_test(estimate: Estimate, metric: Metric) -> Estimate:
    """Return the estimate without intervals and tests."""
    reason = f"fewer than {MIN_DENOMINATOR} {metric.denominator} in a variant: too few to test a ratio"
    return replace(
        estimate,
        absolute=estimate.absolute and Effect.unmeasured(estimate.absolute.value, reason),
        relative=estimate.relative and Effect.unmeasured(estimate.relative.value, reason),
        reason=estimate.reason or reason,
        relative_reason=estimate.relative_reason or reason,
    )
