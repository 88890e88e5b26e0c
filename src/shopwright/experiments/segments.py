"""The primary metric within groups of units: segments, and cohorts by exposure date."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from shopwright.experiments.aggregates import COHORT, capped_metric
from shopwright.experiments.comparison import compare_metric
from shopwright.experiments.statistics import Novelty, Quantity, adjust, novelty
from shopwright.metrics import METRICS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shopwright.experiments.aggregates import Aggregates
    from shopwright.experiments.statistics import Effect, Estimate
    from shopwright.settings import ExperimentDefinition

MIN_UNITS = 100
"""A group with fewer units in a variant is left out: normal approximations do not hold there."""


@dataclass(frozen=True, slots=True)
class SegmentResult:
    """The primary metric within one value of a dimension."""

    dimension: str
    value: str
    variant: str
    estimate: Estimate
    corrected_pvalue: float | None
    """By Benjamini and Hochberg over all segments."""


@dataclass(frozen=True, slots=True)
class CohortResult:
    """The primary metric of the units that were exposed on one day, over all their time since."""

    day: date
    variant: str
    estimate: Estimate
    effect: Effect | None
    """Its absolute difference relative to the control's value over all days, from which the trend is estimated. The
    day's own value is too uncertain to divide by: where a day has few buyers, such ratios trend by chance far too
    often. None where the control has no value above 0."""


def compare_segments(experiment: ExperimentDefinition, aggregates: Aggregates) -> list[SegmentResult]:
    """Compare the primary metric in every segment that is large enough.

    Returns:
        One result per segment and treatment, with p-values corrected for the number of segments.
    """
    segments = [
        SegmentResult(dimension, value, variant, estimate, None)
        for dimension, value in _segment_values(aggregates)
        for variant, estimate in _compare_group(experiment, aggregates, dimension, value)
    ]
    corrected = adjust([segment.estimate.pvalue for segment in segments], correction="benjamini-hochberg")
    return [
        replace(segment, corrected_pvalue=pvalue) for segment, pvalue in zip(segments, corrected, strict=True)
    ]


def compare_cohorts(experiment: ExperimentDefinition, aggregates: Aggregates) -> list[CohortResult]:
    """Compare the primary metric by the day on which units were exposed, for days with enough units.

    Returns:
        One result per day and treatment.
    """
    days = sorted({value for dimension, value, _ in aggregates.moments_by_group if dimension == COHORT})
    control = aggregates.group(experiment.control)
    metric = capped_metric(METRICS[experiment.primary_metric], experiment)
    control_value = (
        control.value(Quantity(*metric.measures))
        if days and control and metric.kind is not Kind.QUANTILE
        else None
    )
    return [
        CohortResult(date.fromisoformat(day), variant, estimate, _relative_to(control_value, estimate))
        for day in days
        for variant, estimate in _compare_group(experiment, aggregates, COHORT, day)
    ]


def estimate_trend(
    experiment: ExperimentDefinition, cohorts: Sequence[CohortResult], variant: str
) -> Novelty:
    """Estimate whether a variant's effect depends on the day of exposure; each unit belongs to one day only."""
    effects = {
        (cohort.day - experiment.start).days: cohort.effect for cohort in cohorts if cohort.variant == variant
    }
    return novelty(effects, level=1 - experiment.alpha)


def _relative_to(control_value: float | None, estimate: Estimate) -> Effect | None:
    if not control_value or control_value <= 0 or not estimate.absolute:
        return None
    return estimate.absolute.scaled(1 / control_value)


def _compare_group(
    experiment: ExperimentDefinition, aggregates: Aggregates, dimension: str, value: str
) -> Iterator[tuple[str, Estimate]]:
    """Yield each treatment compared with the control within a group, where both have enough units; without CUPED."""
    metric = capped_metric(METRICS[experiment.primary_metric], experiment)
    control = aggregates.group(experiment.control, dimension, value)
    if metric.kind is Kind.QUANTILE or control is None or control.count < MIN_UNITS:
        return
    for variant in tuple(experiment.variants)[1:]:
        treatment = aggregates.group(variant, dimension, value)
        if treatment is not None and treatment.count >= MIN_UNITS:
            yield variant, compare_metric(metric, control, treatment, level=1 - experiment.alpha)


def _segment_values(aggregates: Aggregates) -> Iterable[tuple[str, str]]:
    """Return every dimension with each of its values; exposure dates are cohorts, not segments."""
    return sorted(
        {(name, value) for name, value, _ in aggregates.moments_by_group if name and name != COHORT}
    )
