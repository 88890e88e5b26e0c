"""Charts of an experiment report, for any number of variants."""

from __future__ import annotations

from itertools import chain, cycle
from typing import TYPE_CHECKING, Any

from plotly import graph_objects as plots
from plotly.subplots import make_subplots

from shopwright.experiments.messages import format_change

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shopwright.experiments.analysis import Analysis, MetricResult
    from shopwright.experiments.result import ExperimentResult
    from shopwright.experiments.statistics import Effect

BETTER, WORSE, OPEN, INK, PALE = "#1a7f5a", "#b3372f", "#5b6b7f", "#1d2733", "#b8c2cc"
CONTROL = "#8d99a8"
LINE, BAND = "#2f6db3", "rgba(47, 109, 179, 0.18)"
COLORS = ("#2f6db3", "#c06a17", "#6a4fa3", "#2b8a83", "#a3415f", "#6b7a1f", "#444c56")
PATTERNS = ("", "/", ".", "x", "-", "|", "+")
"""Each round of the colors has another pattern: 7 by 7 treatments before two look alike."""
STEPS = ("units", "viewed a product", "added to cart", "began checkout", "purchased")
PANEL_HEIGHT = 230
"""Height of one treatment's panel, in pixels."""
MAX_LABELED_VARIANTS = 4
"""Variants in the funnel up to which each bar has room for a number."""
COMPACT_ROWS = 60
"""Number of rows from which on rows are drawn closer together."""


def effects_chart(metric_results: Sequence[MetricResult]) -> plots.Figure:
    """Draw the relative change of each metric and variant, with its fixed-horizon and its always-valid interval."""
    rows = [result for result in reversed(metric_results) if result.estimate.relative is not None]
    chart = plots.Figure()
    for name, width in (("always-valid interval", 2), ("fixed-horizon interval", 7)):
        _legend_entry(chart, name, {"width": width, "color": PALE if width == 2 else OPEN})
        for index, result in enumerate(rows):
            effect = (result.sequential if width == 2 else result.estimate).relative
            if effect is not None and effect.interval is not None:
                chart.add_scatter(
                    x=[effect.interval.lower, effect.interval.upper],
                    y=[index, index],
                    mode="lines",
                    line={"width": width, "color": PALE if width == 2 else _color(result, effect)},
                    legendgroup=name,
                    showlegend=False,
                    hoverinfo="skip",
                )
    changes = [result.estimate.relative for result in rows if result.estimate.relative]
    chart.add_scatter(
        x=[effect.value for effect in changes],
        y=list(range(len(changes))),
        mode="markers",
        marker={"color": INK, "size": 9},
        showlegend=False,
        hovertext=[format_change(effect) for effect in changes],
        hoverinfo="text",
    )
    labels = [f"{result.metric.title} ({result.variant})" for result in rows]
    _set_rows(chart, labels, height=44)
    chart.update_xaxes(range=_symmetric_range(rows))
    return chart


