"""Analysis of an experiment: every metric of every variant against the control, and whether the data is valid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shopwright.assignment import expected_weights
from shopwright.experiments.aggregates import capped_metric, summed_columns
from shopwright.experiments.comparison import adjust_metric, compare_metric
from shopwright.experiments.segments import compare_cohorts, compare_segments, estimate_trend
from shopwright.experiments.statistics import (
    ChiSquare,
    Estimate,
    Guardrail,
    Moments,
    Novelty,
    Posterior,
    Progress,
    QuantileSummary,
    SampleRatio,
    Target,
    adjust,
    always_valid,
    chi_square_independence,
    guardrail,
    posterior,
    progress,
    sample_ratio,
)
from shopwright.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from typing import Literal

    from shopwright.experiments.aggregates import Aggregates
    from shopwright.experiments.segments import CohortResult, SegmentResult
    from shopwright.metrics import Metric
    from shopwright.settings import ExperimentDefinition

    Role = Literal["primary", "secondary", "guardrail"]

MAX_MIXED_SHARE = 0.01
"""Share of units seen in several variants above which assignment is broken."""


@dataclass(frozen=True, slots=True)
class MetricResult:
    """Result of one metric of one variant against the control."""

    metric: Metric
    role: Role
    variant: str
    plain: Estimate
    """Fixed horizon, no covariate: valid for one look at the planned end."""
    adjusted: Estimate | None
    """The same, adjusted for the pre-period (CUPED); None where there is none."""
    sequential: Estimate
    """Always valid, however often one looks: of the adjusted estimate where there is one, else of the plain one."""
    belief: Posterior
    """Posterior under a flat prior."""
    corrected_pvalue: float | None
    """Corrected for the number of metrics and variants in its role; None where there is no test."""
    guardrail: Guardrail | None = None
    """For a guardrail: whether the worst acceptable change is excluded, by the evidence that may count now: the
    fixed-horizon interval at the planned end, the always-valid one before it."""
    progress: Progress | None = None
    """For the primary metric: power reached and units still needed."""
    cap: float | None = None
    """Value that a unit's numerator was capped at (winsorization), in its unit; None without a cap."""

    @property
    def estimate(self) -> Estimate:
        """Estimate that decides at a fixed horizon: the adjusted one where there is one."""
        return self.adjusted or self.plain


@dataclass(frozen=True, slots=True)
class Analysis:
    """All metrics of an experiment as of a date, with the checks of its validity."""

    experiment: ExperimentDefinition
    as_of: date | None
    """Last date of the shop's data; None without any."""
    is_complete: bool
    """Whether the planned end is reached: the last day, and the requested power in each variant."""
    days: int
    """Dates from the first exposure to the last, both counted."""
    units: dict[str, int]
    """Variant to its units."""
    mixed_units: int
    """Units seen in several variants, left out of everything else."""
    sample_ratio: SampleRatio
    conversion_test: ChiSquare
    """Whether conversion depends on the variant, over all variants at once."""
    metric_results: tuple[MetricResult, ...]
    segments: tuple[SegmentResult, ...]
    cohorts: tuple[CohortResult, ...]
    """Primary metric by day of exposure, for days with enough units in both variants."""
    novelty: dict[str, Novelty]
    """Variant to the trend of the primary metric's effect over those days."""
    funnel: dict[str, tuple[int, ...]]
    """Variant to units with a view, a cart, a checkout and a purchase."""
    day_orders: int = 0
    """Orders on the experiment's days that state only their day; each counts for a unit exposed on that day."""

    @property
    def treatments(self) -> tuple[str, ...]:
        """All variants but the control."""
        return tuple(self.experiment.variants)[1:]

    def metric_result(self, metric: str, variant: str) -> MetricResult:
        """Return the result of a metric and variant, in the metric's first role.

        Raises:
            LookupError: the metric is not part of the experiment.
        """
        for result in self.metric_results:
            if (result.metric.name, result.variant) == (metric, variant):
                return result
        raise LookupError(f"no result of '{metric}' for '{variant}' in experiment '{self.experiment.name}'")


def analyze(
    experiment: ExperimentDefinition, aggregates: Aggregates, *, data_through: date | None = None
) -> Analysis:
    """Analyze an experiment from the aggregates of its units.

    Args:
        experiment: its settings.
        aggregates: of its units; with the dimension ``exposed_date`` the effect's trend is estimated too.
        data_through: last date of the shop's data; the date of the last exposure by default.
    """
    sums = {name: _variant_sums(experiment, aggregates, name) for name in experiment.variants}
    units = {name: variant_sums.count for name, variant_sums in sums.items()}
    conversions = [
        (int(variant_sums.sum("is_converted")), variant_sums.count - int(variant_sums.sum("is_converted")))
        for variant_sums in sums.values()
    ]
    as_of = data_through or aggregates.last_exposed
    metric_results = tuple(_metric_results(experiment, aggregates, as_of))
    is_complete = _is_complete(experiment, metric_results, as_of)
    cohorts = tuple(compare_cohorts(experiment, aggregates))
    return Analysis(
        experiment=experiment,
        as_of=as_of,
        is_complete=is_complete,
        days=aggregates.days,
        units=units,
        mixed_units=aggregates.mixed,
        sample_ratio=sample_ratio(list(units.values()), weights=expected_weights(experiment)),
        conversion_test=chi_square_independence(conversions),
        metric_results=tuple(
            _with_guardrail(experiment, result, is_complete=is_complete) for result in metric_results
        ),
        segments=tuple(compare_segments(experiment, aggregates)),
        cohorts=cohorts,
        novelty={name: estimate_trend(experiment, cohorts, name) for name in tuple(experiment.variants)[1:]},
        funnel={name: aggregates.steps.get(name, (0, 0, 0, 0)) for name in experiment.variants},
    )


