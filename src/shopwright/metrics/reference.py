"""The metrics as one Markdown page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.core.markdown import format_table
from shopwright.metrics.definitions import MEASURES, METRICS, Kind

if TYPE_CHECKING:
    from shopwright.metrics.definitions import Measure, Metric

_INTRODUCTION = """\
# Metrics

<!-- Written by `make docs` from shopwright.metrics; edit there. -->

What an experiment can name as its primary metric, secondary metrics and guardrails. A unit is a user or a session, as the
experiment says. A metric is computed from measures, which are columns of `gold.fct_experiment_units`. A metric over nothing
is undefined (null), never 0. Numbers on pages and in reports that do not depend on an experiment are in
[reports](reports.md)."""


def render() -> str:
    """Write the page.

    Returns:
        Markdown, ending in a newline: the metrics with formula, unit and direction, then the measures.
    """
    metrics = format_table(
        ("metric", "meaning", "formula", "unit", "better", "can be capped"),
        [_metric_cells(metric) for metric in METRICS.values()],
    )
    measures = format_table(
        ("measure", "meaning", "before the experiment"),
        [_measure_cells(measure) for measure in MEASURES.values()],
    )
    sections = [
        _INTRODUCTION,
        "## Metrics",
        metrics,
        "Capped: a unit's numerator is capped at the experiment's `winsorize` quantile.",
        "## Measures",
        measures,
    ]
    return "\n\n".join(sections) + "\n"


def _metric_cells(metric: Metric) -> tuple[str, ...]:
    cells = (f"`{metric.name}`", metric.meaning, _formula(metric), metric.unit, metric.better)
    return (*cells, "yes" if metric.is_capped else "")


def _measure_cells(measure: Measure) -> tuple[str, ...]:
    return (f"`{measure.name}`", measure.meaning, f"`{measure.pre_period}`" if measure.pre_period else "")


def _formula(metric: Metric) -> str:
    if metric.kind is Kind.RATIO:
        return f"sum of `{metric.numerator}` / sum of `{metric.denominator}`"
    if metric.kind is Kind.QUANTILE:
        return f"quantile {metric.quantile} of `{metric.numerator}` over the units that have it"
    return f"sum of `{metric.numerator}` / units"
