"""What the units of an experiment did, as additive aggregates: one scan of ``fct_experiment_units``.

The scan groups by variant and, at the same time, by each dimension of interest (grouping sets), and sums every measure and
every product that a metric needs. Units seen in two variants are left out of the groups and counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shopwright.core.sql import quote_name, quote_text
from shopwright.experiments.statistics import Moments, QuantileSummary, quantile_positions
from shopwright.metrics import MEASURES, METRICS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    import duckdb

    from shopwright.metrics import Metric
    from shopwright.settings import ExperimentDefinition

UNITS = "gold.fct_experiment_units"
DIMENSIONS = ("device", "channel", "country", "is_new")
"""Columns of the units by which a read-out is looked at too."""
COHORT = "exposed_date"
"""Column of the days on which units came in; a dimension too."""
STEPS = ("has_view", "has_cart", "has_checkout", "has_purchase")
"""Steps of the funnel, as flags of the units."""
CAPPED = "capped_"
"""Begins the name of a measure that is cut to its cap; other metrics may need the same measure as it is."""

Group = tuple[str, str, str]
"""Dimension, its value and the variant; the first two are empty for all units of a variant."""


@dataclass(frozen=True, slots=True)
class Aggregates:
    """All that a read-out needs to know of an experiment's units."""

    moments: Mapping[Group, Moments]
    """Of units seen in one variant only."""
    steps: Mapping[str, tuple[int, ...]]
    """Variant to units at each step of the funnel."""
    quantiles: Mapping[tuple[str, str], QuantileSummary]
    """Metric and variant to its three order statistics."""
    caps: Mapping[str, float]
    """Summed column to the value that units are cut to; columns that are not cut have none."""
    mixed: int
    """Units seen in more than one variant."""
    last_exposed: date | None
    """The shop's date on which the last unit came in; None without units."""
    days: int
    """Dates from the first unit to the last, both counted."""

    def of(self, variant: str, dimension: str = "", value: str = "") -> Moments | None:
        """Moments of a variant, or of its units with one value of a dimension; None without such units."""
        return self.moments.get((dimension, value, variant))


def read_aggregates(
    connection: duckdb.DuckDBPyConnection,
    experiment: ExperimentDefinition,
    *,
    metrics: Sequence[Metric] | None = None,
    dimensions: Sequence[str] = DIMENSIONS,
    units: str = UNITS,
) -> Aggregates:
    """Sum what the units did.

    Args:
        connection: to a warehouse with ``fct_experiment_units``.
        experiment: which one, its winsorisation, and the metrics if none are given.
        metrics: whose measures are summed.
        dimensions: columns to group by, one after the other.
        units: table of the units.
    """
    asked = metrics if metrics is not None else [METRICS[name] for name in experiment.metrics]
    chosen = [summed(metric, experiment) for metric in asked]
    columns = columns_of(chosen, experiment)
    everyone = f"{units} where experiment = {quote_text(experiment.name)}"
    counted = f"{everyone} and variant_count = 1"
    caps = read_caps(connection, experiment, columns, units)
    pairs = pairs_of(chosen, columns)
    rows = connection.execute(_query(columns, pairs, caps, dimensions, everyone)).fetchall()
    found = [_Row(row, columns, pairs, dimensions) for row in rows]
    whole = [row for row in found if row.group is not None]
    return Aggregates(
        moments={row.group: row.moments for row in whole if row.group},
        steps={row.group[2]: row.steps for row in whole if row.group and not row.group[0]},
        quantiles=_quantiles(connection, chosen, counted),
        caps=caps,
        mixed=sum(row.count for row in found if row.group is None and row.is_whole),
        **_span(found),
    )


def summed(metric: Metric, experiment: ExperimentDefinition) -> Metric:
    """The metric over the columns that are summed for it: cut to their caps where it and the experiment say so.

    Of a ratio only the numerator is cut. The denominator counts what the ratio is per, and has to stay the same units
    of it: with a cap of its own, revenue per order would be cut revenue over some of the orders.
    """
    if not metric.is_capped or experiment.winsorize is None:
        return metric
    return replace(metric, numerator=CAPPED + metric.numerator)


