"""The read-out of an experiment: every metric of every variant against the control, and whether it may be believed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from shopwright.experiments.aggregates import before_of, columns_of, summed
from shopwright.experiments.assignment import weights_of
from shopwright.experiments.statistics import (
    ChiSquare,
    Effect,
    Estimate,
    Guardrail,
    Moments,
    Novelty,
    Posterior,
    Progress,
    Proportion,
    QuantileSummary,
    Quantity,
    SampleRatio,
    Target,
    adjust,
    always_valid,
    chi_square_independence,
    compare_quantiles,
    cuped,
    guardrail,
    novelty,
    posterior,
    progress,
    ratio_of_means,
    sample_ratio,
    two_proportions,
    welch,
)
from shopwright.metrics import METRICS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Literal

    from shopwright.experiments.aggregates import Aggregates
    from shopwright.metrics import Metric
    from shopwright.settings import ExperimentDefinition

    Role = Literal["primary", "secondary", "guardrail"]

FEWEST_BELOW = 30
"""Sum of a ratio's denominator in a variant, such as orders, below which it is not judged."""
FEWEST_SEGMENT_UNITS = 100
"""A segment with fewer units in a variant is not read: normal approximations do not hold there."""
COHORT = "exposed_date"
"""Dimension of the days on which units came in."""
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
    """Of a guardrail: whether the worst acceptable change is excluded, for one look at the planned end."""
    sequential_guardrail: Guardrail | None = None
    """The same, valid at every look."""
    progress: Progress | None = None
    """Of the primary metric: power reached and what is still needed."""

    @property
    def estimate(self) -> Estimate:
        """The one that decides at a fixed horizon: adjusted where it can be."""
        return self.adjusted or self.plain


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
class Readout:
    """What an experiment says so far."""

    experiment: ExperimentDefinition
    as_of: date | None
    """Last date of the shop's data; None without any."""
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
    novelty: dict[str, Novelty]
    """Variant to the trend of the primary metric's effect over the days on which units came in."""
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
    return Readout(
        experiment=experiment,
        as_of=data_through or aggregates.last_exposed,
        days=aggregates.days,
        units=units,
        mixed_units=aggregates.mixed,
        sample_ratio=sample_ratio(list(units.values()), weights=weights_of(experiment)),
        conversion_test=chi_square_independence(converted),
        readings=tuple(_readings(experiment, aggregates)),
        segments=tuple(_segments(experiment, aggregates)),
        novelty={name: _novelty(experiment, aggregates, name) for name in tuple(experiment.variants)[1:]},
        funnel={name: aggregates.steps.get(name, (0, 0, 0, 0)) for name in experiment.variants},
    )


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
        metric: what is compared.
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


def _readings(experiment: ExperimentDefinition, aggregates: Aggregates) -> Iterable[MetricReading]:
    roles: list[tuple[str, Role]] = [(experiment.primary_metric, "primary")]
    roles += [(name, "secondary") for name in experiment.secondary_metrics]
    roles += [(rail.metric, "guardrail") for rail in experiment.guardrails]
    by_role: dict[str, list[MetricReading]] = {}
    for name, role in roles:
        for variant in tuple(experiment.variants)[1:]:
            by_role.setdefault(role, []).append(
                _reading(experiment, aggregates, METRICS[name], role, variant)
            )
    for readings in by_role.values():
        corrected = adjust([found.estimate.pvalue for found in readings], correction=experiment.correction)
        yield from (
            replace(found, corrected_pvalue=value) for found, value in zip(readings, corrected, strict=True)
        )


def _reading(
    experiment: ExperimentDefinition, aggregates: Aggregates, metric: Metric, role: Role, variant: str
) -> MetricReading:
    level = 1 - experiment.alpha
    control, treatment = (_moments(experiment, aggregates, name) for name in (experiment.control, variant))
    nothing = QuantileSummary(0, None, None, None)
    plain = compare_metric(
        summed(metric, experiment),
        control,
        treatment,
        level=level,
        quantiles=(
            aggregates.quantiles.get((metric.name, experiment.control), nothing),
            aggregates.quantiles.get((metric.name, variant), nothing),
        ),
    )
    adjusted = _adjusted(experiment, aggregates, metric, variant)
    best = adjusted or plain
    sequential = always_valid(best, tuned_for=experiment.sequence_units)
    return MetricReading(
        metric=metric,
        role=role,
        variant=variant,
        plain=plain,
        adjusted=adjusted,
        sequential=sequential,
        belief=posterior(best, is_higher_better=metric.better == "higher", level=level),
        corrected_pvalue=None,
        guardrail=_guardrail(experiment, metric, role, best),
        sequential_guardrail=_guardrail(experiment, metric, role, sequential),
        progress=_progress(experiment, aggregates, best) if role == "primary" else None,
    )