def _metric_results(
    experiment: ExperimentDefinition, aggregates: Aggregates, as_of: date | None
) -> Iterable[MetricResult]:
    """Yield each metric in each of its roles; guardrails get their verdict later, since it depends on completeness."""
    roles: list[tuple[str, Role]] = [(experiment.primary_metric, "primary")]
    roles += [(name, "secondary") for name in experiment.secondary_metrics]
    roles += [(guardrail.metric, "guardrail") for guardrail in experiment.guardrails]
    by_role: dict[str, list[MetricResult]] = {}
    for name, role in roles:
        for variant in tuple(experiment.variants)[1:]:
            result = _metric_result(experiment, aggregates, METRICS[name], role, variant)
            if role == "primary":
                result = replace(result, progress=_progress(experiment, aggregates, result.estimate, as_of))
            by_role.setdefault(role, []).append(result)
    for results in by_role.values():
        corrected = adjust([result.estimate.pvalue for result in results], correction=experiment.correction)
        yield from (
            replace(result, corrected_pvalue=pvalue)
            for result, pvalue in zip(results, corrected, strict=True)
        )


def _metric_result(
    experiment: ExperimentDefinition, aggregates: Aggregates, metric: Metric, role: Role, variant: str
) -> MetricResult:
    level, capped = 1 - experiment.alpha, capped_metric(metric, experiment)
    control, treatment = (
        _variant_sums(experiment, aggregates, name) for name in (experiment.control, variant)
    )
    plain = compare_metric(
        capped, control, treatment, level=level, quantiles=_quantiles(experiment, aggregates, metric, variant)
    )
    other_variants = [
        _variant_sums(experiment, aggregates, name)
        for name in experiment.variants
        if name not in (experiment.control, variant)
    ]
    adjusted = adjust_metric(capped, control, treatment, other_variants=other_variants, level=level)
    estimate = adjusted or plain
    return MetricResult(
        metric=metric,
        role=role,
        variant=variant,
        plain=plain,
        adjusted=adjusted,
        sequential=always_valid(estimate, tuned_for=experiment.sequence_units),
        belief=posterior(estimate, is_higher_better=metric.better == "higher", level=level),
        corrected_pvalue=None,
        cap=aggregates.caps.get(capped.numerator),
    )


def _quantiles(
    experiment: ExperimentDefinition, aggregates: Aggregates, metric: Metric, variant: str
) -> tuple[QuantileSummary, QuantileSummary]:
    """Return the order statistics of control and variant; empty ones where the metric is no quantile."""
    empty = QuantileSummary(0, None, None, None)
    return (
        aggregates.quantiles.get((metric.name, experiment.control), empty),
        aggregates.quantiles.get((metric.name, variant), empty),
    )


def _with_guardrail(
    experiment: ExperimentDefinition, result: MetricResult, *, is_complete: bool
) -> MetricResult:
    """Return a guardrail with its verdict, by the evidence that may count now; other results unchanged."""
    if result.role != "guardrail":
        return result
    worst_change = next(
        settings.worst_change for settings in experiment.guardrails if settings.metric == result.metric.name
    )
    verdict = guardrail(
        result.estimate if is_complete else result.sequential,
        worst_change=worst_change,
        is_higher_better=result.metric.better == "higher",
    )
    return replace(result, guardrail=verdict)


def _is_complete(
    experiment: ExperimentDefinition, metric_results: Iterable[MetricResult], as_of: date | None
) -> bool:
    if experiment.end is None or as_of is None or as_of < experiment.end:
        return False
    powers = [
        result.progress.power if result.progress else None
        for result in metric_results
        if result.role == "primary"
    ]
    return all(power is not None and power >= experiment.power for power in powers)


def _progress(
    experiment: ExperimentDefinition, aggregates: Aggregates, estimate: Estimate, as_of: date | None
) -> Progress:
    target = Target(
        experiment.minimum_detectable_effect,
        alpha=experiment.alpha,
        power=experiment.power,
        comparisons=len(experiment.variants) - 1,
    )
    days = _days_open(experiment, aggregates, as_of)
    units = estimate.control_count + estimate.treatment_count
    return progress(estimate, target=target, units_per_day=units / days if days else None)


def _days_open(experiment: ExperimentDefinition, aggregates: Aggregates, as_of: date | None) -> int | None:
    """Return the days in which units could be exposed, quiet last days included; None where no more will be."""
    if aggregates.last_exposed is None or as_of is None:
        return None
    if experiment.end is not None and as_of >= experiment.end:
        return None
    return aggregates.days + max(0, (as_of - aggregates.last_exposed).days)


def _variant_sums(experiment: ExperimentDefinition, aggregates: Aggregates, variant: str) -> Moments:
    """Return the sums over a variant's units, all 0 where it has none."""
    sums = aggregates.group(variant)
    if sums is not None:
        return sums
    if aggregates.moments_by_group:
        return Moments.empty(next(iter(aggregates.moments_by_group.values())).names)
    metrics = (capped_metric(METRICS[name], experiment) for name in experiment.metrics)
    return Moments.empty(summed_columns(metrics, experiment))