def before_of(column: str) -> str:
    """The summed column of the same measure before the experiment; empty where there is none."""
    measure = column.removeprefix(CAPPED)
    before = MEASURES[measure].before
    return column.removesuffix(measure) + before if before else ""


def columns_of(metrics: Iterable[Metric], experiment: ExperimentDefinition) -> list[str]:
    """The columns that are summed for metrics (as ``summed`` gives them), each once."""
    has_history = experiment.pre_period_days > 0 and experiment.unit == "user"
    names = ["is_converted"]
    for metric in metrics:
        if metric.kind is not Kind.QUANTILE:
            names.extend(metric.measures)
            if has_history:
                names.extend(before for name in metric.measures if (before := before_of(name)))
    return list(dict.fromkeys(names))


def pairs_of(metrics: Iterable[Metric], columns: Sequence[str]) -> list[tuple[str, str]]:
    """The products that are summed: of all columns that one metric brings together, and each square."""
    found = {(name, name): None for name in columns}
    for metric in metrics:
        together = [name for name in metric.measures if name in columns]
        together += [before for name in together if (before := before_of(name)) in columns]
        for place, left in enumerate(together):
            for right in together[place:]:
                found.setdefault((right, left) if (right, left) in found else (left, right))
    return list(found)


def read_caps(
    connection: duckdb.DuckDBPyConnection,
    experiment: ExperimentDefinition,
    columns: Sequence[str],
    units: str = UNITS,
) -> dict[str, float]:
    """Look up what units are cut to (winsorisation), the same for all variants and for the time before.

    The quantile is that of the units that have any: with all units in it, the cap of a shop of which fewer buy than the
    quantile leaves over would be 0, and nothing of the metric would be left. One scan, or none where nothing is cut.

    Args:
        connection: to a warehouse with the units.
        experiment: which one, and its quantile.
        columns: as ``columns_of`` gives them.
        units: table of the units.

    Returns:
        Each column that is cut to its cap, in the column's unit; none where no unit has any, since then there is
        nothing to cut.
    """
    cut = {
        name: name.removeprefix(CAPPED).removeprefix("pre_") for name in columns if name.startswith(CAPPED)
    }
    measures = list(dict.fromkeys(cut.values()))
    if experiment.winsorize is None or not measures:
        return {}
    asked = ", ".join(
        f"quantile_cont(cast({quote_name(name)} as double), {experiment.winsorize}) "
        f"filter (where {quote_name(name)} > 0)"
        for name in measures
    )
    row = connection.execute(
        f"select {asked} from {units} where experiment = {quote_text(experiment.name)} and variant_count = 1"
    ).fetchone()
    caps = dict(zip(measures, row or (), strict=False))
    return {name: float(caps[measure]) for name, measure in cut.items() if caps.get(measure) is not None}


def _query(
    columns: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    caps: Mapping[str, float],
    dimensions: Sequence[str],
    units: str,
) -> str:
    """One scan: each column once as a double, then sums by variant and by each dimension."""
    values = ", ".join(f"{_value(name, caps)} as {quote_name(name)}" for name in columns)
    sums = ", ".join(f"sum({quote_name(name)})" for name in columns)
    products = ", ".join(f"sum({quote_name(left)} * {quote_name(right)})" for left, right in pairs)
    texts = "".join(f", {text_of(name)} as {quote_name(name)}" for name in dimensions)
    names = "".join(f", {quote_name(name)}" for name in dimensions)
    sets = ", ".join(["(variant)", *(f"(variant, {quote_name(name)})" for name in dimensions)])
    reached = ", ".join(f"count(case when {step} then 1 end)" for step in STEPS)
    ids = ", ".join(["grouping(variant)", *(f"grouping({quote_name(name)})" for name in dimensions)])
    return f"""
        select variant{names}, [{ids}], count(*), [{sums}], [{products}], [{reached}],
            min(exposed_on), max(exposed_on)
        from (
            select case when variant_count = 1 then variant end as variant{texts},
                exposed_date as exposed_on, {", ".join(STEPS)}, {values}
            from {units}
        )
        group by grouping sets ({sets})
    """


