"""Colors and layout of charts; Streamlit applies its own light or dark theme on top."""

from __future__ import annotations

import json

import plotly.graph_objects as go

from shopwright.experiments.charts import BAND, INK, OPEN

COLORS = ("#2f7ed8", "#f28f43", "#2ca089", "#a05bbf", "#d4526e", "#8a8f98")
"""Of series, in order; distinguishable on light and dark backgrounds, also by most people with color blindness."""
GOOD, BAD, MIDDLE = "#2ca089", "#d4526e", "#e0a030"
COLOR_SCALE = ((0.0, "#e3eefb"), (1.0, "#1b5fb4"))
"""From low to high; opaque, or the values written on it could not be read on one of the two backgrounds."""
HEIGHT = 320
"""Default height of a chart, in pixels."""
_DARK_REPLACEMENTS = {INK: "#e6e9ee", BAND: "rgba(90, 160, 235, 0.3)", OPEN: "#8fa0b5"}
"""Color made for white paper to the color that is visible on a dark background."""


def apply_layout(fig: go.Figure, *, height: int = HEIGHT, has_legend: bool = True) -> go.Figure:
    """Apply the app's margins, colors and legend to a chart, and return it."""
    fig.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 24 if has_legend else 8, "b": 8},
        colorway=list(COLORS),
        showlegend=has_legend,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="x unified",
        separators=".,",
    )
    return fig


def adapt_experiment_chart(fig: go.Figure, *, is_dark: bool) -> go.Figure:
    """Return a chart of an experiment report, which is made for white paper, in the reader's theme."""
    document = fig.to_json()
    for color, dark_color in _DARK_REPLACEMENTS.items():
        document = document.replace(color, dark_color) if is_dark else document
    adapted = go.Figure(json.loads(document))
    return adapted.update_layout(template=None)
