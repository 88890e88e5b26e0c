"""Three ways to the same figures, each run as a process of its own: ``python -m benchmarks.experiments.sides NAME DATABASE``.

Each prints one JSON document: the seconds its work took, without starting Python and importing, and its figures.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import duckdb

from benchmarks.experiments.units import EXPERIMENT
from shopwright.metrics import MEASURES, METRICS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from shopwright.experiments.statistics import Estimate

UNITS = "gold.fct_experiment_units"
THREADS = 2
TREATMENTS = tuple(EXPERIMENT.variants)[1:]
Figures = dict[str, float]
"""``metric/variant/plain or cuped/figure`` to its value."""


@dataclass(frozen=True, slots=True)
class Side:
    """One way: what is imported before the clock starts, and the work."""

    prepare: Callable[[], None]
    work: Callable[[str], Any]
    figures: Callable[[Any], Figures]


def connected(file: str) -> duckdb.DuckDBPyConnection:
    """The database, to be read with the threads that everybody gets."""
    return duckdb.connect(file, read_only=True, config={"threads": THREADS})


def key(metric: str, variant: str, kind: str, figure: str) -> str:
    """The name under which a figure is compared."""
    return f"{metric}/{variant}/{kind}/{figure}"


# --- ours -------------------------------------------------------------------------------------------------


def _import_ours() -> None:
    import shopwright.experiments.aggregates  # noqa: PLC0415
    import shopwright.experiments.analysis  # noqa: F401, PLC0415


def _ours(file: str, dimensions: tuple[str, ...]) -> Any:
    from shopwright.experiments.aggregates import read_aggregates  # noqa: PLC0415
    from shopwright.experiments.analysis import analyze  # noqa: PLC0415

    with connected(file) as connection:
        return analyze(EXPERIMENT, read_aggregates(connection, EXPERIMENT, dimensions=dimensions))


def _whole(file: str) -> Any:
    """All that a read-out says of metrics: segments and the effect by day too."""
    from shopwright.experiments.aggregates import DIMENSIONS  # noqa: PLC0415

    return _ours(file, (*DIMENSIONS, "exposed_date"))


def _metrics(file: str) -> Any:
    """The metrics alone, as the others compute them."""
    return _ours(file, ())


def _our_figures(analysis: Any) -> Figures:
    figures: Figures = {}
    for result in analysis.metric_results:
        for kind, estimate in (("plain", result.plain), ("cuped", result.adjusted)):
            if estimate is not None:
                values = _estimate_figures(estimate)
                figures |= {
                    key(result.metric.name, result.variant, kind, name): values[name] for name in values
                }
    return figures


def _estimate_figures(estimate: Estimate) -> Figures:
    effect = estimate.absolute
    if effect is None or effect.interval is None or effect.pvalue is None:
        raise SystemExit(f"an estimate without figures: {estimate}")
    values = estimate.adjustment or estimate
    return {
        "control": values.control or 0.0,
        "treatment": values.treatment or 0.0,
        "change": effect.value,
        "lower": effect.interval.lower,
        "upper": effect.interval.upper,
        "p": effect.pvalue,
    }


# --- rows of users in pandas, tests by scipy --------------------------------------------------------------


def _import_pandas() -> None:
    import pandas as pd  # noqa: F401, PLC0415

    import benchmarks.experiments.rows  # noqa: F401, PLC0415


def _rows(file: str) -> Figures:
    from benchmarks.experiments.rows import compare_rows  # noqa: PLC0415

    with connected(file) as connection:
        return compare_rows(connection, UNITS)


# --- tea-tasting alone, through Ibis ----------------------------------------------------------------------


def _import_tea() -> None:
    import ibis  # noqa: PLC0415
    import tea_tasting  # noqa: F401, PLC0415

    ibis.duckdb.connect().disconnect()  # registers the backend, which imports more


def _tea(file: str) -> Any:
    """All metrics but the quantile, of which it has no closed form, plain and with a covariate; one query."""
    import ibis  # noqa: PLC0415
    import tea_tasting  # noqa: PLC0415

    connection = ibis.duckdb.connect(file, read_only=True, threads=THREADS)
    table = connection.table("fct_experiment_units", database="gold")
    table = table.filter(table.experiment == EXPERIMENT.name, table.variant_count == 1)
    amounts = [name for name in table.columns if name.endswith("revenue_amount")]
    table = table.mutate(**{name: table[name].cast("float64") for name in amounts})
    asked: dict[str, Any] = {}
    for metric in METRICS.values():
        if metric.kind is Kind.QUANTILE:
            continue
        before = [MEASURES[name].before for name in metric.measures]
        kinds = {"plain": (None,) * len(before)} | ({"cuped": tuple(before)} if all(before) else {})
        for kind, covariates in kinds.items():
            made = tea_tasting.RatioOfMeans if metric.denominator else tea_tasting.Mean
            asked[f"{metric.name}/{kind}"] = made(*metric.measures, *covariates)
    return tea_tasting.Experiment(asked).analyze(table, control=EXPERIMENT.control, all_variants=True)


def _tea_figures(results: Any) -> Figures:
    """What can be compared: it tests shares by Welch's test, and takes CUPED's slope from two variants, not from all."""
    found: Figures = {}
    for variant in TREATMENTS:
        for name, result in results[EXPERIMENT.control, variant].items():
            metric, kind = name.split("/")
            if kind == "cuped":
                continue
            told = {"control": result.control, "treatment": result.treatment, "change": result.effect_size}
            if METRICS[metric].kind is not Kind.PROPORTION:
                told |= {
                    "lower": result.effect_size_ci_lower,
                    "upper": result.effect_size_ci_upper,
                    "p": result.pvalue,
                }
            found |= {key(metric, variant, kind, figure): float(value) for figure, value in told.items()}
    return found


SIDES = {
    "whole": Side(_import_ours, _whole, _our_figures),
    "metrics": Side(_import_ours, _metrics, _our_figures),
    "tea": Side(_import_tea, _tea, _tea_figures),
    "pandas": Side(_import_pandas, _rows, dict),
}


def main(name: str, file: str) -> None:
    """Do one side's work and print what came of it."""
    side = SIDES[name]
    side.prepare()
    started = perf_counter()
    found = side.work(file)
    seconds = perf_counter() - started
    print(json.dumps({"seconds": seconds, "figures": side.figures(found)}, allow_nan=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
