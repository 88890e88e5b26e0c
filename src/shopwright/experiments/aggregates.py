"""Additive aggregates of an experiment's units: one scan of ``fct_experiment_units``.

The scan groups by variant and, at the same time, by each dimension (grouping sets), and sums every measure and every
product that a metric needs. Units seen in several variants are left out of the groups and counted separately.
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

    from shopwright.core.engine import Connection
    from shopwright.metrics import Metric
    from shopwright.settings import ExperimentDefinition

UNITS = "gold.fct_experiment_units"
DIMENSIONS = ("device", "channel", "country", "is_new")
"""Columns of the units that define segments."""
COHORT = "exposed_date"
"""Column with the day of exposure; a dimension too."""
STEPS = ("has_view", "has_cart", "has_checkout", "has_purchase")
"""Steps of the funnel, as flags of the units."""
CAPPED = "capped_"
"""Prefix of a measure that is capped; other metrics may need the same measure uncapped."""

Group = tuple[str, str, str]
"""Dimension, its value and the variant; the first two are empty for all units of a variant."""


@dataclass(frozen=True, slots=True)
class Aggregates:
    """Everything the analysis needs to know of an experiment's units."""

    moments_by_group: Mapping[Group, Moments]
    """Sums over units seen in one variant only."""
    steps: Mapping[str, tuple[int, ...]]
    """Variant to units at each step of the funnel."""
    quantiles: Mapping[tuple[str, str], QuantileSummary]
    """Metric and variant to its three order statistics."""
    caps: Mapping[str, float]
    """Summed column to the value that units are capped at; uncapped columns have none."""
    mixed: int
    """Units seen in more than one variant."""
    last_exposed: date | None
    """Shop date on which the last unit was exposed; None without units."""
    days: int
    """Dates from the first exposure to the last, both counted."""

    def group(self, variant: str, dimension: str = "", value: str = "") -> Moments | None:
        """Return the sums of a variant, or of its units with one value of a dimension; None without such units."""
        return self.moments_by_group.get((dimension, value, variant))


def read_aggregates(
    connection: Connection,
    experiment: ExperimentDefinition,
    *,
    metrics: Sequence[Metric] | None = None,
    dimensions: Sequence[str] = DIMENSIONS,
    units: str = UNITS,
) -> Aggregates:
    """Read the aggregates of an experiment from the warehouse.

    Args:
        connection: to a warehouse with ``fct_experiment_units``.
        experiment: the experiment, with its winsorization, and its metrics by default.
        metrics: metrics whose measures are summed.
        dimensions: columns to group by, one after the other.
        units: table of the units.
    """
    requested = metrics if metrics is not None else [METRICS[name] for name in experiment.metrics]
    capped = [capped_metric(metric, experiment) for metric in requested]
    columns = summed_columns(capped, experiment)
    all_units = f"{units} where experiment = {quote_text(experiment.name)}"
    unmixed_units = f"{all_units} and variant_count = 1"
    caps = read_caps(connection, experiment, columns, units)
    pairs = summed_products(capped, columns)
    query = _query(columns, pairs, caps, dimensions, all_units)
    rows = [_Row(row, columns, pairs, dimensions) for row in connection.execute(query).fetchall()]
    grouped = [row for row in rows if row.group is not None]
    return Aggregates(
        moments_by_group={row.group: row.sums for row in grouped if row.group},
        steps={row.group[2]: row.steps for row in grouped if row.group and not row.group[0]},
        quantiles=_quantiles(connection, capped, unmixed_units),
        caps=caps,
        mixed=sum(row.count for row in rows if row.group is None and row.is_total),
        **_date_range(rows),
    )


def capped_metric(metric: Metric, experiment: ExperimentDefinition) -> Metric:
    """Return the metric over its capped columns, where the metric and the experiment ask for caps (winsorization).

    Of a ratio only the numerator is capped. The denominator counts what the ratio is per and has to stay the same units:
    with a cap of its own, revenue per order would be capped revenue over only some of the orders.
    """
    if not metric.is_capped or experiment.winsorize is None:
        return metric
    return replace(metric, numerator=CAPPED + metric.numerator)


