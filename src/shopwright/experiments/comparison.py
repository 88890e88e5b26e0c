"""How one metric of one variant is compared with the control: the estimator that fits its kind, from sums."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shopwright.experiments.aggregates import before_of
from shopwright.experiments.statistics import (
    Effect,
    Proportion,
    QuantileSummary,
    Quantity,
    compare_quantiles,
    cuped,
    ratio_of_means,
    two_proportions,
    welch,
)
from shopwright.metrics import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopwright.experiments.statistics import Estimate, Moments
    from shopwright.metrics import Metric

FEWEST_BELOW = 30
"""Sum of a ratio's denominator in a variant, such as orders, below which it is not judged."""


def compare_metric(
    metric: Metric,
    control: Moments,
    treatment: Moments,
    *,
    level: float,
    quantiles: tuple[QuantileSummary, QuantileSummary] | None = None,
) -> Estimate:
    """The estimator that fits a metric's kind, at a fixed horizon and without a covariate.

    Args:
        metric: what is compared, as ``summed`` gives it.
        control: sums over its units.
        treatment: the same.
        level: of the intervals.
        quantiles: order statistics of control and treatment, for a quantile metric.
    """
    if metric.kind is Kind.QUANTILE:
        nothing = QuantileSummary(0, None, None, None)
        return compare_quantiles(*(quantiles or (nothing, nothing)), level=level)
    if metric.kind is Kind.PROPORTION:
        return two_proportions(
            Proportion.from_moments(control, metric.numerator),
            Proportion.from_moments(treatment, metric.numerator),
            level=level,
        )
    if metric.kind is Kind.RATIO:
        found = ratio_of_means(
            control, treatment, numerator=metric.numerator, denominator=metric.denominator, level=level
        )
        return _unjudged(found, metric) if _is_sparse(metric, control, treatment) else found
    return welch(control, treatment, column=metric.numerator, level=level)


def adjust_metric(
    metric: Metric, control: Moments, treatment: Moments, *, others: Sequence[Moments] = (), level: float
) -> Estimate | None:
    """The same with the metric's own measures before the start taken out (CUPED).

    Args:
        metric: what is compared, as ``summed`` gives it.
        control: sums over its units, of the time before too where there is one.
        treatment: the same.
        others: the same of the experiment's further variants, which help to tell what the past explains.
        level: of the intervals.

    Returns:
        The estimate; None where the metric has no past, or its past explains nothing.
    """
    before = [before_of(name) for name in metric.measures]
    if metric.kind is Kind.QUANTILE or not all(name and name in control.names for name in before):
        return None
    if _is_sparse(metric, control, treatment):
        return None
    found = cuped(
        control,
        treatment,
        metric=Quantity(*metric.measures),
        covariate=Quantity(*before),
        others=others,
        level=level,
    )
    return found if found.adjustment and found.adjustment.reason is None else None


def _is_sparse(metric: Metric, control: Moments, treatment: Moments) -> bool:
    """Whether a ratio rests on so few that its variance cannot be known: of one order it would be 0."""
    below = metric.denominator
    return bool(below) and min(control.sum(below), treatment.sum(below)) < FEWEST_BELOW


def _unjudged(estimate: Estimate, metric: Metric) -> Estimate:
    """The estimate without intervals and tests."""
    reason = f"below {FEWEST_BELOW} of {metric.denominator} in a variant: too few to judge a ratio by"
    return replace(
        estimate,
        absolute=estimate.absolute and Effect.unmeasured(estimate.absolute.value, reason),
        relative=estimate.relative and Effect.unmeasured(estimate.relative.value, reason),
        reason=estimate.reason or reason,
        relative_reason=estimate.relative_reason or reason,
    )