def daily_chart(result: ExperimentResult) -> plots.Figure:
    """Draw the primary metric's change at the end of each day, with its always-valid interval."""
    chart = _panels(result.analysis.treatments)
    _legend_entry(chart, "change so far", {"color": LINE})
    _legend_entry(chart, "always-valid interval", {"color": BAND, "width": 10})
    for row, variant in enumerate(result.analysis.treatments, start=1):
        days = [day for day in result.days if day.variant == variant and day.sequential.relative is not None]
        bands = [
            (day.day, day.sequential.relative.interval)
            for day in days
            if day.sequential.relative and day.sequential.relative.interval
        ]
        chart.add_scatter(
            x=[day for day, _ in bands] + [day for day, _ in reversed(bands)],
            y=[band.upper for _, band in bands] + [band.lower for _, band in reversed(bands)],
            fill="toself",
            fillcolor=BAND,
            line={"width": 0},
            hoverinfo="skip",
            name=f"{variant}: always-valid interval",
            showlegend=False,
            row=row,
            col=1,
        )
        chart.add_scatter(
            x=[day.day for day in days],
            y=[day.naive.relative.value if day.naive.relative else None for day in days],
            mode="lines+markers",
            line={"color": LINE},
            marker={"size": 5},
            name=variant,
            showlegend=False,
            row=row,
            col=1,
        )
    # the intervals of the first days are so wide that they would flatten all others
    dates = sorted({day.day for day in result.days})
    later_effects = [day.sequential.relative for day in result.days if day.day >= dates[len(dates) // 4]]
    return _scale_changes(chart, [effect for effect in later_effects if effect])


def cohorts_chart(analysis: Analysis) -> plots.Figure:
    """Draw the primary metric's change by day of exposure, and the change over all units."""
    chart = _panels(analysis.treatments)
    _legend_entry(chart, "units exposed on one day", {"color": LINE})
    _legend_entry(chart, "all units", {"color": OPEN, "dash": "dash"})
    for row, variant in enumerate(analysis.treatments, start=1):
        days = [(cohort.day, cohort.effect) for cohort in analysis.cohorts if cohort.variant == variant]
        points = [(day, effect) for day, effect in days if effect is not None]
        overall = analysis.metric_result(analysis.experiment.primary_metric, variant).plain.relative
        if overall is not None:
            chart.add_hline(y=overall.value, line={"color": OPEN, "dash": "dash"}, row=row, col=1)
        chart.add_scatter(
            x=[day for day, _ in points],
            y=[effect.value for _, effect in points],
            mode="markers",
            marker={"color": LINE, "size": 8},
            error_y=_error_bars((effect for _, effect in points), LINE),
            hovertext=[f"{day}: {format_change(effect)}" for day, effect in points],
            hoverinfo="text",
            name=variant,
            showlegend=False,
            row=row,
            col=1,
        )
    return _scale_changes(chart, [cohort.effect for cohort in analysis.cohorts if cohort.effect])


def segments_chart(analysis: Analysis) -> plots.Figure:
    """Draw the primary metric's change within each segment."""
    rows = [
        (segment, segment.estimate.relative)
        for segment in reversed(analysis.segments)
        if segment.estimate.relative is not None
    ]
    chart = plots.Figure(
        plots.Scatter(
            x=[effect.value for _, effect in rows],
            y=list(range(len(rows))),
            mode="markers",
            marker={"color": INK, "size": 8},
            error_x=_error_bars((effect for _, effect in rows), OPEN),
            hovertext=[format_change(effect) for _, effect in rows],
            hoverinfo="text",
        )
    )
    has_several = len(analysis.treatments) > 1
    labels = [
        f"{segment.dimension} = {segment.value}" + (f" ({segment.variant})" if has_several else "")
        for segment, _ in rows
    ]
    _set_rows(chart, labels, height=28 if len(labels) < COMPACT_ROWS else 18)
    return chart


def funnel_chart(analysis: Analysis) -> plots.Figure:
    """Draw the share of each variant's units that got to each step; steps without any unit are left out."""
    chart = plots.Figure()
    counts = analysis.funnel
    steps = [index for index in range(len(STEPS) - 1) if any(units[index] for units in counts.values())]
    names = [STEPS[0], *(STEPS[index + 1] for index in steps)]
    styles = ((color, pattern) for pattern in cycle(PATTERNS) for color in COLORS)
    for variant, (color, pattern) in zip(counts, chain([(CONTROL, "")], styles), strict=False):
        units = analysis.units[variant]
        shares = [1.0, *(counts[variant][step] / units for step in steps)] if units else []
        chart.add_bar(
            x=names,
            y=shares,
            name=variant,
            marker={"color": color, "pattern": {"shape": pattern}},
            text=[f"{share:.1%}" for share in shares] if len(counts) <= MAX_LABELED_VARIANTS else None,
            textangle=0,
            hovertemplate="%{x}: %{y:.2%}",
        )
    chart.update_yaxes(tickformat=".0%")
    return _styled(chart, height=360)


def _panels(variants: Sequence[str]) -> plots.Figure:
    """Return one panel per treatment, one below the other, so that any number of them is legible."""
    count = len(variants)
    height = 90 + PANEL_HEIGHT * count
    chart = make_subplots(
        rows=count,
        cols=1,
        shared_xaxes=True,
        subplot_titles=variants if count > 1 else None,
        vertical_spacing=min(38 / height, 1 / count),
    )
    return _styled(chart, height=height if count > 1 else 380)


def _scale_changes(chart: plots.Figure, effects: Sequence[Effect]) -> plots.Figure:
    """Set the vertical axes of relative changes, the same in all panels."""
    chart.add_hline(y=0, line={"color": INK, "width": 1})
    chart.update_yaxes(tickformat="+.1%", range=_value_range(effects))
    # stated, since the lines that only make a legend entry have no dates to infer it from
    chart.update_xaxes(type="date", tickformat="%-d %b %Y")
    return chart


def _value_range(effects: Sequence[Effect]) -> list[float] | None:
    """Return a range with every value and most intervals: the few widest would flatten all others."""
    intervals = [effect.interval for effect in effects if effect.interval]
    if not intervals:
        return None
    lower = sorted(interval.lower for interval in intervals)[len(intervals) // 10]
    upper = sorted(interval.upper for interval in intervals)[-1 - len(intervals) // 10]
    values = [0.0, *(effect.value for effect in effects if effect.interval)]
    low, high = min(lower, *values), max(upper, *values)
    return [low - 0.05 * (high - low), high + 0.05 * (high - low)]


def _symmetric_range(metric_results: Sequence[MetricResult]) -> list[float] | None:
    """Return the horizontal range of the informative intervals; one as wide as the metric itself would flatten them."""
    effects = [
        estimate.relative for result in metric_results for estimate in (result.estimate, result.sequential)
    ]
    intervals = [effect.interval for effect in effects if effect and effect.interval]
    extents = [
        max(-interval.lower, interval.upper) for interval in intervals if interval.upper - interval.lower < 1
    ]
    return [-1.1 * max(extents), 1.1 * max(extents)] if extents else None


def _set_rows(chart: plots.Figure, labels: Sequence[str], *, height: int) -> None:
    """Lay out changes from left to right in labeled rows of a height in pixels."""
    chart.update_yaxes(
        tickvals=list(range(len(labels))), ticktext=labels, automargin=True, range=[-0.7, len(labels) - 0.3]
    )
    _styled(chart, height=140 + height * len(labels))
    chart.update_xaxes(tickformat="+.1%", title="relative change", zeroline=True, zerolinecolor=INK)


def _legend_entry(chart: plots.Figure, name: str, line: dict[str, Any]) -> None:
    """Add a legend entry that stands for many lines."""
    chart.add_scatter(x=[None], y=[None], mode="lines", line=line, name=name, legendgroup=name)


def _styled(chart: plots.Figure, *, height: int) -> plots.Figure:
    chart.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 10, "r": 10, "t": 60, "b": 40},
        legend={"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"},
        font={"family": "system-ui, sans-serif", "color": INK},
    )
    return chart


def _error_bars(effects: Iterable[Effect], color: str) -> dict[str, Any]:
    halves = [(effect.interval.upper - effect.value) if effect.interval else 0 for effect in effects]
    return {"type": "data", "array": halves, "color": color, "thickness": 2, "width": 0}


def _color(result: MetricResult, effect: Effect) -> str:
    if effect.interval is None or effect.interval.lower <= 0 <= effect.interval.upper:
        return OPEN
    return BETTER if (effect.value > 0) == (result.metric.better == "higher") else WORSE
