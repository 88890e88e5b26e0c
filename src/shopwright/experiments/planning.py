"""Sizing an experiment from what the shop's own users did lately."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shopwright.core.errors import ConfigurationError
from shopwright.experiments.aggregates import before_of
from shopwright.experiments.history import read_history
from shopwright.experiments.simulated_effects import simulated_events
from shopwright.experiments.statistics import SampleSize, Target, detectable_effect, required_units
from shopwright.metrics import METRICS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    import duckdb

    from shopwright.experiments.history import History
    from shopwright.metrics import Metric
    from shopwright.settings import ExperimentDefinition

WEEKS = (1, 2, 4, 8)
LONGEST_DAYS = 3_650
"""Ten years; what takes longer is not a matter of days."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """What an experiment of some length would see."""

    weeks: int
    units: int
    """Units that would have come in, over all variants."""
    baseline: float | None
    """The metric by then: a unit that has had more time has done more."""
    detectable_effect: float | None
    """The relative effect that would be found with the power asked for; None where there is nothing to tell it by."""
    is_extrapolated: bool
    """Whether it is longer than the history: units go on coming in as at its end, and behave as in all of it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an experiment needs to see what it is meant to see."""

    experiment: str
    metric: str
    history_from: date
    history_days: int
    """Days of history that it was sized by: those asked for, or as many as the data has."""
    past_units: int
    """Units that would have been exposed in those days, each once, whether or not they would have taken part."""
    baseline: float | None
    """The metric of those units, from their exposure to the end of the history."""
    minimum_detectable_effect: float
    alpha: float
    power: float
    units_per_day: float
    """Units that would have taken part, over the days of the history. A unit counts once, so an experiment that is shorter
    has more a day, and a longer one fewer; ``size`` and ``horizons`` reckon with that. Sessions never come back: of
    them it is as many at any length."""
    size: SampleSize
    """Units by variant, and days until they have come in."""
    horizons: tuple[Horizon, ...]
    """What would be found after some weeks."""
    cautions: tuple[str, ...]
    """What the plan could not know."""
    simulated_events: dict[str, int]
    """Experiment whose effect is simulated on those days to the events changed; the data is simulated where not empty."""


def plan(
    connection: duckdb.DuckDBPyConnection,
    experiment: ExperimentDefinition,
    *,
    metric: str | None = None,
    effect: float | None = None,
    days: int = 28,
) -> Plan:
    """Size an experiment by what it would have seen had it begun so many days ago.

    Args:
        connection: to the published warehouse.
        experiment: its unit, exposure, weights, traffic, alpha and power.
        metric: the primary one where not given.
        effect: smallest relative change that matters; the experiment's own where not given.
        days: of history; fewer are taken where the data is younger.

    Raises:
        ConfigurationError: the metric cannot be planned for.
        DataError: there is no history, or no unit in it.
    """
    chosen = METRICS[metric or experiment.primary_metric]
    if chosen.kind is Kind.QUANTILE or "returned_unit_count" in chosen.measures:
        raise ConfigurationError(
            f"{chosen.title} cannot be planned for; give --metric, such as conversion_rate"
        )
    target = Target(
        effect or experiment.minimum_detectable_effect,
        alpha=experiment.alpha,
        power=experiment.power,
        comparisons=len(experiment.variants) - 1,
    )
    history = read_history(connection, experiment, chosen, days=days)
    return Plan(
        experiment=experiment.name,
        metric=chosen.name,
        history_from=history.first_date,
        history_days=history.days,
        past_units=history.units,
        baseline=history.after(history.days).value,
        minimum_detectable_effect=target.minimum_detectable_effect,
        alpha=experiment.alpha,
        power=experiment.power,
        units_per_day=_part(experiment) * history.units / history.days,
        size=_size(history, experiment, target),
        horizons=tuple(_horizon(history, experiment, target, weeks) for weeks in WEEKS),
        cautions=tuple(_cautions(experiment, chosen, history, days)),
        simulated_events=simulated_events(connection, since=history.first_date, until=history.last_date),
    )


def _part(experiment: ExperimentDefinition) -> float:
    """Share of the units that take part."""
    low, high = experiment.layer_range
    return experiment.traffic * (high - low)


def _size(history: History, experiment: ExperimentDefinition, target: Target) -> SampleSize:
    """Units needed, and the first day by which they would have come in.

    The two hang together: the longer it runs the more each unit has done. Within the history the day is looked for;
    beyond it units behave as in all of it, and come in as at its end.
    """

    def needed(days: int) -> SampleSize:
        return required_units(history.after(days), target=target, weights=list(experiment.variants.values()))

    def is_enough(days: int) -> bool:
        total = needed(days).total
        return total is not None and total <= _part(experiment) * history.units_after(days)

    if is_enough(history.days):
        day = _first(is_enough, history.days)
        return replace(needed(day), days=day)
    size = needed(history.days)
    if size.total is None:
        return size
    missing = size.total - _part(experiment) * history.units
    more = missing / (_part(experiment) * history.late_rate) if history.late_rate else math.inf
    if more > LONGEST_DAYS:
        return replace(size, reason=f"they would not come in within {LONGEST_DAYS // 365} years")
    return replace(size, days=history.days + math.ceil(more))


def _first(is_enough: Callable[[int], bool], last: int) -> int:
    """The first day that is enough, where the last one is."""
    low, high = 1, last
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle + 1, high)
    return low


def _horizon(history: History, experiment: ExperimentDefinition, target: Target, weeks: int) -> Horizon:
    baseline = history.after(7 * weeks)
    units = _part(experiment) * history.units_after(7 * weeks)
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
    experiment: ExperimentDefinition, metric: Metric, history: History, asked: int
) -> Iterator[str]:
    if history.days < asked:
        yield f"the data has {history.days} of the {asked} days asked for"
    if experiment.assignment in ("stated", "exposures"):
        yield (
            f"who takes part is decided elsewhere (assignment {experiment.assignment}): every "
            f"{experiment.unit} of the shop that is exposed is reckoned with"
        )
    if (
        experiment.unit == "user"
        and experiment.pre_period_days
        and all(before_of(name) for name in metric.measures)
    ):
        yield "the read-out takes out what was known before (CUPED), so fewer units may do"
