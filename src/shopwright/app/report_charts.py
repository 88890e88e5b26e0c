"""Charts of reports. Each takes the names of columns and gives back what draws a table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from shopwright.app.theme import COLOR_SCALE, COLORS, apply_layout
from shopwright.app.words import label

if TYPE_CHECKING:
    from shopwright.reports import Table

Draw = Callable[["Table"], go.Figure]
_FORMATS = {
    "share": ".1%",
    "money": ",.2f",
    "count": ",",
    "number": ",.2f",
    "seconds": ",.0f",
    "days": ",.1f",
}
"""Of values under the pointer."""
_TICKS = {"share": ".1~%", "money": ",~f", "count": ",~f", "number": ",~f", "seconds": ",~f", "days": ",~f"}
"""Of axes: no zeros after the point that say nothing."""
_MOST_MARKERS = 40
_MOST_TEXTS = 120
"""Cells of a grid that have room for their value."""
_LONGEST_LABEL = 28


def lines(x: str, *names: str) -> Draw:
    """One line a column over the column ``x``; a gap where a value is undefined."""

    def draw(table: Table) -> go.Figure:
        figure = go.Figure()
        for name in names:
            figure.add_scatter(x=table.column(x), y=_numbers(table, name), name=label(name), mode="lines")
        return _with_axis(apply_layout(figure, has_legend=len(names) > 1), table, names[0])

    return draw


def bars(x: str, *names: str, stacked: bool = False) -> Draw:
    """Upright bars, one series a column."""

    def draw(table: Table) -> go.Figure:
        figure = go.Figure()
        for name in names:
            figure.add_bar(x=table.column(x), y=_numbers(table, name), name=label(name))
        figure.update_layout(barmode="stack" if stacked else "group")
        _name_places(figure, table, x, table.column(x))
        return _with_axis(apply_layout(figure, has_legend=len(names) > 1), table, names[0])

    return draw


def bars_and_line(x: str, bar: str, line: str, *, at_most: int | None = None) -> Draw:
    """Bars of one column with a line of another, on an axis of its own at the right; all rows, or the first ones."""

    def draw(table: Table) -> go.Figure:
        places = table.column(x)[:at_most]
        figure = go.Figure()
        figure.add_bar(x=places, y=_numbers(table, bar)[:at_most], name=label(bar), opacity=0.6)
        figure.add_scatter(
            x=places, y=_numbers(table, line)[:at_most], name=label(line), yaxis="y2",
            mode="lines+markers" if len(places) <= _MOST_MARKERS else "lines",
            hovertemplate=f"%{{y:{_format(table, line)}}}",
        )  # fmt: skip
        figure.update_layout(
            yaxis2={"overlaying": "y", "side": "right", "showgrid": False, "rangemode": "tozero",
                    "tickmode": "auto", "nticks": 6, "tickformat": _ticks(table, line)}
        )  # fmt: skip
        _name_places(figure, table, x, places)
        return _with_axis(apply_layout(figure), table, bar)

    return draw


def ranking(names: str, values: str, *, at_most: int = 15) -> Draw:
    """Lying bars, the first row on top."""

    def draw(table: Table) -> go.Figure:
        return _ranked(table, [str(name) for name in table.column(names)], values, at_most)

    return draw


def places(country: str, region: str, values: str, *, at_most: int = 15) -> Draw:
    """Lying bars of places, each by its country, or by its region where that is known."""

    def draw(table: Table) -> go.Figure:
        pairs = zip(table.column(country), table.column(region), strict=True)
        names = [name if part == "(unknown)" else f"{name} · {part}" for name, part in pairs]
        return _ranked(table, names, values, at_most)

    return draw


def stack(x: str, names: str, values: str) -> Draw:
    """Bars of one column, stacked by the values of another, in the order in which those come."""

    def draw(table: Table) -> go.Figure:
        figure = go.Figure()
        for name in dict.fromkeys(table.column(names)):
            places = [place for place, found in enumerate(table.column(names)) if found == name]
            figure.add_bar(
                x=[table.column(x)[place] for place in places],
                y=[_numbers(table, values)[place] for place in places],
                name=_short(name),
            )
        figure.update_layout(barmode="relative")
        apply_layout(figure)
        figure.update_layout(
            legend={"orientation": "v", "y": 1, "yanchor": "top", "x": 1.02}, hovermode="closest"
        )
        return _with_axis(figure, table, values)

    return draw


def steps(names: str, values: str) -> Draw:
    """A funnel from the first row to the last."""

    def draw(table: Table) -> go.Figure:
        kept = [
            (name, value)
            for name, value in zip(table.column(names), table.column(values), strict=True)
            if value is not None
        ]
        figure = go.Figure(
            go.Funnel(
                y=[name for name, _ in kept], x=[value for _, value in kept], marker={"color": COLORS[0]},
                texttemplate="%{value:,} · %{percentInitial:.1%}", connector={"fillcolor": "rgba(47,126,216,0.2)"},
            )
        )  # fmt: skip
        apply_layout(figure, has_legend=False)
        figure.update_layout(hovermode="closest")
        figure.update_yaxes(automargin=True)
        return figure

    return draw


def grid(x: str, y: str, value: str, *, above: float | None = None) -> Draw:
    """Cells coloured by a value; empty where it is undefined.

    Args:
        x: across, in ascending order.
        y: down, in the order in which they come.
        value: of the cells.
        above: only cells whose ``x`` is greater, where the first ones say nothing and would take all the colour.
    """

    def draw(table: Table) -> go.Figure:
        cells = dict(
            zip(zip(table.column(x), table.column(y), strict=True), _numbers(table, value), strict=True)
        )
        across = sorted({place for place in table.column(x) if above is None or place > above})
        down = list(dict.fromkeys(table.column(y)))
        shown = (number for (one, _), number in cells.items() if one in across and number is not None)
        most = max(shown, default=1)
        figure = go.Figure(
            go.Heatmap(
                x=across, y=[_month(name) for name in down], zmin=0, zmax=most,
                texttemplate=f"%{{z:{_format(table, value)}}}" if len(across) * len(down) <= _MOST_TEXTS else None,
                z=[[cells.get((one, other)) for one in across] for other in down],
                colorscale=[list(stop) for stop in COLOR_SCALE], xgap=1, ygap=1,
                colorbar={"tickformat": _ticks(table, value), "thickness": 10, "outlinewidth": 0},
                hovertemplate=f"{label(y)} %{{y}}, {label(x).lower()} %{{x}}: "
                f"%{{z:{_format(table, value)}}}<extra></extra>",
            )
        )  # fmt: skip
        apply_layout(figure, has_legend=False, height=max(240, 26 * len(down) + 70))
        figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
        figure.update_xaxes(title=label(x), showgrid=False, dtick=1 if len(across) <= 24 else None)
        figure.update_layout(hovermode="closest")
        return figure

    return draw


def churn_risk(table: Table) -> go.Figure:
    """Draw customers by their churn probability, in steps of ten percentage points."""
    figure = go.Figure(
        go.Bar(
            x=table.column("probability_from"), y=table.column("customers"), offset=0, width=0.096,
            marker={"color": COLORS[0]}, hovertemplate="from %{x:.0%}: %{y:,}<extra></extra>",
        )
    )  # fmt: skip
    apply_layout(figure, has_legend=False)
    figure.update_xaxes(title="churn probability", tickformat=".0%", range=[0, 1])
    figure.update_yaxes(title="customers", tickformat=",", rangemode="tozero")
    figure.update_layout(hovermode="closest")
    return figure


def segment_changes(table: Table) -> go.Figure:
    """Draw how many customers changed from which segment (rows) to which (columns)."""
    before, after = table.column("moved_from"), table.column("moved_to")
    order = list(dict.fromkeys([*before, *after]))
    rows, columns = list(dict.fromkeys(before)), sorted(set(after), key=order.index)
    counts = dict(zip(zip(before, after, strict=True), table.column("customers"), strict=True))
    cells = [[counts.get((row, column), 0) for column in columns] for row in rows]
    figure = go.Figure(
        go.Heatmap(
            x=columns, y=rows, z=cells, colorscale=[list(stop) for stop in COLOR_SCALE], showscale=False, xgap=2, ygap=2,
            text=[[f"{count:,}" for count in row] for row in cells], texttemplate="%{text}",
            hovertemplate="from %{y} to %{x}: %{z:,}<extra></extra>",
        )
    )  # fmt: skip
    apply_layout(figure, height=44 * len(rows) + 110, has_legend=False)
    figure.update_yaxes(autorange="reversed", automargin=True, showgrid=False, title="a month ago")
    figure.update_xaxes(side="top", automargin=True, showgrid=False, title="now")
    figure.update_layout(hovermode="closest")
    return figure


def _ranked(table: Table, names: list[str], values: str, at_most: int) -> go.Figure:
    shown = names[:at_most]
    places = list(range(len(shown)))
    figure = go.Figure(
        go.Bar(
            x=_numbers(table, values)[:at_most], y=places, orientation="h", customdata=shown,
            hovertemplate="%{customdata}: %{x:" + _format(table, values) + "}<extra></extra>",
        )
    )  # fmt: skip
    apply_layout(figure, has_legend=False, height=max(160, 26 * len(shown) + 60))
    # two names that are cut to the same text stay two bars
    figure.update_yaxes(
        autorange="reversed", tickvals=places, ticktext=[_short(name) for name in shown], automargin=True
    )
    figure.update_xaxes(tickformat=_ticks(table, values), title=label(values))
    figure.update_layout(hovermode="closest")
    return figure


def _with_axis(figure: go.Figure, table: Table, name: str) -> go.Figure:
    """Format the left axis, and the values of the series on it, by the unit of a column."""
    figure.update_layout(yaxis={"tickformat": _ticks(table, name), "rangemode": "tozero"})
    figure.update_traces(
        hovertemplate=f"%{{y:{_format(table, name)}}}", selector=lambda trace: trace.yaxis != "y2"
    )
    return figure


def _name_places(figure: go.Figure, table: Table, x: str, places: list[Any]) -> None:
    """Have each place on the horizontal axis named, unless they are dates: numbers of groups are names too."""
    if _unit(table, x) == "date":
        return
    figure.update_xaxes(type="category")
    names = list(dict.fromkeys(place for place in places if place is not None))
    if any(len(str(name)) > _LONGEST_LABEL for name in names):
        # only what is written is cut: two names that are cut to the same text stay two bars
        figure.update_xaxes(tickmode="array", tickvals=names, ticktext=[_short(name) for name in names])


def _format(table: Table, name: str) -> str:
    return _FORMATS.get(_unit(table, name), "")


def _ticks(table: Table, name: str) -> str:
    return _TICKS.get(_unit(table, name), "")


def _unit(table: Table, name: str) -> str:
    return next(column.unit for column in table.report.columns if column.name == name)


def _numbers(table: Table, name: str) -> list[float | None]:
    return [None if value is None else float(value) for value in table.column(name)]


def _month(value: Any) -> str:
    """A cohort's first day as its month; other names as they are."""
    return f"{value:%Y-%m}" if isinstance(value, date) else str(value)


def _short(value: Any) -> str:
    text = "(none)" if value is None else str(value)
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
