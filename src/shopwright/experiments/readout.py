"""The read-out of an experiment: every metric of every variant against the control, and whether it may be believed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shopwright.assignment import expected_weights
from shopwright.experiments.aggregates import columns_of, summed
from shopwright.experiments.comparison import adjust_metric, compare_metric
from shopwright.experiments.parts import read_cohorts, read_segments, trend
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
    from shopwright.experiments.parts import CohortReading, SegmentReading
    from shopwright.metrics import Metric
    from shopwright.settings import ExperimentDefinition

    Role = Literal["primary", "secondary", "guardrail"]

MIXED_SHARE = 0.01
"""Share of units seen in two variants above which assignment is broken."""


@dataclass(frozen=True, slots=True)
class MetricReading:
    """One metric of one variant against the control."""

    metric: Metric
    role: Role
    variant: str
    plain: Estimate
    """Fixed horizon, no covariate: valid for one look at the planned end."""
    adjusted: Estimate | None
    """The same with the pre-period's behaviour taken out (CUPED); None where there is none."""
    sequential: Estimate
    """Valid at every look: of the adjusted estimate where there is one, else of the plain one."""
    belief: Posterior
    """Under a flat prior."""
    corrected_pvalue: float | None
    """Corrected for the number of metrics and variants in its role; None where there is no test."""
    guardrail: Guardrail | None = None
    """Of a guardrail: whether the worst acceptable change is excluded, by the evidence that may count now: at the
    planned end that for one look, before it that for every look."""
    progress: Progress | None = None
    """Of the primary metric: power reached and what is still needed."""
    cap: float | None = None
    """What a unit's numerator was cut to (winsorisation), in its unit; None where it was not."""

    @property
    def estimate(self) -> Estimate:
        """The one that decides at a fixed horizon: adjusted where it can be."""
        return self.adjusted or self.plain


@dataclass(frozen=True, slots=True)
class Readout:
    """What an experiment says so far."""

    experiment: ExperimentDefinition
    as_of: date | None
    """Last date of the shop's data; None without any."""
    is_complete: bool
    """Whether the planned end is reached: the last day, and the power that was asked for in each variant."""
    days: int
    """Dates on which units came in, from the first to the last."""
    units: dict[str, int]
    """Variant to its units."""
    mixed_units: int
    """Units seen in two variants, left out of everything else."""
    sample_ratio: SampleRatio
    conversion_test: ChiSquare
    """Whether conversion depends on the variant, over all variants at once."""
    readings: tuple[MetricReading, ...]
    segments: tuple[SegmentReading, ...]
    cohorts: tuple[CohortReading, ...]
    """The primary metric by the day on which units came in, where both variants have enough of them."""
    novelty: dict[str, Novelty]
    """Variant to the trend of the primary metric's effect over these days."""
    funnel: dict[str, tuple[int, ...]]
    """Variant to units with a view, a cart, a checkout and a purchase."""

    @property
    def treatments(self) -> tuple[str, ...]:
        """All variants but the control."""
        return tuple(self.experiment.variants)[1:]

    def reading(self, metric: str, variant: str) -> MetricReading:
        """The reading of a metric, in its first role.

        Raises:
            LookupError: the experiment does not look at it.
        """
        for found in self.readings:
            if (found.metric.name, found.variant) == (metric, variant):
                return found
        raise LookupError(f"no reading of '{metric}' for '{variant}' in experiment '{self.experiment.name}'")


def read_out(
    experiment: ExperimentDefinition, aggregates: Aggregates, *, data_through: date | None = None
) -> Readout:
    """Judge an experiment by what its units did.

    Args:
        experiment: its plan.
        aggregates: of its units; with the dimension ``exposed_date`` the effect's trend is told too.
        data_through: last date of the shop's data; the last on which a unit came in where not given.
    """
    whole = {name: _moments(experiment, aggregates, name) for name in experiment.variants}
    units = {name: moments.count for name, moments in whole.items()}
    converted = [
        (int(moments.sum("is_converted")), moments.count - int(moments.sum("is_converted")))
        for moments in whole.values()
    ]
    as_of = data_through or aggregates.last_exposed
    readings = tuple(_readings(experiment, aggregates, as_of))
    is_complete = _is_complete(experiment, readings, as_of)
    cohorts = tuple(read_cohorts(experiment, aggregates))
    return Readout(
        experiment=experiment,
        as_of=as_of,
        is_complete=is_complete,
        days=aggregates.days,
        units=units,
        mixed_units=aggregates.mixed,
        sample_ratio=sample_ratio(list(units.values()), weights=expected_weights(experiment)),
        conversion_test=chi_square_independence(converted),
        readings=tuple(_guarded(experiment, found, is_complete=is_complete) for found in readings),
        segments=tuple(read_segments(experiment, aggregates)),
        cohorts=cohorts,
        novelty={name: trend(experiment, cohorts, name) for name in tuple(experiment.variants)[1:]},
        funnel={name: aggregates.steps.get(name, (0, 0, 0, 0)) for name in experiment.variants},
    )


