"""Daily results: one metric as it stood at the end of each day.

The units are not scanned once per day. A unit's totals grow from day to day. Where they go from X to X + x on a day, the
sum over units of X^2 grows by 2 X x + x^2, and that of a product X Y by X y + x Y + x y; days on which a unit does nothing
add nothing. So one pass over the days with activity, with a running sum per unit, gives what each day adds to every sum,
and running totals of those are the sums at the end of each day.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from operator import add
from typing import TYPE_CHECKING, Any

from shopwright.core.sql import quote_name, quote_text
from shopwright.experiments.aggregates import read_aggregates, unknown_as_nan
from shopwright.experiments.analysis import analyze
from shopwright.experiments.comparison import compare_metric, correct_for_variants
from shopwright.experiments.simulated_effects import simulated_for
from shopwright.experiments.statistics import Moments, always_valid, running_minimum
from shopwright.experiments.verdict import find_invalid_reason
from shopwright.metrics import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from shopwright.core.engine import Connection
    from shopwright.experiments.statistics import Estimate
    from shopwright.metrics import Metric
    from shopwright.settings import ExperimentDefinition

UNIT_DAYS = "silver.int_experiment_unit_days"
UNIT_KEYS = "silver.int_experiment_units"
UNITS = "gold.fct_experiment_units"


@dataclass(frozen=True, slots=True)
class DayResult:
    """Result of one metric of one variant at the end of a day."""

    day: date
    variant: str
    naive: Estimate
    """Fixed-horizon estimate: what peeking would have shown. It must not decide."""
    sequential: Estimate
    """Always-valid estimate."""
    always_valid_pvalue: float | None
    """Smallest one up to this day, which is always valid as well."""
    corrected_pvalue: float | None = None
    """The same, corrected for the number of variants: this may decide."""


@dataclass(frozen=True, slots=True)
class DailyResult:
    """Result of one metric of an experiment, day by day."""

    experiment: ExperimentDefinition
    metric: Metric
    days: tuple[DayResult, ...]
    """One variant after the other; empty without units."""
    invalid_reason: str | None
    """Why nothing may be concluded, by the rule of the verdict; None where conclusions are valid, or without units."""
    simulated_events: int
    """Events that carry a simulated effect of this experiment; 0 where its data is real."""
    simulated_elsewhere: dict[str, int]
    """Other experiment to the events of its simulated effect on this one's days."""

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {
            "experiment": self.experiment.name,
            "metric": self.metric.name,
            "invalid_reason": self.invalid_reason,
            "simulated_events": self.simulated_events,
            "simulated_elsewhere": self.simulated_elsewhere,
            "days": [asdict(day) for day in self.days],
        }


def read_daily_result(
    connection: Connection, experiment: ExperimentDefinition, metric: Metric
) -> DailyResult:
    """Read one metric of an experiment day by day.

    Args:
        connection: to the published warehouse.
        experiment: the experiment.
        metric: its primary metric, or another.

    Raises:
        ValueError: the metric is a quantile.
    """
    days = tuple(compare_days(experiment, metric, read_daily_moments(connection, experiment, metric)))
    own_events, elsewhere = simulated_for(connection, experiment)
    return DailyResult(
        experiment=experiment,
        metric=metric,
        days=days,
        invalid_reason=_invalid_reason(connection, experiment),
        simulated_events=own_events,
        simulated_elsewhere=elsewhere,
    )


def read_daily_moments(
    connection: Connection,
    experiment: ExperimentDefinition,
    metric: Metric,
    *,
    unit_days: str = UNIT_DAYS,
    unit_keys: str = UNIT_KEYS,
    units: str = UNITS,
) -> dict[date, dict[str, Moments]]:
    """Read the sums of each variant at the end of each day.

    Args:
        connection: to a warehouse with the three tables.
        experiment: the experiment.
        metric: the metric whose measures are summed.
        unit_days: table of what units did per day.
        unit_keys: table of the units' numbers, which ``unit_days`` refers to.
        units: table of the units.

    Returns:
        Date to variant to sums, for days with an exposure or activity.

    Raises:
        ValueError: the metric is a quantile, which has no running sums.
    """
    if metric.kind is Kind.QUANTILE:
        raise ValueError(f"{metric.title} is a quantile and has no daily results")
    names = list(metric.measures)
    pairs = [(left, right) for index, left in enumerate(names) for right in names[index:]]
    query = _query(names, pairs, quote_text(experiment.name), unit_days, unit_keys, units)
    additions: dict[date, dict[str, Moments]] = {}
    for day, variant, count, sums, products in connection.execute(query).fetchall():
        additions.setdefault(day, {})[variant] = Moments.from_sums(
            int(count),
            dict(zip(names, map(float, sums), strict=True)),
            dict(zip(pairs, map(float, products), strict=True)),
        )
    return _running_totals(additions, experiment)


