"""The primary metric within parts of the units: segments, and the days on which units came in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from shopwright.experiments.aggregates import COHORT, summed
from shopwright.experiments.comparison import compare_metric
from shopwright.experiments.statistics import Novelty, Quantity, adjust, novelty
from shopwright.metrics import METRICS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shopwright.experiments.aggregates import Aggregates
    from shopwright.experiments.statistics import Effect, Estimate
    from shopwright.settings import ExperimentDefinition

FEWEST_UNITS = 100
"""A part with fewer units in a variant is not read: normal approximations do not hold there."""


@dataclass(frozen=True, slots=True)
class SegmentReading:
    """The primary metric within one value of a dimension."""

    dimension: str
    value: str
    variant: str
    estimate: Estimate
    corrected_pvalue: float | None
    """By Benjamini and Hochberg over all segments read."""


@dataclass(frozen=True, slots=True)
class CohortReading:
    """The primary metric of the units that came in on one day, over all their time since."""

    day: date
    variant: str
    estimate: Estimate
    effect: Effect | None
    """Its absolute difference relative to the control's value over all days, which a trend is told by. The day's own
    value is too uncertain to divide by: where a day has few buyers, such ratios trend by chance far too often. None
    where the control has no value above 0."""


def read_segments(experiment: ExperimentDefinition, aggregates: Aggregates) -> list[SegmentReading]:
    """The primary metric in every segment that is large enough, corrected for their number."""
    found = [
        SegmentReading(dimension, value, variant, estimate, None)
        for dimension, value in _values(aggregates)
        for variant, estimate in _compared(experiment, aggregates, dimension, value)
    ]
    corrected = adjust([segment.estimate.pvalue for segment in found], correction="benjamini-hochberg")
    return [replace(segment, corrected_pvalue=value) for segment, value in zip(found, corrected, strict=True)]


def read_cohorts(experiment: ExperimentDefinition, aggregates: Aggregates) -> list[CohortReading]:
    """The primary metric by the day on which units came in, for days that are large enough."""
    days = sorted({value for dimension, value, _ in aggregates.moments if dimension == COHORT})
    whole = aggregates.of(experiment.control)
    metric = summed(METRICS[experiment.primary_metric], experiment)
    base = (
        whole.value(Quantity(*metric.measures))
        if days and whole and metric.kind is not Kind.QUANTILE
        else None
    )
    return [
        CohortReading(date.fromisoformat(day), variant, estimate, _relative_to(base, estimate))
        for day in days
        for variant, estimate in _compared(experiment, aggregates, COHORT, day)
    ]


def trend(experiment: ExperimentDefinition, cohorts: Sequence[CohortReading], variant: str) -> Novelty:
    """Whether the effect differs by the day on which units came in; each unit belongs to one of them."""
    effects = {
        (cohort.day - experiment.start).days: cohort.effect for cohort in cohorts if cohort.variant == variant
    }
    return novelty(effects, level=1 - experiment.alpha)


def _relative_to(base: float | None, estimate: Estimate) -> Effect | None:
    return estimate.absolute.scaled(1 / base) if base and base > 0 and estimate.absolute else None


def _compared(
    experiment: ExperimentDefinition, aggregates: Aggregates, dimension: str, value: str
) -> Iterator[tuple[str, Estimate]]:
    """Each treatment against the control within a part, where both have enough units; plain, without CUPED."""
    metric = summed(METRICS[experiment.primary_metric], experiment)
    control = aggregates.of(experiment.control, dimension, value)
    if metric.kind is Kind.QUANTILE or control is None or control.count < FEWEST_UNITS:
        return
    for variant in tuple(experiment.variants)[1:]:
        treatment = aggregates.of(variant, dimension, value)
        if treatment is not None and treatment.count >= FEWEST_UNITS:
            yield variant, compare_metric(metric, control, treatment, level=1 - experiment.alpha)


def _values(aggregates: Aggregates) -> Iterable[tuple[str, str]]:
    """Every dimension with each of its values; dates are no segments."""
    return sorted({(name, value) for name, value, _ in aggregates.moments if name and name != COHORT})
