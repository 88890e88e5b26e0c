"""The plots of a report, for any number of variants."""

from __future__ import annotations

from itertools import chain, cycle
from typing import TYPE_CHECKING, Any

from plotly import graph_objects as plots
from plotly.subplots import make_subplots

from shopwright.experiments.words import told_change

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shopwright.experiments.reading import Reading
    from shopwright.experiments.readout import MetricReading, Readout
    from shopwright.experiments.statistics import Effect

BETTER, WORSE, OPEN, INK, PALE = "#1a7f5a", "#b3372f", "#5b6b7f", "#1d2733", "#b8c2cc"
CONTROL = "#8d99a8"
LINE, BAND = "#2f6db3", "rgba(47, 109, 179, 0.18)"
COLOURS = ("#2f6db3", "#c06a17", "#6a4fa3", "#2b8a83", "#a3415f", "#6b7a1f", "#444c56")
PATTERNS = ("", "/", ".", "x", "-", "|", "+")
"""With each round of the colours comes another pattern: 7 by 7 treatments before two look alike."""
STEPS = ("units", "viewed", "put into the cart", "began a checkout", "bought")
PANEL = 230
"""Height of the part of a plot that belongs to one treatment, in pixels."""
MOST_LABELLED = 4
"""Variants beside one another in the funnel that leave room for a number in each bar."""
MANY = 60
"""Rows from which on they are drawn closer together."""


def effects(readings: Sequence[MetricReading]) -> plots.Figure:
    """Relative change of each metric and variant: the interval for one look, and the wider one for every look."""
    shown = [found for found in reversed(readings) if found.estimate.relative is not None]
    figure = plots.Figure()
    for name, width in (("holds at every look", 2), ("one look, at the planned end", 7)):
        _entry(figure, name, {"width": width, "color": PALE if width == 2 else OPEN})
        for place, found in enumerate(shown):
            effect = (found.sequential if width == 2 else found.estimate).relative
            if effect is not None and effect.interval is not None:
                figure.add_scatter(
                    x=[effect.interval.lower, effect.interval.upper],
                    y=[place, place],
                    mode="lines",
                    line={"width": width, "color": PALE if width == 2 else _colour(found, effect)},
                    legendgroup=name,
                    showlegend=False,
                    hoverinfo="skip",
                )
    known = [found.estimate.relative for found in shown if found.estimate.relative]
    figure.add_scatter(
        x=[effect.value for effect in known],
        y=list(range(len(known))),
        mode="markers",
        marker={"color": INK, "size": 9},
        showlegend=False,
        hovertext=[told_change(effect) for effect in known],
        hoverinfo="text",
    )
    labels = [f"{found.metric.title} ({found.variant})" for found in shown]
    _rows(figure, labels, height=44)
    figure.update_xaxes(range=_span(shown))
    return figure