def compare_days(
    experiment: ExperimentDefinition, metric: Metric, by_day: Mapping[date, Mapping[str, Moments]]
) -> list[DayResult]:
    """Compare a metric at the end of each day, at a fixed horizon and always valid.

    Args:
        experiment: its settings.
        metric: the metric.
        by_day: date to variant to sums, as ``read_daily_moments`` returns them.

    Returns:
        One result per treatment and day, one treatment after the other.
    """
    days: list[DayResult] = []
    for variant in tuple(experiment.variants)[1:]:
        naive = {
            day: compare_metric(metric, sums[experiment.control], sums[variant], level=1 - experiment.alpha)
            for day, sums in by_day.items()
        }
        sequential = {
            day: always_valid(estimate, tuned_for=experiment.sequence_units)
            for day, estimate in naive.items()
        }
        pvalues = running_minimum(estimate.pvalue for estimate in sequential.values())
        days += [
            DayResult(day, variant, naive[day], sequential[day], pvalue)
            for day, pvalue in zip(by_day, pvalues, strict=True)
        ]
    return _corrected(days, experiment)


def _invalid_reason(connection: Connection, experiment: ExperimentDefinition) -> str | None:
    analysis = analyze(experiment, read_aggregates(connection, experiment, dimensions=()))
    has_units = analysis.mixed_units or any(analysis.units.values())
    return find_invalid_reason(analysis) if has_units else None


def _corrected(days: Sequence[DayResult], experiment: ExperimentDefinition) -> list[DayResult]:
    by_day: dict[date, dict[str, float | None]] = {}
    for day in days:
        by_day.setdefault(day.day, {})[day.variant] = day.always_valid_pvalue
    corrected = {date: correct_for_variants(pvalues, experiment) for date, pvalues in by_day.items()}
    return [replace(day, corrected_pvalue=corrected[day.day][day.variant]) for day in days]


def _running_totals(
    additions: Mapping[date, Mapping[str, Moments]], experiment: ExperimentDefinition
) -> dict[date, dict[str, Moments]]:
    if not additions:
        return {}
    sample = next(iter(next(iter(additions.values())).values()))
    empty = Moments.empty(sample.names)
    days = sorted(additions)
    totals = {
        variant: list(accumulate((additions[day].get(variant, empty) for day in days), add))
        for variant in experiment.variants
    }
    return {day: {name: sums[index] for name, sums in totals.items()} for index, day in enumerate(days)}


def _query(
    names: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    experiment: str,
    unit_days: str,
    unit_keys: str,
    units: str,
) -> str:
    """Return the query of what each day adds to the units, the sums and the products of each variant."""
    values = ", ".join(
        f"{unknown_as_nan(f'cast({_daily(column)} as double)')} as {quote_name(column)}" for column in names
    )
    totals = ", ".join(
        f"{_running(column)} over by_day as {quote_name('after_' + column)}" for column in names
    )
    no_sums = ", ".join("0.0" for _ in names)
    no_products = ", ".join("0.0" for _ in pairs)
    sums = ", ".join(f"sum(after_{column} - before_{column})" for column in names)
    products = ", ".join(
        f"sum(after_{left} * after_{right} - before_{left} * before_{right})" for left, right in pairs
    )
    before = ", ".join(
        f"coalesce(lag(after_{column}) over by_day, 0.0) as before_{column}" for column in names
    )
    return f"""
        with units as (
            select keys.unit_key, units.variant, units.exposed_date
            from {units} as units
            inner join {unit_keys} as keys on keys.experiment = {experiment} and keys.unit_id = units.unit_id
            where units.experiment = {experiment} and units.variant_count = 1
        ),
        active as (
            select days.unit_key, units.variant, days.activity_date, {values}
            from {unit_days} as days inner join units on days.unit_key = units.unit_key
            where days.experiment = {experiment}
        ),
        totals as (
            select unit_key, variant, activity_date, {totals} from active
            window by_day as (partition by unit_key order by activity_date)
        ),
        steps as (
            select variant, activity_date, {", ".join(f"after_{column}" for column in names)}, {before} from totals
            window by_day as (partition by unit_key order by activity_date)
        ),
        added as (
            select activity_date, variant, 0 as unit_count, [{sums}] as sums, [{products}] as products
            from steps group by activity_date, variant
            union all
            select exposed_date, variant, count(*), [{no_sums}], [{no_products}] from units group by exposed_date, variant
        )
        select activity_date, variant, sum(unit_count), {_list_sums("sums", len(names))}, {_list_sums("products", len(pairs))}
        from added group by activity_date, variant
    """


def _daily(column: str) -> str:
    return "order_count > 0" if column == "is_converted" else quote_name(column)


def _running(column: str) -> str:
    """Return SQL of a unit's total so far; a flag that was once set stays set."""
    return f"max({quote_name(column)})" if column == "is_converted" else f"sum({quote_name(column)})"


def _list_sums(name: str, size: int) -> str:
    return "[" + ", ".join(f"sum({name}[{index}])" for index in range(1, size + 1)) + "]"
