"""The read-out as it stood at the end of each day, without going through the units once for each of them.

A unit's totals grow from day to day. Where they go from X to X + x on a day, the sum over units of X^2 grows by
2 X x + x^2, and that of a product X Y by X y + x Y + x y; days on which a unit does nothing add nothing. So one pass over
the days on which units did something, with a running sum per unit, gives what each day adds to every sum, and running
totals of those are the sums at the end of each day.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from operator import add
from typing import TYPE_CHECKING

from shopwright.core.sql import quote_name, quote_text
from shopwright.experiments.comparison import compare_metric
from shopwright.experiments.statistics import Moments, adjust, always_valid, running_minimum
from shopwright.metrics import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import duckdb

    from shopwright.experiments.statistics import Estimate
    from shopwright.metrics import Metric
    from shopwright.settings import ExperimentDefinition

DAYS = "silver.int_experiment_unit_days"
KEYS = "silver.int_experiment_units"
UNITS = "gold.fct_experiment_units"


@dataclass(frozen=True, slots=True)
class DayReading:
    """One metric of one variant as it stood at the end of a day."""

    day: date
    variant: str
    naive: Estimate
    """Fixed horizon: what peeking would have shown, and must not decide."""
    sequential: Estimate
    always_valid_pvalue: float | None
    """The smallest up to this day, which is valid as well."""
    corrected_pvalue: float | None = None
    """That one, corrected for the number of variants: what may decide."""


def read_days(
    connection: duckdb.DuckDBPyConnection,
    experiment: ExperimentDefinition,
    metric: Metric,
    *,
    days: str = DAYS,
    keys: str = KEYS,
    units: str = UNITS,
) -> dict[date, dict[str, Moments]]:
    """Moments of each variant at the end of each day on which a unit came in or did something.

    Raises:
        ValueError: the metric is a quantile, which has no running sums.
    """
    if metric.kind is Kind.QUANTILE:
        raise ValueError(f"{metric.title} is a quantile and has no daily sequence")
    names = list(metric.measures)
    pairs = [(left, right) for place, left in enumerate(names) for right in names[place:]]
    rows = connection.execute(_query(names, pairs, quote_text(experiment.name), days, keys, units)).fetchall()
    found: dict[date, dict[str, Moments]] = {}
    for day, variant, count, sums, products in rows:
        moments = Moments.from_sums(
            int(count),
            dict(zip(names, map(float, sums), strict=True)),
            dict(zip(pairs, map(float, products), strict=True)),
        )
        found.setdefault(day, {})[variant] = moments
    return _accumulated(found, experiment)


def watch(
    experiment: ExperimentDefinition, metric: Metric, by_day: Mapping[date, Mapping[str, Moments]]
) -> list[DayReading]:
    """What each day's look would have said, and what may be believed of it, one variant after the other."""
    readings: list[DayReading] = []
    for variant in tuple(experiment.variants)[1:]:
        naive = {
            day: compare_metric(
                metric, moments[experiment.control], moments[variant], level=1 - experiment.alpha
            )
            for day, moments in by_day.items()
        }
        sequential = {
            day: always_valid(estimate, tuned_for=experiment.sequence_units)
            for day, estimate in naive.items()
        }
        smallest = running_minimum(estimate.pvalue for estimate in sequential.values())
        readings += [
            DayReading(day, variant, naive[day], sequential[day], pvalue)
            for day, pvalue in zip(by_day, smallest, strict=True)
        ]
    return _corrected(readings, experiment)


def at_every_look(
    pvalues: Mapping[str, float | None], experiment: ExperimentDefinition
) -> dict[str, float | None]:
    """Always-valid p-values of one look, corrected for the number of variants as those for a single look are.

    Args:
        pvalues: variant to that of one metric; None where there is no test.
        experiment: its rule of correction.
    """
    corrected = adjust(list(pvalues.values()), correction=experiment.correction)
    return dict(zip(pvalues, corrected, strict=True))


def _corrected(readings: Sequence[DayReading], experiment: ExperimentDefinition) -> list[DayReading]:
    by_day: dict[date, dict[str, float | None]] = {}
    for reading in readings:
        by_day.setdefault(reading.day, {})[reading.variant] = reading.always_valid_pvalue
    corrected = {day: at_every_look(pvalues, experiment) for day, pvalues in by_day.items()}
    return [
        replace(reading, corrected_pvalue=corrected[reading.day][reading.variant]) for reading in readings
    ]


def _accumulated(
    found: Mapping[date, Mapping[str, Moments]], experiment: ExperimentDefinition
) -> dict[date, dict[str, Moments]]:
    if not found:
        return {}
    sample = next(iter(next(iter(found.values())).values()))
    nothing = Moments.of_nothing(sample.names)
    ordered = sorted(found)
    running = {
        variant: list(accumulate((found[day].get(variant, nothing) for day in ordered), add))
        for variant in experiment.variants
    }
    return {day: {name: sums[place] for name, sums in running.items()} for place, day in enumerate(ordered)}


def _query(
    names: Sequence[str], pairs: Sequence[tuple[str, str]], name: str, days: str, keys: str, units: str
) -> str:
    """What each day adds to the units, the sums and the products of each variant."""
    values = ", ".join(f"cast({_daily(column)} as double) as {quote_name(column)}" for column in names)
    totals = ", ".join(
        f"{_running(column)} over by_day as {quote_name('after_' + column)}" for column in names
    )
    none = ", ".join("0.0" for _ in names)
    empty = ", ".join("0.0" for _ in pairs)
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
            inner join {keys} as keys on keys.experiment = {name} and keys.unit_id = units.unit_id
            where units.experiment = {name} and units.variant_count = 1
        ),
        active as (
            select days.unit_key, units.variant, days.activity_date, {values}
            from {days} as days inner join units on days.unit_key = units.unit_key
            where days.experiment = {name}
        ),
        reached as (
            select unit_key, variant, activity_date, {totals} from active
            window by_day as (partition by unit_key order by activity_date)
        ),
        steps as (
            select variant, activity_date, {", ".join(f"after_{column}" for column in names)}, {before} from reached
            window by_day as (partition by unit_key order by activity_date)
        ),
        added as (
            select activity_date, variant, 0 as unit_count, [{sums}] as sums, [{products}] as products
            from steps group by activity_date, variant
            union all
            select exposed_date, variant, count(*), [{none}], [{empty}] from units group by exposed_date, variant
        )
        select activity_date, variant, sum(unit_count), {_summed("sums", len(names))}, {_summed("products", len(pairs))}
        from added group by activity_date, variant
    """


def _daily(column: str) -> str:
    return "order_count > 0" if column == "is_converted" else quote_name(column)


def _running(column: str) -> str:
    """A unit's total so far; a flag stays what it has become."""
    return f"max({quote_name(column)})" if column == "is_converted" else f"sum({quote_name(column)})"


def _summed(name: str, size: int) -> str:
    return "[" + ", ".join(f"sum({name}[{place}])" for place in range(1, size + 1)) + "]"