def pre_period_column(column: str) -> str:
    """Return the column of the same measure in the pre-period; empty where there is none."""
    measure = column.removeprefix(CAPPED)
    pre_period = MEASURES[measure].pre_period
    return column.removesuffix(measure) + pre_period if pre_period else ""


def summed_columns(metrics: Iterable[Metric], experiment: ExperimentDefinition) -> list[str]:
    """Return the columns to sum for metrics (as ``capped_metric`` returns them), each once."""
    has_history = experiment.pre_period_days > 0 and experiment.unit == "user"
    names = ["is_converted"]
    for metric in metrics:
        if metric.kind is not Kind.QUANTILE:
            names.extend(metric.measures)
            if has_history:
                names.extend(column for name in metric.measures if (column := pre_period_column(name)))
    return list(dict.fromkeys(names))


def summed_products(metrics: Iterable[Metric], columns: Sequence[str]) -> list[tuple[str, str]]:
    """Return the products to sum: all pairs of columns that one metric combines, and the square of each column."""
    pairs = {(name, name): None for name in columns}
    for metric in metrics:
        combined = [name for name in metric.measures if name in columns]
        combined += [column for name in combined if (column := pre_period_column(name)) in columns]
        for index, left in enumerate(combined):
            for right in combined[index:]:
                pairs.setdefault((right, left) if (right, left) in pairs else (left, right))
    return list(pairs)


def read_caps(
    connection: Connection,
    experiment: ExperimentDefinition,
    columns: Sequence[str],
    units: str = UNITS,
) -> dict[str, float]:
    """Read the values that units are capped at (winsorization), the same for all variants and for the pre-period.

    The quantile is taken over the units that have any: over all units, the cap would be 0 in a shop where fewer buy than
    the quantile leaves over, and nothing of the metric would remain. One scan, or none without caps.

    Args:
        connection: to a warehouse with the units.
        experiment: the experiment, with the quantile.
        columns: as ``summed_columns`` returns them.
        units: table of the units.

    Returns:
        Each capped column to its cap, in the column's unit; without the columns of which no unit has any.
    """
    measure_by_column = {
        name: name.removeprefix(CAPPED).removeprefix("pre_") for name in columns if name.startswith(CAPPED)
    }
    measures = list(dict.fromkeys(measure_by_column.values()))
    if experiment.winsorize is None or not measures:
        return {}
    quantiles = ", ".join(
        f"quantile_cont(cast({quote_name(name)} as double), {experiment.winsorize}) "
        f"filter (where {quote_name(name)} > 0)"
        for name in measures
    )
    row = connection.execute(
        f"select {quantiles} from {units} where experiment = {quote_text(experiment.name)} and variant_count = 1"
    ).fetchone()
    caps = dict(zip(measures, row or (), strict=False))
    return {
        name: float(caps[measure])
        for name, measure in measure_by_column.items()
        if caps.get(measure) is not None
    }


def _query(
    columns: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    caps: Mapping[str, float],
    dimensions: Sequence[str],
    units: str,
) -> str:
    """Return the query of the one scan: each column once as a double, then sums by variant and by each dimension."""
    values = ", ".join(f"{_value(name, caps)} as {quote_name(name)}" for name in columns)
    sums = ", ".join(f"sum({quote_name(name)})" for name in columns)
    products = ", ".join(f"sum({quote_name(left)} * {quote_name(right)})" for left, right in pairs)
    texts = "".join(f", {dimension_sql(name)} as {quote_name(name)}" for name in dimensions)
    names = "".join(f", {quote_name(name)}" for name in dimensions)
    sets = ", ".join(["(variant)", *(f"(variant, {quote_name(name)})" for name in dimensions)])
    steps = ", ".join(f"count(case when {step} then 1 end)" for step in STEPS)
    ids = ", ".join(["grouping(variant)", *(f"grouping({quote_name(name)})" for name in dimensions)])
    return f"""
        select variant{names}, [{ids}], count(*), [{sums}], [{products}], [{steps}],
            min(exposed_on), max(exposed_on)
        from (
            select case when variant_count = 1 then variant end as variant{texts},
                exposed_date as exposed_on, {", ".join(STEPS)}, {values}
            from {units}
        )
        group by grouping sets ({sets})
    """