def sequence(reading: Reading) -> plots.Figure:
    """The primary metric's change as it stood at the end of each day, with the interval that holds at every look."""
    figure = _panels(reading.readout.treatments)
    _entry(figure, "change so far", {"color": LINE})
    _entry(figure, "holds at every look", {"color": BAND, "width": 10})
    for row, variant in enumerate(reading.readout.treatments, start=1):
        days = [day for day in reading.days if day.variant == variant and day.sequential.relative is not None]
        bands = [
            (day.day, day.sequential.relative.interval)
            for day in days
            if day.sequential.relative and day.sequential.relative.interval
        ]
        figure.add_scatter(
            x=[day for day, _ in bands] + [day for day, _ in reversed(bands)],
            y=[band.upper for _, band in bands] + [band.lower for _, band in reversed(bands)],
            fill="toself",
            fillcolor=BAND,
            line={"width": 0},
            hoverinfo="skip",
            name=f"{variant}: holds at every look",
            showlegend=False,
            row=row,
            col=1,
        )
        figure.add_scatter(
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
    # the first days are too wide to be seen beside
    dates = sorted({day.day for day in reading.days})
    late = [day.sequential.relative for day in reading.days if day.day >= dates[len(dates) // 4]]
    return _changes(figure, [effect for effect in late if effect])


def cohorts(readout: Readout) -> plots.Figure:
    """The primary metric's change by the day on which units came in, and the change of all of them."""
    figure = _panels(readout.treatments)
    _entry(figure, "units of one day", {"color": LINE})
    _entry(figure, "all units", {"color": OPEN, "dash": "dash"})
    for row, variant in enumerate(readout.treatments, start=1):
        days = [(cohort.day, cohort.effect) for cohort in readout.cohorts if cohort.variant == variant]
        known = [(day, effect) for day, effect in days if effect is not None]
        whole = readout.reading(readout.experiment.primary_metric, variant).plain.relative
        if whole is not None:
            figure.add_hline(y=whole.value, line={"color": OPEN, "dash": "dash"}, row=row, col=1)
        figure.add_scatter(
            x=[day for day, _ in known],
            y=[effect.value for _, effect in known],
            mode="markers",
            marker={"color": LINE, "size": 8},
            error_y=_error_bars((effect for _, effect in known), LINE),
            hovertext=[f"{day}: {told_change(effect)}" for day, effect in known],
            hoverinfo="text",
            name=variant,
            showlegend=False,
            row=row,
            col=1,
        )
    return _changes(figure, [cohort.effect for cohort in readout.cohorts if cohort.effect])


def segments(readout: Readout) -> plots.Figure:
    """The primary metric's change within each segment."""
    shown = [(found, found.estimate.relative) for found in reversed(readout.segments)]
    known = [(found, effect) for found, effect in shown if effect is not None]
    figure = plots.Figure(
        plots.Scatter(
            x=[effect.value for _, effect in known],
            y=list(range(len(known))),
            mode="markers",
            marker={"color": INK, "size": 8},
            error_x=_error_bars((effect for _, effect in known), OPEN),
            hovertext=[told_change(effect) for _, effect in known],
            hoverinfo="text",
        )
    )
    several = len(readout.treatments) > 1
    labels = [
        f"{each.dimension} = {each.value}" + (f" ({each.variant})" if several else "") for each, _ in known
    ]
    _rows(figure, labels, height=28 if len(labels) < MANY else 18)
    return figure


def funnel(readout: Readout) -> plots.Figure:
    """How far the units of each variant came, as a share of its units; steps that nobody took are left out."""
    figure = plots.Figure()
    reached = readout.funnel
    kept = [place for place in range(len(STEPS) - 1) if any(steps[place] for steps in reached.values())]
    names = [STEPS[0], *(STEPS[place + 1] for place in kept)]
    looks = ((colour, pattern) for pattern in cycle(PATTERNS) for colour in COLOURS)
    for variant, (colour, pattern) in zip(reached, chain([(CONTROL, "")], looks), strict=False):
        units = readout.units[variant]
        shares = [1.0, *(reached[variant][step] / units for step in kept)] if units else []
        figure.add_bar(
            x=names,
            y=shares,
            name=variant,
            marker={"color": colour, "pattern": {"shape": pattern}},
            text=[f"{share:.1%}" for share in shares] if len(reached) <= MOST_LABELLED else None,
            textangle=0,
            hovertemplate="%{x}: %{y:.2%}",
        )
    figure.update_yaxes(tickformat=".0%")
    return _styled(figure, height=360)


def _panels(variants: Sequence[str]) -> plots.Figure:
    """One panel for each treatment, one below the other, so that any number of them can be told apart."""
    many = len(variants)
    height = 90 + PANEL * many
    figure = make_subplots(
        rows=many,
        cols=1,
        shared_xaxes=True,
        subplot_titles=variants if many > 1 else None,
        vertical_spacing=min(38 / height, 1 / many),
    )
    return _styled(figure, height=height if many > 1 else 380)


def _changes(figure: plots.Figure, shown: Sequence[Effect]) -> plots.Figure:
    """Vertical axes of relative changes, alike in all panels."""
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    figure.update_yaxes(tickformat="+.1%", range=_reach(shown))
    # said, since what stands for a line in the legend has no date
    figure.update_xaxes(type="date", tickformat="%-d %b %Y")
    return figure


def _reach(shown: Sequence[Effect]) -> list[float] | None:
    """A range with every value and most of the intervals in it: a few that tell nothing would squash the others."""
    intervals = [effect.interval for effect in shown if effect.interval]
    if not intervals:
        return None
    lower = sorted(interval.lower for interval in intervals)[len(intervals) // 10]
    upper = sorted(interval.upper for interval in intervals)[-1 - len(intervals) // 10]
    values = [0.0, *(effect.value for effect in shown if effect.interval)]
    low, high = min(lower, *values), max(upper, *values)
    return [low - 0.05 * (high - low), high + 0.05 * (high - low)]


def _span(shown: Sequence[MetricReading]) -> list[float] | None:
    """The horizontal range of the intervals that tell something; one as wide as the metric itself would squash them."""
    effects = [estimate.relative for found in shown for estimate in (found.estimate, found.sequential)]
    intervals = [effect.interval for effect in effects if effect and effect.interval]
    reach = [max(-each.lower, each.upper) for each in intervals if each.upper - each.lower < 1]
    return [-1.1 * max(reach), 1.1 * max(reach)] if reach else None


def _rows(figure: plots.Figure, labels: Sequence[str], *, height: int) -> None:
    """Changes from left to right, one labelled row for each, so many pixels high."""
    figure.update_yaxes(
        tickvals=list(range(len(labels))), ticktext=labels, automargin=True, range=[-0.7, len(labels) - 0.3]
    )
    _styled(figure, height=140 + height * len(labels))
    figure.update_xaxes(tickformat="+.1%", title="relative change", zeroline=True, zerolinecolor=INK)


def _entry(figure: plots.Figure, name: str, line: dict[str, Any]) -> None:
    """An entry of the legend that stands for many lines."""
    figure.add_scatter(x=[None], y=[None], mode="lines", line=line, name=name, legendgroup=name)


def _styled(figure: plots.Figure, *, height: int) -> plots.Figure:
    figure.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 10, "r": 10, "t": 60, "b": 40},
        legend={"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"},
        font={"family": "system-ui, sans-serif", "color": INK},
    )
    return figure


def _error_bars(effects: Iterable[Effect], colour: str) -> dict[str, Any]:
    halves = [(effect.interval.upper - effect.value) if effect.interval else 0 for effect in effects]
    return {"type": "data", "array": halves, "color": colour, "thickness": 2, "width": 0}


def _colour(found: MetricReading, effect: Effect) -> str:
    if effect.interval is None or effect.interval.lower <= 0 <= effect.interval.upper:
        return OPEN
    return BETTER if (effect.value > 0) == (found.metric.better == "higher") else WORSE
