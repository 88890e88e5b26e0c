"""Sample size of an experiment, from what the shop's own users did recently."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shopwright.core.errors import ConfigurationError
from shopwright.experiments.aggregates import pre_period_column
from shopwright.experiments.planning_data import read_planning_data
from shopwright.experiments.simulated_effects import simulated_events
from shopwright.experiments.statistics import SampleSize, Target, detectable_effect, required_units
from shopwright.metrics import METRICS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from shopwright.core.engine import Connection
    from shopwright.experiments.planning_data import PlanningData
    from shopwright.metrics import Metric
    from shopwright.settings import ExperimentDefinition

WEEKS = (1, 2, 4, 8)
MAX_DAYS = 3_650
"""Ten years; a plan that takes longer has no number of days."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """Forecast of an experiment of some length."""

    weeks: int
    units: int
    """Units that would have been exposed, over all variants."""
    baseline: float | None
    """The metric by then: units that have had more time have done more."""
    detectable_effect: float | None
    """Relative effect that would be found with the requested power; None where the data cannot say."""
    is_extrapolated: bool
    """Whether it is longer than the history: new units keep arriving as at its end, and behave as in all of it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Sample size and duration that an experiment needs."""

    experiment: str
    metric: str
    history_from: date
    history_days: int
    """Days of history used: the requested ones, or as many as the data has."""
    past_units: int
    """Units that would have been exposed in those days, each once, whether or not they would have taken part."""
    baseline: float | None
    """The metric of those units, from exposure to the end of the history."""
    minimum_detectable_effect: float
    alpha: float
    power: float
    units_per_day: float
    """Units that would have taken part, divided by the days of the history. A user counts once, so a shorter experiment
    has more users a day and a longer one fewer; ``size`` and ``horizons`` account for that. Sessions never come back,
    so theirs is the same at any length."""
    size: SampleSize
    """Units needed by variant, and days until they are reached."""
    horizons: tuple[Horizon, ...]
    """Detectable effects after some weeks."""
    cautions: tuple[str, ...]
    """Limits of the plan, for the reader."""
    simulated_events: dict[str, int]
    """Experiment to the events of its simulated effect in files of those days; empty where the data is real."""


def plan(
    connection: Connection,
    experiment: ExperimentDefinition,
    *,
    metric: str | None = None,
    effect: float | None = None,
    days: int = 28,
) -> Plan:
    """Size an experiment by what it would have seen had it started some days ago.

    Args:
        connection: to the published warehouse.
        experiment: its unit, exposure, weights, traffic, alpha and power.
        metric: name of the metric; the primary one by default.
        effect: smallest relative change to detect, as a share; the experiment's own by default.
        days: days of history to use; fewer are used where the data is younger.

    Raises:
        ConfigurationError: the metric cannot be planned for.
        DataError: there is no history, or no unit in it.
    """
    planned_metric = METRICS[metric or experiment.primary_metric]
    if planned_metric.kind is Kind.QUANTILE or "returned_unit_count" in planned_metric.measures:
        raise ConfigurationError(
            f"{planned_metric.title} cannot be planned for; give --metric, such as conversion_rate"
        )
    target = Target(
        effect or experiment.minimum_detectable_effect,
        alpha=experiment.alpha,
        power=experiment.power,
        comparisons=len(experiment.variants) - 1,
    )
    history = read_planning_data(connection, experiment, planned_metric, days=days)
    return Plan(
        experiment=experiment.name,
        metric=planned_metric.name,
        history_from=history.first_date,
        history_days=history.days,
        past_units=history.units,
        baseline=history.baseline_after(history.days).value,
        minimum_detectable_effect=target.minimum_detectable_effect,
        alpha=experiment.alpha,
        power=experiment.power,
        units_per_day=_participation(experiment) * history.units / history.days,
        size=_size(history, experiment, target),
        horizons=tuple(_horizon(history, experiment, target, weeks) for weeks in WEEKS),
        cautions=tuple(_cautions(experiment, planned_metric, history, days)),
        simulated_events=simulated_events(connection, since=history.first_date, until=history.last_date),
    )


def _participation(experiment: ExperimentDefinition) -> float:
    """Return the share of the units that take part."""
    low, high = experiment.layer_range
    return experiment.traffic * (high - low)


def _size(history: PlanningData, experiment: ExperimentDefinition, target: Target) -> SampleSize:
    """Return the units needed and the first day on which they would be reached.

    The two depend on each other: the longer the experiment runs, the more each unit has done. Within the history the day is
    searched for; beyond it, units behave as in all of it and keep arriving as at its end.
    """

    def needed(days: int) -> SampleSize:
        return required_units(
            history.baseline_after(days), target=target, weights=list(experiment.variants.values())
        )

    def is_enough(days: int) -> bool:
        total = needed(days).total
        return total is not None and total <= _participation(experiment) * history.units_after(days)

    if is_enough(history.days):
        day = _first_day(is_enough, history.days)
        return replace(needed(day), days=day)
    size = needed(history.days)
    if size.total is None:
        return size
    missing_units = size.total - _participation(experiment) * history.units
    extra_days = (
        missing_units / (_participation(experiment) * history.arrival_rate)
        if history.arrival_rate
        else math.inf
    )
    if extra_days > MAX_DAYS:
        return replace(size, reason=f"they would take more than {MAX_DAYS // 365} years")
    return replace(size, days=history.days + math.ceil(extra_days))


def _first_day(is_enough: Callable[[int], bool], last: int) -> int:
    """Return the first day that is enough, where the last one is, by bisection."""
    low, high = 1, last
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle + 1, high)
    return low


def _horizon(history: PlanningData, experiment: ExperimentDefinition, target: Target, weeks: int) -> Horizon:
    baseline = history.baseline_after(7 * weeks)
    units = _participation(experiment) * history.units_after(7 * weeks)
    return Horizon(
        weeks=weeks,
        units=int(units),
        baseline=baseline.value,
        detectable_effect=detectable_effect(
            baseline, target=target, units=[int(units * share) for share in experiment.shares.values()]
        ),
        is_extrapolated=7 * weeks > history.days,
    )


def _cautions(
    experiment: ExperimentDefinition, metric: Metric, history: PlanningData, requested_days: int
) -> Iterator[str]:
    if history.days < requested_days:
        yield f"the data has only {history.days} of the {requested_days} requested days"
    if experiment.assignment in ("stated", "exposures"):
        yield (
            f"units are assigned elsewhere (assignment {experiment.assignment}), so the plan counts every exposed "
            f"{experiment.unit} of the shop"
        )
    if (
        experiment.unit == "user"
        and experiment.pre_period_days
        and all(pre_period_column(name) for name in metric.measures)
    ):
        yield "results are adjusted for the pre-period (CUPED), so fewer units may be enough"
