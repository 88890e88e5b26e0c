"""Effects of features on scores, drawn with matplotlib: a beeswarm of all of them, and the dependence on one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.charts import MAX_FEATURES, NEUTRAL
from shopwright.models.effects import feature_index, is_known
from shopwright.models.plots import check_plot

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from shopwright.models.protocol import Sample

    Floats = NDArray[np.float64]

COLORS = "coolwarm"
"""Color map from the smallest value of a feature to its largest."""
UNORDERED = "#9a9a9a"
"""Color of values without an order, and of unknown ones."""
_COLUMNS = 60
"""Columns along a feature's row in which points are stacked."""


def write_beeswarm(sample: Sample, file: Path) -> None:
    """Draw what each of the most important features adds to each score: a point per decision, colored by its value.

    Raises:
        ConfigurationError: the suffix is not that of a supported format, or the folder does not exist.
    """
    check_plot(file)
    draw_beeswarm(sample).savefig(file, format=file.suffix[1:].lower(), dpi=144)


def write_dependence(sample: Sample, feature: str, file: Path) -> None:
    """Draw what a feature adds to each score against its value: a point per decision.

    Raises:
        ConfigurationError: unknown feature, unsupported suffix, or no such folder.
    """
    check_plot(file)
    draw_dependence(sample, feature).savefig(file, format=file.suffix[1:].lower(), dpi=144)


def draw_beeswarm(sample: Sample) -> Figure:
    """Draw the beeswarm as a figure of its own, without a window system and without global state."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # slow to import

    strongest = np.argsort(-np.abs(sample.contributions).mean(axis=0), kind="stable")[:MAX_FEATURES]
    fig = Figure(figsize=(8, 0.42 * len(strongest) + 1.4), layout="constrained")
    axes = fig.add_subplot()
    axes.axvline(0, color=NEUTRAL, linewidth=0.8)
    for row, index in enumerate(strongest):
        contributions, values = sample.contributions[:, index], sample.values[sample.names[index]]
        _scatter(axes, contributions, row + _swarm_offsets(contributions), values)
    axes.set_yticks(range(len(strongest)), [sample.names[index] for index in strongest], fontsize=8)
    axes.invert_yaxis()
    _finish(axes, sample)
    axes.set_xlabel(
        f"contribution to the {sample.scale} (blue: low values, red: high values, gray: unknown or unordered)",
        fontsize=8,
    )
    return fig


def draw_dependence(sample: Sample, feature: str) -> Figure:
    """Draw the dependence on one feature as a figure of its own.

    Raises:
        ConfigurationError: unknown feature.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  # slow to import

    contributions = sample.contributions[:, feature_index(sample, feature)]
    values = sample.values[feature]
    has_value = is_known(values)
    fig = Figure(figsize=(7, 4.5), layout="constrained")
    axes = fig.add_subplot()
    axes.axhline(0, color=NEUTRAL, linewidth=0.8)
    if values.dtype.kind == "f":
        axes.scatter(values[has_value], contributions[has_value], s=6, alpha=0.5, linewidths=0)
    else:
        categories, positions = np.unique(values[has_value].astype(str), return_inverse=True)
        offsets = _swarm_offsets(contributions[has_value]) / 2
        axes.scatter(positions + offsets, contributions[has_value], s=6, alpha=0.5, linewidths=0)
        axes.set_xticks(range(len(categories)), categories, rotation=30, ha="right")
    axes.set_xlabel(feature)
    axes.set_ylabel(f"contribution to the {sample.scale}")
    _finish(axes, sample)
    return fig


def _finish(axes: Axes, sample: Sample) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"{len(sample.contributions):,} {sample.population}", loc="left", fontsize=9)


def _scatter(axes: Axes, x: Floats, y: Floats, values: NDArray[Any]) -> None:
    """Draw points colored by the rank of their values."""
    is_ordered = is_known(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=np.bool_)
    style: dict[str, Any] = {"s": 5, "alpha": 0.7, "linewidths": 0}
    axes.scatter(x[~is_ordered], y[~is_ordered], c=UNORDERED, **style)
    if is_ordered.any():
        # ranks, not values: one outlier would leave all others the same color
        ranks = np.unique(values[is_ordered], return_inverse=True)[1].astype(np.float64)
        axes.scatter(x[is_ordered], y[is_ordered], c=ranks, cmap=COLORS, **style)


def _swarm_offsets(contributions: Floats) -> Floats:
    """Return how far each point stands from its row so that similar contributions do not overlap.

    Args:
        contributions: (rows,).

    Returns:
        (rows,), from -0.4 to 0.4.
    """
    width = float(np.ptp(contributions)) or 1.0
    column = ((contributions - contributions.min()) / width * (_COLUMNS - 1)).astype(np.int64)
    order = np.argsort(column, kind="stable")
    counts = np.bincount(column, minlength=_COLUMNS)
    # number of the point within its column: 0, 1, 2 ... go to 0, +1, -1, +2 ... steps from the row
    number = np.empty(len(contributions), dtype=np.int64)
    number[order] = np.arange(len(contributions)) - np.repeat(np.cumsum(counts) - counts, counts)
    step = (number + 1) // 2 * np.where(number % 2 == 1, 1, -1)
    offsets: Floats = 0.8 * step / max(int(counts.max()), 2)
    return offsets