def _adjusted(
    experiment: ExperimentDefinition, aggregates: Aggregates, metric: Metric, variant: str
) -> Estimate | None:
    """CUPED on the metric's own measures before the start; None where they have none, or it adds nothing."""
    control, treatment = (_moments(experiment, aggregates, name) for name in (experiment.control, variant))
    measures = summed(metric, experiment).measures
    before = [before_of(name) for name in measures]
    if metric.kind is Kind.QUANTILE or not all(name and name in control.names for name in before):
        return None
    if _is_sparse(summed(metric, experiment), control, treatment):
        return None
    others = [
        _moments(experiment, aggregates, name)
        for name in experiment.variants
        if name not in (experiment.control, variant)
    ]
    found = cuped(
        control,
        treatment,
        metric=Quantity(*measures),
        covariate=Quantity(*before),
        others=others,
        level=1 - experiment.alpha,
    )
    return found if found.adjustment and found.adjustment.reason is None else None


def _guardrail(
    experiment: ExperimentDefinition, metric: Metric, role: Role, estimate: Estimate
) -> Guardrail | None:
    if role != "guardrail":
        return None
    worst = next(rail.worst_change for rail in experiment.guardrails if rail.metric == metric.name)
    return guardrail(estimate, worst_change=worst, is_higher_better=metric.better == "higher")


def _progress(experiment: ExperimentDefinition, aggregates: Aggregates, estimate: Estimate) -> Progress:
    target = Target(
        experiment.minimum_detectable_effect,
        alpha=experiment.alpha,
        power=experiment.power,
        comparisons=len(experiment.variants) - 1,
    )
    arms = estimate.control_count + estimate.treatment_count
    return progress(
        estimate, target=target, units_per_day=arms / aggregates.days if aggregates.days else None
    )


def _segments(experiment: ExperimentDefinition, aggregates: Aggregates) -> list[SegmentReading]:
    """The primary metric in every segment that is large enough, corrected for their number."""
    metric = summed(METRICS[experiment.primary_metric], experiment)
    if metric.kind is Kind.QUANTILE:
        return []
    found = []
    for dimension, value in _values(aggregates):
        control = aggregates.of(experiment.control, dimension, value)
        for variant in tuple(experiment.variants)[1:]:
            treatment = aggregates.of(variant, dimension, value)
            if control and treatment and min(control.count, treatment.count) >= FEWEST_SEGMENT_UNITS:
                estimate = compare_metric(metric, control, treatment, level=1 - experiment.alpha)
                found.append(SegmentReading(dimension, value, variant, estimate, None))
    corrected = adjust([segment.estimate.pvalue for segment in found], correction="benjamini-hochberg")
    return [replace(segment, corrected_pvalue=value) for segment, value in zip(found, corrected, strict=True)]


def _values(aggregates: Aggregates) -> list[tuple[str, str]]:
    """Every dimension with each of its values; dates are no segments."""
    return sorted({(name, value) for name, value, _ in aggregates.moments if name and name != COHORT})


def _novelty(experiment: ExperimentDefinition, aggregates: Aggregates, variant: str) -> Novelty:
    """The trend of the effect over the days on which units came in; each unit belongs to one of them."""
    metric = summed(METRICS[experiment.primary_metric], experiment)
    effects = {}
    for day in sorted(
        value for name, value, _ in aggregates.moments if name == COHORT and metric.kind is not Kind.QUANTILE
    ):
        control, treatment = (
            aggregates.of(experiment.control, COHORT, day),
            aggregates.of(variant, COHORT, day),
        )
        if control and treatment:
            estimate = compare_metric(metric, control, treatment, level=1 - experiment.alpha)
            effects[(date.fromisoformat(day) - experiment.start).days] = estimate.relative
    return novelty(effects, level=1 - experiment.alpha)


def _moments(experiment: ExperimentDefinition, aggregates: Aggregates, variant: str) -> Moments:
    """Sums over a variant's units, all of them 0 where it has none."""
    found = aggregates.of(variant)
    if found is not None:
        return found
    names: Sequence[str] = (
        next(iter(aggregates.moments.values())).names
        if aggregates.moments
        else columns_of((summed(METRICS[name], experiment) for name in experiment.metrics), experiment)
    )
    pairs = {(left, right): 0.0 for left in names for right in names}
    return Moments.from_sums(0, dict.fromkeys(names, 0.0), pairs)