def _readings(
    experiment: ExperimentDefinition, aggregates: Aggregates, as_of: date | None
) -> Iterable[MetricReading]:
    """Each metric in each of its roles; guardrails are judged when all is known that decides how."""
    roles: list[tuple[str, Role]] = [(experiment.primary_metric, "primary")]
    roles += [(name, "secondary") for name in experiment.secondary_metrics]
    roles += [(rail.metric, "guardrail") for rail in experiment.guardrails]
    by_role: dict[str, list[MetricReading]] = {}
    for name, role in roles:
        for variant in tuple(experiment.variants)[1:]:
            found = _reading(experiment, aggregates, METRICS[name], role, variant)
            if role == "primary":
                found = replace(found, progress=_progress(experiment, aggregates, found.estimate, as_of))
            by_role.setdefault(role, []).append(found)
    for readings in by_role.values():
        corrected = adjust([found.estimate.pvalue for found in readings], correction=experiment.correction)
        yield from (
            replace(found, corrected_pvalue=value) for found, value in zip(readings, corrected, strict=True)
        )


def _reading(
    experiment: ExperimentDefinition, aggregates: Aggregates, metric: Metric, role: Role, variant: str
) -> MetricReading:
    level, cut = 1 - experiment.alpha, summed(metric, experiment)
    control, treatment = (_moments(experiment, aggregates, name) for name in (experiment.control, variant))
    plain = compare_metric(
        cut, control, treatment, level=level, quantiles=_quantiles(experiment, aggregates, metric, variant)
    )
    others = [
        _moments(experiment, aggregates, name)
        for name in experiment.variants
        if name not in (experiment.control, variant)
    ]
    adjusted = adjust_metric(cut, control, treatment, others=others, level=level)
    best = adjusted or plain
    return MetricReading(
        metric=metric,
        role=role,
        variant=variant,
        plain=plain,
        adjusted=adjusted,
        sequential=always_valid(best, tuned_for=experiment.sequence_units),
        belief=posterior(best, is_higher_better=metric.better == "higher", level=level),
        corrected_pvalue=None,
        cap=aggregates.caps.get(cut.numerator),
    )


def _quantiles(
    experiment: ExperimentDefinition, aggregates: Aggregates, metric: Metric, variant: str
) -> tuple[QuantileSummary, QuantileSummary]:
    """Order statistics of control and variant; those of nothing where the metric is no quantile."""
    nothing = QuantileSummary(0, None, None, None)
    return (
        aggregates.quantiles.get((metric.name, experiment.control), nothing),
        aggregates.quantiles.get((metric.name, variant), nothing),
    )


def _guarded(experiment: ExperimentDefinition, found: MetricReading, *, is_complete: bool) -> MetricReading:
    """A guardrail judged by the evidence that may count now; other readings as they are."""
    if found.role != "guardrail":
        return found
    worst = next(rail.worst_change for rail in experiment.guardrails if rail.metric == found.metric.name)
    judged = guardrail(
        found.estimate if is_complete else found.sequential,
        worst_change=worst,
        is_higher_better=found.metric.better == "higher",
    )
    return replace(found, guardrail=judged)


def _is_complete(
    experiment: ExperimentDefinition, readings: Iterable[MetricReading], as_of: date | None
) -> bool:
    if experiment.end is None or as_of is None or as_of < experiment.end:
        return False
    reached = [
        found.progress.power if found.progress else None for found in readings if found.role == "primary"
    ]
    return all(power is not None and power >= experiment.power for power in reached)


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
    arms = estimate.control_count + estimate.treatment_count
    return progress(estimate, target=target, units_per_day=arms / days if days else None)


def _days_open(experiment: ExperimentDefinition, aggregates: Aggregates, as_of: date | None) -> int | None:
    """Days in which units could come in, quiet ones at the end too; None where none will come in any more."""
    if aggregates.last_exposed is None or as_of is None:
        return None
    if experiment.end is not None and as_of >= experiment.end:
        return None
    return aggregates.days + max(0, (as_of - aggregates.last_exposed).days)


def _moments(experiment: ExperimentDefinition, aggregates: Aggregates, variant: str) -> Moments:
    """Sums over a variant's units, all of them 0 where it has none."""
    found = aggregates.of(variant)
    if found is not None:
        return found
    if aggregates.moments:
        return Moments.of_nothing(next(iter(aggregates.moments.values())).names)
    metrics = (summed(METRICS[name], experiment) for name in experiment.metrics)
    return Moments.of_nothing(columns_of(metrics, experiment))