def text_of(dimension: str) -> str:
    """SQL of a dimension as text; units that state none are one group with those of which it is said so."""
    return f"coalesce(cast({quote_name(dimension)} as varchar), '(unknown)')"


def _value(column: str, caps: Mapping[str, float]) -> str:
    value = f"cast({quote_name(column.removeprefix(CAPPED))} as double)"
    cap = caps.get(column)
    # least() would make the cap of a null.
    return value if cap is None else f"case when {value} > {cap!r} then {cap!r} else {value} end"


class _Row:
    """One group of the scan."""

    def __init__(
        self,
        row: tuple[Any, ...],
        columns: Sequence[str],
        pairs: Sequence[tuple[str, str]],
        dimensions: Sequence[str],
    ) -> None:
        variant, *values = row[: 1 + len(dimensions)]
        grouped, count, sums, products, steps, first, last = row[1 + len(dimensions) :]
        self.count, self.first, self.last = int(count), first, last
        self.steps = tuple(int(step) for step in steps)
        self.moments = Moments.from_sums(
            self.count,
            {name: float(value or 0) for name, value in zip(columns, sums, strict=True)},
            {pair: float(value or 0) for pair, value in zip(pairs, products, strict=True)},
        )
        self.group = _group(variant, dimensions, values, grouped[1:])
        self.is_whole = all(grouped[1:])


def _group(
    variant: str | None, dimensions: Sequence[str], values: Sequence[str | None], grouped: Sequence[int]
) -> Group | None:
    if variant is None:
        return None
    for name, value, is_merged in zip(dimensions, values, grouped, strict=True):
        if not is_merged:
            return name, str(value), variant
    return "", "", variant


def _span(rows: Sequence[_Row]) -> dict[str, Any]:
    seen = [row for row in rows if row.is_whole and row.first is not None]
    if not seen:
        return {"last_exposed": None, "days": 0}
    first, last = min(row.first for row in seen), max(row.last for row in seen)
    return {"last_exposed": last, "days": (last - first).days + 1}


def _quantiles(
    connection: duckdb.DuckDBPyConnection, metrics: Iterable[Metric], units: str
) -> dict[tuple[str, str], QuantileSummary]:
    """Three order statistics of each quantile metric and variant; only units that have the measure are read."""
    found: dict[tuple[str, str], QuantileSummary] = {}
    for metric in metrics:
        if metric.kind is Kind.QUANTILE:
            value = quote_name(metric.numerator)
            summaries = _summaries(connection, value, f"{units} and {value} is not null", metric.quantile)
            found.update({(metric.name, variant): summary for variant, summary in summaries.items()})
    return found


def _summaries(
    connection: duckdb.DuckDBPyConnection, value: str, having: str, quantile: float
) -> dict[str, QuantileSummary]:
    """Variant to its order statistics: one scan to count, one to look them up."""
    counts = dict(connection.execute(f"select variant, count(*) from {having} group by variant").fetchall())
    places = {name: quantile_positions(count, quantile=quantile) for name, count in counts.items()}
    asked = {
        name: [place.lower, place.quantile, place.upper] if place else [quantile, quantile, quantile]
        for name, place in places.items()
    }
    looked_up = ", ".join(
        f"quantile_cont(cast({value} as double), {where!r}) filter (where variant = {quote_text(name)})"
        for name, where in asked.items()
    )
    row = connection.execute(f"select {looked_up} from {having}").fetchone() if asked else None
    return {
        name: QuantileSummary(counts[name], low, middle, high)
        if places[name]
        else QuantileSummary(counts[name], None, middle, None)
        for name, (low, middle, high) in zip(asked, row or (), strict=True)
    }
