"""Charts of models: contributions to a score, and the quality of a version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from shopwright.app.theme import BAD, COLORS, GOOD, HEIGHT, MIDDLE, apply_layout
from shopwright.charts import DECREASE, INCREASE, Waterfall

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shopwright.charts import FeatureImportance, ReliabilityCurve
    from shopwright.registry import Measure

RISK_BAND_COLORS = {"low": GOOD, "medium": MIDDLE, "high": BAD}
_ROW_HEIGHT = 30
"""Of a horizontal bar with its margins, in pixels."""


def draw_waterfall(reasons: Mapping[str, Any], *, session: Mapping[str, Any]) -> go.Figure:
    """Draw how features lead from the average to a score.

    Args:
        reasons: ``base`` and ``contributions`` of the service's response, in log odds before calibration.
        session: features that were sent to the service; all others count as unknown.
    """
    chart = Waterfall.from_explanation(_SessionReasons(reasons["base"], reasons["contributions"], session))
    names = ["average cart", *(bar.label.replace("_", " ") for bar in chart.bars), "this cart"]
    values = [chart.base, *(bar.contribution for bar in chart.bars), chart.end]
    fig = go.Figure(
        go.Waterfall(
            orientation="h", y=names, x=values, measure=["absolute", *("relative" for _ in chart.bars), "total"],
            text=[f"{value:+.2f}" for value in values], textposition="outside", cliponaxis=False,
            increasing={"marker": {"color": INCREASE}}, decreasing={"marker": {"color": DECREASE}},
            totals={"marker": {"color": COLORS[-1]}}, hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )  # fmt: skip
    apply_layout(fig, height=_ROW_HEIGHT * len(names) + 70, has_legend=False)
    fig.update_yaxes(autorange="reversed", automargin=True)
    # 15 % of the width on either side is room for the numbers beside the outermost bars
    low, high = min(0.0, chart.lowest), max(0.0, chart.highest)
    margin = 0.15 * (high - low)
    fig.update_xaxes(
        title="log odds of being abandoned, before calibration",
        range=[low - margin, high + margin],
        automargin=True,
    )
    fig.update_layout(hovermode="closest")
    return fig


@dataclass(frozen=True, slots=True)
class _SessionReasons:
    base: float
    contributions: Mapping[str, float]
    session: Mapping[str, Any]

    @property
    def values(self) -> dict[str, Any]:
        return {name: self.session.get(name) for name in self.contributions}


def draw_risk_bands(counts: Mapping[str, int]) -> go.Figure:
    """Draw the number of rows in each risk band."""
    fig = go.Figure(
        go.Bar(
            x=list(counts.values()), y=list(counts), orientation="h",
            marker={"color": [RISK_BAND_COLORS[band] for band in counts]},
            text=[f"{count:,}" for count in counts.values()], textposition="auto", hovertemplate="%{y}: %{x:,}<extra></extra>",
        )
    )  # fmt: skip
    apply_layout(fig, height=150, has_legend=False)
    fig.update_xaxes(title="rows", rangemode="tozero")
    fig.update_layout(hovermode="closest")
    return fig


def draw_reliability(curve: ReliabilityCurve) -> go.Figure:
    """Draw observed rates with intervals over predicted probabilities."""
    fig = go.Figure()
    fig.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": COLORS[-1], "dash": "dot"}, name=curve.diagonal_label,
        hoverinfo="skip",
    )  # fmt: skip
    fig.add_scatter(
        x=[point.predicted for point in curve.points], y=[point.observed for point in curve.points],
        mode="lines+markers", line={"color": COLORS[0]}, name="observed",
        error_y=_error_bars([point.error_below for point in curve.points], [point.error_above for point in curve.points]),
        customdata=[point.count for point in curve.points],
        hovertemplate="predicted %{x:.1%}, observed %{y:.1%} of %{customdata:,}<extra></extra>",
    )  # fmt: skip
    apply_layout(fig)
    fig.update_xaxes(tickformat=".0%", title=curve.x_label, range=[0, 1])
    fig.update_yaxes(tickformat=".0%", title=curve.y_label, range=[0, 1])
    fig.update_layout(hovermode="closest")
    return fig


def draw_importance(chart: FeatureImportance) -> go.Figure:
    """Draw the most important features, the most important one on top."""
    fig = go.Figure(
        go.Bar(
            x=[bar.importance for bar in chart.bars],
            y=[bar.feature.replace("_", " ") for bar in chart.bars],
            orientation="h",
            marker={"color": COLORS[0]},
            hovertemplate="%{y}: %{x:.3f}<extra></extra>",
        )
    )
    apply_layout(fig, height=max(HEIGHT, 22 * len(chart.bars) + 60), has_legend=False)
    fig.update_yaxes(autorange="reversed", automargin=True)
    fig.update_xaxes(title=chart.x_label)
    fig.update_layout(hovermode="closest")
    return fig


def draw_scores(scores: Sequence[tuple[str, Measure, bool]], *, title: str) -> go.Figure:
    """Draw one measure of candidates and baselines, with intervals.

    Args:
        scores: name, value (never None) with its interval, and whether it is a baseline.
        title: of the horizontal axis.
    """
    fig = go.Figure()
    names = [name for name, *_ in scores]
    for is_of_baselines, legend in ((False, "candidates"), (True, "baselines")):
        series = [(name, measure) for name, measure, is_baseline in scores if is_baseline is is_of_baselines]
        below, above = zip(*(_errors(measure) for _, measure in series), strict=True) if series else ((), ())
        fig.add_scatter(
            x=[measure.value for _, measure in series], y=[name for name, _ in series], mode="markers", name=legend,
            marker={"size": 10, "color": COLORS[-1] if is_of_baselines else COLORS[0]},
            error_x=_error_bars(below, above),
            hovertemplate="%{y}: %{x:.4f}<extra></extra>",
        )  # fmt: skip
    apply_layout(fig, height=_ROW_HEIGHT * len(names) + 90)
    fig.update_yaxes(categoryorder="array", categoryarray=names[::-1], automargin=True)
    fig.update_xaxes(title=title)
    fig.update_layout(hovermode="closest")
    return fig


def _errors(measure: Measure) -> tuple[float, float]:
    """Return the lengths of the error bars below and above a value; 0 where that end of the interval is unknown."""
    value = measure.value or 0.0
    below = 0.0 if measure.lower is None else value - measure.lower
    above = 0.0 if measure.upper is None else measure.upper - value
    return below, above


def _error_bars(below: Sequence[float], above: Sequence[float]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "thickness": 2,
        "width": 0,
        "array": list(above),
        "arrayminus": list(below),
    }
