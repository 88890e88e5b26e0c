"""Charts of reports. Each function takes column names and returns a function that draws a table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from shopwright.app.theme import COLOR_SCALE, COLORS, apply_layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopwright.reports import Table

DrawChart = Callable[["Table"], go.Figure]
_HOVER_FORMATS = {
    "share": ".1%",
    "money": ",.2f",
    "count": ",",
    "number": ",.2f",
    "seconds": ",.0f",
    "days": ",.1f",
}
_TICK_FORMATS = {
    "share": ".1~%",
    "money": ",~f",
    "count": ",~f",
    "number": ",~f",
    "seconds": ",~f",
    "days": ",~f",
}
"""With ``~``: no trailing zeros on an axis."""
_MAX_MARKERS = 40
_MAX_CELL_TEXTS = 120
"""Cells of a grid that have room for their value."""
_MAX_LABEL_LENGTH = 28


def lines(x: str, *names: str) -> DrawChart:
    """Draw one line per column over the column ``x``, with a gap where a value is undefined."""

    def draw(table: Table) -> go.Figure:
        fig = go.Figure()
        for name in names:
            fig.add_scatter(
                x=table.column(x), y=_numbers(table, name), name=table.heading(name), mode="lines"
            )
        return _format_axis(apply_layout(fig, has_legend=len(names) > 1), table, names[0])

    return draw


def bars(x: str, *names: str, stacked: bool = False) -> DrawChart:
    """Draw vertical bars, one series per column."""

    def draw(table: Table) -> go.Figure:
        fig = go.Figure()
        for name in names:
            fig.add_bar(x=table.column(x), y=_numbers(table, name), name=table.heading(name))
        fig.update_layout(barmode="stack" if stacked else "group")
        _label_categories(fig, table, x, table.column(x))
        return _format_axis(apply_layout(fig, has_legend=len(names) > 1), table, names[0])

    return draw


def bars_and_line(x: str, bar: str, line: str, *, max_rows: int | None = None) -> DrawChart:
    """Draw bars of one column and a line of another, on its own axis at the right; all rows, or the first ones."""

    def draw(table: Table) -> go.Figure:
        categories = table.column(x)[:max_rows]
        fig = go.Figure()
        fig.add_bar(x=categories, y=_numbers(table, bar)[:max_rows], name=table.heading(bar), opacity=0.6)
        fig.add_scatter(
            x=categories, y=_numbers(table, line)[:max_rows], name=table.heading(line), yaxis="y2",
            mode="lines+markers" if len(categories) <= _MAX_MARKERS else "lines",
            hovertemplate=f"%{{y:{_hover_format(table, line)}}}",
        )  # fmt: skip
        fig.update_layout(
            yaxis2={"overlaying": "y", "side": "right", "showgrid": False, "rangemode": "tozero",
                    "tickmode": "auto", "nticks": 6, "tickformat": _tick_format(table, line)}
        )  # fmt: skip
        _label_categories(fig, table, x, categories)
        return _format_axis(apply_layout(fig), table, bar)

    return draw


def ranking(names: str, values: str, *, max_rows: int = 15) -> DrawChart:
    """Draw horizontal bars, the first row on top."""

    def draw(table: Table) -> go.Figure:
        return _draw_ranking(table, [str(name) for name in table.column(names)], values, max_rows)

    return draw


def place_ranking(country: str, region: str, values: str, *, max_rows: int = 15) -> DrawChart:
    """Draw horizontal bars by place: country and region, or the country alone where the region is unknown."""

    def draw(table: Table) -> go.Figure:
        pairs = zip(table.column(country), table.column(region), strict=True)
        names = [name if area == "(unknown)" else f"{name} · {area}" for name, area in pairs]
        return _draw_ranking(table, names, values, max_rows)

    return draw


def stack(x: str, names: str, values: str) -> DrawChart:
    """Draw bars of one column, stacked by the values of another, in the order of the rows."""

    def draw(table: Table) -> go.Figure:
        fig = go.Figure()
        rows = list(zip(table.column(x), table.column(names), _numbers(table, values), strict=True))
        for name in dict.fromkeys(table.column(names)):
            fig.add_bar(
                x=[category for category, series, _ in rows if series == name],
                y=[value for _, series, value in rows if series == name],
                name=_shorten(name),
            )
        fig.update_layout(barmode="relative")
        apply_layout(fig)
        fig.update_layout(
            legend={"orientation": "v", "y": 1, "yanchor": "top", "x": 1.02}, hovermode="closest"
        )
        return _format_axis(fig, table, values)

    return draw


def funnel(names: str, values: str) -> DrawChart:
    """Draw a funnel from the first row to the last."""

    def draw(table: Table) -> go.Figure:
        steps = [
            (name, value)
            for name, value in zip(table.column(names), table.column(values), strict=True)
            if value is not None
        ]
        fig = go.Figure(
            go.Funnel(
                y=[name for name, _ in steps], x=[value for _, value in steps], marker={"color": COLORS[0]},
                texttemplate="%{value:,} · %{percentInitial:.1%}", connector={"fillcolor": "rgba(47,126,216,0.2)"},
            )
        )  # fmt: skip
        apply_layout(fig, has_legend=False)
        fig.update_layout(hovermode="closest")
        fig.update_yaxes(automargin=True)
        return fig

    return draw


def grid(x: str, y: str, value: str, *, min_x: float | None = None) -> DrawChart:
    """Draw cells colored by a value; blank where it is undefined.

    Args:
        x: column across, in ascending order.
        y: column down, in the order of the rows.
        value: column of the cells.
        min_x: omits smaller ``x``, such as month 0 of a cohort, whose 100% would leave the other cells pale.
    """

    def draw(table: Table) -> go.Figure:
        keys = zip(table.column(x), table.column(y), strict=True)
        cells = dict(zip(keys, _numbers(table, value), strict=True))
        columns = sorted({key for key in table.column(x) if min_x is None or key >= min_x})
        rows = list(dict.fromkeys(table.column(y)))
        visible = [number for (key, _), number in cells.items() if key in columns and number is not None]
        has_texts = len(columns) * len(rows) <= _MAX_CELL_TEXTS
        fig = go.Figure(
            go.Heatmap(
                x=columns, y=[_format_month(row) for row in rows], zmin=0, zmax=max(visible, default=1),
                texttemplate=f"%{{z:{_hover_format(table, value)}}}" if has_texts else None,
                z=[[cells.get((column, row)) for column in columns] for row in rows],
                colorscale=[list(stop) for stop in COLOR_SCALE], xgap=1, ygap=1,
                colorbar={"tickformat": _tick_format(table, value), "thickness": 10, "outlinewidth": 0},
                hovertemplate=f"{table.heading(y)} %{{y}}, {table.heading(x).lower()} %{{x}}: "
                f"%{{z:{_hover_format(table, value)}}}<extra></extra>",
            )
        )  # fmt: skip
        apply_layout(fig, has_legend=False, height=max(240, 26 * len(rows) + 70))
        fig.update_yaxes(autorange="reversed", type="category", showgrid=False)
        fig.update_xaxes(title=table.heading(x), showgrid=False, dtick=1 if len(columns) <= 24 else None)
        fig.update_layout(hovermode="closest")
        return fig

    return draw


def churn_risk(table: Table) -> go.Figure:
    """Draw customers by their churn probability, in steps of ten percentage points."""
    fig = go.Figure(
        go.Bar(
            x=table.column("probability_from"), y=table.column("customer_count"), offset=0, width=0.096,
            marker={"color": COLORS[0]}, hovertemplate="from %{x:.0%}: %{y:,}<extra></extra>",
        )
    )  # fmt: skip
    apply_layout(fig, has_legend=False)
    fig.update_xaxes(title="churn probability", tickformat=".0%", range=[0, 1])
    fig.update_yaxes(title="customers", tickformat=",", rangemode="tozero")
    fig.update_layout(hovermode="closest")
    return fig


def segment_changes(table: Table) -> go.Figure:
    """Draw how many customers changed from which segment (rows) to which (columns)."""
    before, after = table.column("previous_segment"), table.column("current_segment")
    order = list(dict.fromkeys([*before, *after]))
    rows, columns = list(dict.fromkeys(before)), sorted(set(after), key=order.index)
    counts = dict(zip(zip(before, after, strict=True), table.column("customer_count"), strict=True))
    cells = [[counts.get((row, column), 0) for column in columns] for row in rows]
    fig = go.Figure(
        go.Heatmap(
            x=columns, y=rows, z=cells, colorscale=[list(stop) for stop in COLOR_SCALE], showscale=False, xgap=2, ygap=2,
            text=[[f"{count:,}" for count in row] for row in cells], texttemplate="%{text}",
            hovertemplate="from %{y} to %{x}: %{z:,}<extra></extra>",
        )
    )  # fmt: skip
    apply_layout(fig, height=44 * len(rows) + 110, has_legend=False)
    fig.update_yaxes(autorange="reversed", automargin=True, showgrid=False, title="a month ago")
    fig.update_xaxes(side="top", automargin=True, showgrid=False, title="now")
    fig.update_layout(hovermode="closest")
    return fig


def _draw_ranking(table: Table, names: Sequence[str], values: str, max_rows: int) -> go.Figure:
    labels = names[:max_rows]
    positions = list(range(len(labels)))
    fig = go.Figure(
        go.Bar(
            x=_numbers(table, values)[:max_rows], y=positions, orientation="h", customdata=labels,
            hovertemplate="%{customdata}: %{x:" + _hover_format(table, values) + "}<extra></extra>",
        )
    )  # fmt: skip
    apply_layout(fig, has_legend=False, height=max(160, 26 * len(labels) + 60))
    # by position, so that two labels that are shortened to the same text remain two bars
    fig.update_yaxes(
        autorange="reversed",
        tickvals=positions,
        ticktext=[_shorten(label) for label in labels],
        automargin=True,
    )
    fig.update_xaxes(tickformat=_tick_format(table, values), title=table.heading(values))
    fig.update_layout(hovermode="closest")
    return fig


def _format_axis(fig: go.Figure, table: Table, name: str) -> go.Figure:
    """Format the left axis, and the values of its series, by the unit of a column."""
    fig.update_layout(yaxis={"tickformat": _tick_format(table, name), "rangemode": "tozero"})
    fig.update_traces(
        hovertemplate=f"%{{y:{_hover_format(table, name)}}}", selector=lambda trace: trace.yaxis != "y2"
    )
    return fig


def _label_categories(fig: go.Figure, table: Table, x: str, values: Sequence[Any]) -> None:
    """Label each category of the horizontal axis, unless they are dates; Plotly would take numeric names for numbers."""
    if table.unit(x) == "date":
        return
    fig.update_xaxes(type="category")
    categories = list(dict.fromkeys(value for value in values if value is not None))
    if any(len(str(category)) > _MAX_LABEL_LENGTH for category in categories):
        # only the tick text is shortened, so that two names with the same beginning remain two bars
        fig.update_xaxes(
            tickmode="array", tickvals=categories, ticktext=[_shorten(category) for category in categories]
        )


def _hover_format(table: Table, name: str) -> str:
    return _HOVER_FORMATS.get(table.unit(name), "")


def _tick_format(table: Table, name: str) -> str:
    return _TICK_FORMATS.get(table.unit(name), "")


def _numbers(table: Table, name: str) -> list[float | None]:
    return [None if value is None else float(value) for value in table.column(name)]


def _format_month(value: Any) -> str:
    """Format a cohort's first day as its month; other values as text."""
    return f"{value:%Y-%m}" if isinstance(value, date) else str(value)


def _shorten(value: Any) -> str:
    text = "(none)" if value is None else str(value)
    return text if len(text) <= _MAX_LABEL_LENGTH else f"{text[: _MAX_LABEL_LENGTH - 1]}…"
