"""The same estimates from one row a user, written down a second time: pandas holds the rows, scipy tests them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from benchmarks.experiments.units import EXPERIMENT
from shopwright.metrics import MEASURES, METRICS, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    import pandas as pd
    from numpy.typing import NDArray

    from shopwright.metrics import Metric

    Values = NDArray[np.float64]
    Columns = dict[str, Values]

LEVEL = 0.95
Z = float(stats.norm.ppf(0.5 + LEVEL / 2))


def compare_rows(connection: duckdb.DuckDBPyConnection, units: str) -> dict[str, float]:
    """Every metric of every variant against the control, plain and with a covariate where there is one."""
    measures = dict.fromkeys(name for metric in METRICS.values() for name in metric.measures)
    names = [*measures, *filter(None, (MEASURES[name].before for name in measures))]
    asked = ", ".join(f"cast({name} as double) as {name}" for name in names)
    frame = connection.execute(
        f"select variant, {asked} from {units} where experiment = '{EXPERIMENT.name}' and variant_count = 1"
    ).df()
    everyone = _columns(frame)
    arms = {str(variant): _columns(rows) for variant, rows in frame.groupby("variant", sort=False)}
    found: dict[str, float] = {}
    for metric in METRICS.values():
        for variant in tuple(EXPERIMENT.variants)[1:]:
            pair = arms[EXPERIMENT.control], arms[variant]
            for kind, told in _judged(metric, pair, everyone).items():
                found |= {f"{metric.name}/{variant}/{kind}/{name}": value for name, value in told.items()}
    return found


def _columns(frame: pd.DataFrame) -> Columns:
    return {str(name): frame[name].to_numpy() for name in frame.columns if name != "variant"}


def _judged(metric: Metric, pair: tuple[Columns, Columns], everyone: Columns) -> dict[str, dict[str, float]]:
    before = [MEASURES[name].before for name in metric.measures]
    if metric.kind is Kind.QUANTILE:
        return {"plain": _quantiles(*(columns[metric.numerator] for columns in pair), at=metric.quantile)}
    if metric.kind is Kind.PROPORTION:
        plain = _shares(*(columns[metric.numerator] for columns in pair))
    else:
        plain = _welch(*(_draws(columns, metric.measures) for columns in pair))
    if not all(before):
        return {"plain": plain}
    metric_of_all, covariate_of_all = _draws(everyone, metric.measures), _draws(everyone, before)
    (_, covariance), (_, variance) = np.cov(metric_of_all, covariate_of_all)
    middle = covariate_of_all.mean()
    adjusted = (
        _draws(columns, metric.measures) - covariance / variance * (_draws(columns, before) - middle)
        for columns in pair
    )
    return {"plain": plain, "cuped": _welch(*adjusted)}


def _draws(columns: Columns, names: Sequence[str]) -> Values:
    """One value a user whose mean is the mean or the ratio, and whose variance is that of it times the users."""
    if len(names) == 1:
        return columns[names[0]]
    above, below = (columns[name] for name in names)
    ratio = above.mean() / below.mean()
    drawn: Values = ratio + (above - ratio * below) / below.mean()
    return drawn


def _welch(control: Values, treatment: Values) -> dict[str, float]:
    test = stats.ttest_ind(treatment, control, equal_var=False)
    interval = test.confidence_interval(LEVEL)
    return {
        "control": float(control.mean()),
        "treatment": float(treatment.mean()),
        "change": float(treatment.mean() - control.mean()),
        "lower": float(interval.low),
        "upper": float(interval.high),
        "p": float(test.pvalue),
    }


def _shares(control: Values, treatment: Values) -> dict[str, float]:
    """The test pools the variance, the interval does not."""
    one, two = float(control.mean()), float(treatment.mean())
    pooled = float(np.concatenate([control, treatment]).mean())
    null_error = math.sqrt(pooled * (1 - pooled) * (1 / len(control) + 1 / len(treatment)))
    error = math.sqrt(one * (1 - one) / len(control) + two * (1 - two) / len(treatment))
    return _normal(one, two, error, null_error)


def _quantiles(control: Values, treatment: Values, *, at: float) -> dict[str, float]:
    """By the order statistics that bound the quantile."""
    values, errors = [], []
    for given in (control, treatment):
        known = given[~np.isnan(given)]
        half = Z * math.sqrt(at * (1 - at) / len(known))
        lower, value, upper = np.quantile(known, [at - half, at, at + half])
        values.append(float(value))
        errors.append(float(upper - lower) / (2 * Z))
    error = math.hypot(*errors)
    return _normal(values[0], values[1], error, error)


def _normal(control: float, treatment: float, error: float, null_error: float) -> dict[str, float]:
    change = treatment - control
    return {
        "control": control,
        "treatment": treatment,
        "change": change,
        "lower": change - Z * error,
        "upper": change + Z * error,
        "p": float(2 * stats.norm.sf(abs(change) / null_error)),
    }
