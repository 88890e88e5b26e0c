"""Charts of what is no report: reasons of a score, quality of a model, read-outs of experiments."""

from __future__ import annotations

import json
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from shopwright.app.theme import BAD, COLOURS, GOOD, HEIGHT, MIDDLE, SCALE, laid_out
from shopwright.experiments.figures import BAND, INK, OPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from shopwright.registry import Measure
    from shopwright.reports import Table

BANDS = {"low": GOOD, "medium": MIDDLE, "high": BAD}
"""Risk band to its colour."""
ON_DARK = {INK: "#e6e9ee", BAND: "rgba(90, 160, 235, 0.3)", OPEN: "#8fa0b5"}
"""Ink for white paper to what is seen on dark ground."""
MOST_STEPS = 10
"""Features with a bar of their own in a waterfall; the weaker ones share one."""
_ROW = 30
"""Height of a row of a lying chart, in pixels."""


def waterfall(reasons: Mapping[str, Any], *, told: Container[str]) -> go.Figure:
    """How features lead from the base to a score.

    Args:
        reasons: ``base``, ``contributions`` and ``log_odds`` of the service's answer.
        told: features that the session was told by; the others count as not known.
    """
    steps = _steps(reasons["contributions"], told)
    names = ["every cart", *(name for name, _ in steps), "this cart"]
    values = [reasons["base"], *(part for _, part in steps), reasons["log_odds"]]
    figure = go.Figure(
        go.Waterfall(
            orientation="h", y=names, x=values, measure=["absolute", *("relative" for _ in steps), "total"],
            text=[f"{value:+.2f}" for value in values], textposition="outside", cliponaxis=False,
            increasing={"marker": {"color": BAD}}, decreasing={"marker": {"color": GOOD}},
            totals={"marker": {"color": COLOURS[-1]}}, hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )  # fmt: skip
    laid_out(figure, height=_ROW * len(names) + 70, legend=False)
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_xaxes(
        title="log odds of being abandoned, before calibration",
        range=_reach(accumulate(values[:-1])),
        automargin=True,
    )
    figure.update_layout(hovermode="closest")
    return figure


def _steps(contributions: Mapping[str, float], told: Container[str]) -> list[tuple[str, float]]:
    """Label and contribution, the strongest first, the weak ones as one."""
    parts = sorted(contributions.items(), key=lambda each: -abs(each[1]))
    steps = [
        (name.replace("_", " ") + ("" if name in told else " (not known)"), part)
        for name, part in parts[:MOST_STEPS]
        if part
    ]
    rest = [part for _, part in parts[MOST_STEPS:] if part]
    return [*steps, (f"{len(rest)} others", sum(rest))] if rest else steps


def _reach(places: Iterable[float]) -> list[float]:
    """A range with room for a number beside each end."""
    known = [0.0, *places]
    room = 0.15 * (max(known) - min(known))
    return [min(known) - room, max(known) + room]


def bands(counts: Mapping[str, int]) -> go.Figure:
    """Rows in each risk band."""
    figure = go.Figure(
        go.Bar(
            x=list(counts.values()), y=list(counts), orientation="h", marker={"color": [BANDS[name] for name in counts]},
            text=[f"{count:,}" for count in counts.values()], textposition="auto", hovertemplate="%{y}: %{x:,}<extra></extra>",
        )
    )  # fmt: skip
    laid_out(figure, height=150, legend=False)
    figure.update_xaxes(title="rows", rangemode="tozero")
    figure.update_layout(hovermode="closest")
    return figure


def reliability(bins: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Share that came true over what was foretold, with intervals; on the diagonal a model says what happens.

    Args:
        bins: ``predicted``, ``observed``, ``observed_lower``, ``observed_upper`` and ``count`` of each.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": COLOURS[-1], "dash": "dot"}, name="as foretold", hoverinfo="skip"
    )  # fmt: skip
    figure.add_scatter(
        x=[each["predicted"] for each in bins], y=[each["observed"] for each in bins], mode="lines+markers",
        line={"color": COLOURS[0]}, name="observed",
        error_y=_bars([(each["observed"], each["observed_lower"], each["observed_upper"]) for each in bins]),
        customdata=[each["count"] for each in bins],
        hovertemplate="foretold %{x:.1%}, observed %{y:.1%} of %{customdata:,}<extra></extra>",
    )  # fmt: skip
    laid_out(figure)
    figure.update_xaxes(tickformat=".0%", title="foretold probability", range=[0, 1])
    figure.update_yaxes(tickformat=".0%", title="share that came true", range=[0, 1])
    figure.update_layout(hovermode="closest")
    return figure


def importance(features: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Mean absolute contribution of features, the strongest on top.

    Args:
        features: ``feature`` and ``mean_absolute_contribution`` of each.
    """
    figure = go.Figure(
        go.Bar(
            x=[each["mean_absolute_contribution"] for each in features],
            y=[str(each["feature"]).replace("_", " ") for each in features],
            orientation="h",
            marker={"color": COLOURS[0]},
            hovertemplate="%{y}: %{x:.3f}<extra></extra>",
        )
    )
    laid_out(figure, height=max(HEIGHT, 22 * len(features) + 60), legend=False)
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_xaxes(title="mean absolute contribution")
    figure.update_layout(hovermode="closest")
    return figure


def measures(scores: Sequence[tuple[str, Measure, bool]], *, title: str) -> go.Figure:
    """One measure of models and baselines, with intervals.

    Args:
        scores: name, known value, and whether it is a baseline.
        title: of the measure.
    """
    figure = go.Figure()
    names = [name for name, *_ in scores]
    for of_baselines, legend in ((False, "candidates"), (True, "baselines")):
        own = [(name, found) for name, found, is_baseline in scores if is_baseline is of_baselines]
        figure.add_scatter(
            x=[found.value for _, found in own], y=[name for name, _ in own], mode="markers", name=legend,
            marker={"size": 10, "color": COLOURS[-1] if of_baselines else COLOURS[0]},
            error_x=_bars([(found.value or 0.0, found.lower, found.upper) for _, found in own]),
            hovertemplate="%{y}: %{x:.4f}<extra></extra>",
        )  # fmt: skip
    laid_out(figure, height=_ROW * len(names) + 90)
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], automargin=True)
    figure.update_xaxes(title=title)
    figure.update_layout(hovermode="closest")
    return figure


def _bars(values: Sequence[tuple[float, float | None, float | None]]) -> dict[str, Any]:
    """Error bars of values with the ends of their intervals; none where an end is not known."""
    return {
        "type": "data",
        "symmetric": False,
        "thickness": 2,
        "width": 0,
        "array": [0 if upper is None else upper - value for value, _, upper in values],
        "arrayminus": [0 if lower is None else value - lower for value, lower, _ in values],
    }


def churn_risk(table: Table) -> go.Figure:
    """Customers by steps of their probability to leave."""
    starts = table.column("probability_from")
    figure = go.Figure(
        go.Bar(
            x=starts, y=table.column("customers"), offset=0, width=0.096, marker={"color": COLOURS[0]},
            hovertemplate="from %{x:.0%}: %{y:,}<extra></extra>",
        )
    )  # fmt: skip
    laid_out(figure, legend=False)
    figure.update_xaxes(title="chance to leave", tickformat=".0%", range=[0, 1])
    figure.update_yaxes(title="customers", tickformat=",", rangemode="tozero")
    figure.update_layout(hovermode="closest")
    return figure


def moves(table: Table) -> go.Figure:
    """Who moved from which segment (down) to which (across)."""
    before, after = table.column("moved_from"), table.column("moved_to")
    rows, columns = list(dict.fromkeys(before)), sorted(set(after), key=_order_of([*before, *after]))
    counts = dict(zip(zip(before, after, strict=True), table.column("customers"), strict=True))
    cells = [[counts.get((row, column), 0) for column in columns] for row in rows]
    figure = go.Figure(
        go.Heatmap(
            x=columns, y=rows, z=cells, colorscale=[list(stop) for stop in SCALE], showscale=False, xgap=2, ygap=2,
            text=[[f"{count:,}" for count in row] for row in cells], texttemplate="%{text}",
            hovertemplate="from %{y} to %{x}: %{z:,}<extra></extra>",
        )
    )  # fmt: skip
    laid_out(figure, height=44 * len(rows) + 110, legend=False)
    figure.update_yaxes(autorange="reversed", automargin=True, showgrid=False, title="a month before")
    figure.update_xaxes(side="top", automargin=True, showgrid=False, title="now")
    figure.update_layout(hovermode="closest")
    return figure


def _order_of(names: Sequence[str]) -> Callable[[str], int]:
    """A sort key by the first place at which a name stands."""
    return list(dict.fromkeys(names)).index


def of_experiment(figure: go.Figure, *, is_dark: bool) -> go.Figure:
    """A plot of a read-out, whose ink is made for white paper, on the ground that the reader chose."""
    document = figure.to_json()
    for ink, light in ON_DARK.items():
        document = document.replace(ink, light) if is_dark else document
    shown = go.Figure(json.loads(document))
    return shown.update_layout(template=None)