def dimension_sql(dimension: str) -> str:
    """Return SQL of a dimension as text; null joins the group '(unknown)'."""
    return f"coalesce(cast({quote_name(dimension)} as varchar), '(unknown)')"


def _value(column: str, caps: Mapping[str, float]) -> str:
    value = f"cast({quote_name(column.removeprefix(CAPPED))} as double)"
    cap = caps.get(column)
    # least() would turn a null into the cap.
    return unknown_as_nan(
        value if cap is None else f"case when {value} > {cap!r} then {cap!r} else {value} end"
    )


def unknown_as_nan(value: str) -> str:
    """Return SQL of a double whose sums are not a number where it is null: a sum without unknown values is no total."""
    return f"coalesce({value}, 'nan'::double)"


class _Row:
    """Group of the scan."""

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
        self.sums = Moments.from_sums(
            self.count,
            dict(zip(columns, map(float, sums), strict=True)),
            dict(zip(pairs, map(float, products), strict=True)),
        )
        self.group = _group(variant, dimensions, values, grouped[1:])
        self.is_total = all(grouped[1:])


def _group(
    variant: str | None, dimensions: Sequence[str], values: Sequence[str | None], grouped: Sequence[int]
) -> Group | None:
    if variant is None:
        return None
    for name, value, is_merged in zip(dimensions, values, grouped, strict=True):
        if not is_merged:
            return name, str(value), variant
    return "", "", variant


def _date_range(rows: Sequence[_Row]) -> dict[str, Any]:
    dated = [row for row in rows if row.is_total and row.first is not None]
    if not dated:
        return {"last_exposed": None, "days": 0}
    first, last = min(row.first for row in dated), max(row.last for row in dated)
    return {"last_exposed": last, "days": (last - first).days + 1}


def _quantiles(
    connection: Connection, metrics: Iterable[Metric], units: str
) -> dict[tuple[str, str], QuantileSummary]:
    """Return three order statistics of each quantile metric and variant, over the units that have the measure."""
    summaries: dict[tuple[str, str], QuantileSummary] = {}
    for metric in metrics:
        if metric.kind is Kind.QUANTILE:
            value = quote_name(metric.numerator)
            by_variant = _summaries(connection, value, f"{units} and {value} is not null", metric.quantile)
            summaries.update({(metric.name, variant): summary for variant, summary in by_variant.items()})
    return summaries


def _summaries(connection: Connection, value: str, units: str, quantile: float) -> dict[str, QuantileSummary]:
    """Return variant to its order statistics: one scan to count, one to look them up."""
    counts = dict(connection.execute(f"select variant, count(*) from {units} group by variant").fetchall())
    positions = {name: quantile_positions(count, quantile=quantile) for name, count in counts.items()}
    levels = {
        name: [position.lower, position.quantile, position.upper] if position else [quantile] * 3
        for name, position in positions.items()
    }
    expressions = ", ".join(
        f"quantile_cont(cast({value} as double), {level!r}) filter (where variant = {quote_text(name)})"
        for name, level in levels.items()
    )
    row = connection.execute(f"select {expressions} from {units}").fetchone() if levels else None
    return {
        name: QuantileSummary(counts[name], low, middle, high)
        if positions[name]
        else QuantileSummary(counts[name], None, middle, None)
        for name, (low, middle, high) in zip(levels, row or (), strict=True)
    }
