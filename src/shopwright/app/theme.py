"""How charts look. Streamlit lays its own light or dark theme over each; here is what it leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLOURS = ("#2f7ed8", "#f28f43", "#2ca089", "#a05bbf", "#d4526e", "#8a8f98")
"""Of series, in order; told apart on light and dark ground, also by most people who see red and green alike."""
GOOD, BAD, MIDDLE = "#2ca089", "#d4526e", "#e0a030"
"""Of verdicts."""
SCALE = ((0.0, "#e3eefb"), (1.0, "#1b5fb4"))
"""From little to much; not see-through, or values written on it could not be read on one of the two grounds."""
HEIGHT = 320
"""Of a chart, in pixels."""


def laid_out(figure: go.Figure, *, height: int = HEIGHT, legend: bool = True) -> go.Figure:
    """Give a chart the app's margins, colours and legend."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 24 if legend else 8, "b": 8},
        colorway=list(COLOURS),
        showlegend=legend,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="x unified",
        separators=".,",
    )
    return figure
