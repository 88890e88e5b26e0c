"""Pictures of what features do to scores: a beeswarm of all of them, and one against its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.models.effects import is_known, place_of
from shopwright.models.plots import SHOWN, TOTAL, check_plot

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from shopwright.models.protocol import Sample

    Floats = NDArray[np.float64]

COLORS = "coolwarm"
"""From the least value of a feature to its greatest."""
PLAIN = "#9a9a9a"
"""Of values without an order, and of unknown ones."""
_COLUMNS = 60
"""Places along a feature's line in which points are stacked."""


def write_beeswarm(sample: Sample, file: Path) -> None:
    """Draw what each of the strongest features adds to each score, a point a decision, coloured by the feature's value.

    Raises:
        ConfigurationError: the file is no picture's, or there is no such folder.
    """
    check_plot(file)
    beeswarm(sample).savefig(file, format=file.suffix[1:].lower(), dpi=144)


def write_dependence(sample: Sample, feature: str, file: Path) -> None:
    """Draw what a feature adds to each score against its value, a point a decision.

    Raises:
        ConfigurationError: there is no such feature, the file is no picture's, or there is no such folder.
    """
    check_plot(file)
    dependence_plot(sample, feature).savefig(file, format=file.suffix[1:].lower(), dpi=144)


def beeswarm(sample: Sample) -> Figure:
    """The beeswarm as a figure of its own, without a window system and without global state."""
    from matplotlib.figure import Figure as Drawing  # noqa: PLC0415  # slow to import

    order = np.argsort(-np.abs(sample.contributions).mean(axis=0), kind="stable")[:SHOWN]
    drawing = Drawing(figsize=(8, 0.42 * len(order) + 1.4), layout="constrained")
    axes = drawing.add_subplot()
    axes.axvline(0, color=TOTAL, linewidth=0.8)
    for line, place in enumerate(order):
        added, values = sample.contributions[:, place], sample.values[sample.names[place]]
        _scatter(axes, added, line + _spread(added), values)
    axes.set_yticks(range(len(order)), [sample.names[place] for place in order], fontsize=8)
    axes.invert_yaxis()
    _finish(axes, sample)
    axes.set_xlabel(
        f"adds to the {sample.scale} (blue: low values, red: high ones, grey: not known or without order)",
        fontsize=8,
    )
    return drawing


def dependence_plot(sample: Sample, feature: str) -> Figure:
    """The dependence on one feature as a figure of its own.

    Raises:
        ConfigurationError: there is no such feature.
    """
    from matplotlib.figure import Figure as Drawing  # noqa: PLC0415  # slow to import

    place = place_of(sample, feature)
    values, added = sample.values[feature], sample.contributions[:, place]
    known = is_known(values)
    drawing = Drawing(figsize=(7, 4.5), layout="constrained")
    axes = drawing.add_subplot()
    axes.axhline(0, color=TOTAL, linewidth=0.8)
    if values.dtype.kind == "f":
        axes.scatter(values[known], added[known], s=6, alpha=0.5, linewidths=0)
    else:
        levels, places = np.unique(values[known].astype(str), return_inverse=True)
        axes.scatter(places + _spread(added[known]) / 2, added[known], s=6, alpha=0.5, linewidths=0)
        axes.set_xticks(range(len(levels)), levels, rotation=30, ha="right")
    axes.set_xlabel(feature)
    axes.set_ylabel(f"adds to the {sample.scale}")
    _finish(axes, sample)
    return drawing


def _finish(axes: Axes, sample: Sample) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"{len(sample.contributions):,} {sample.population}", loc="left", fontsize=9)


def _scatter(axes: Axes, across: Floats, up: Floats, values: NDArray[Any]) -> None:
    """Points coloured by the rank of their values."""
    known = is_known(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=np.bool_)
    style: dict[str, Any] = {"s": 5, "alpha": 0.7, "linewidths": 0}
    axes.scatter(across[~known], up[~known], c=PLAIN, **style)
    if known.any():
        ranks = np.unique(values[known], return_inverse=True)[1].astype(np.float64)
        axes.scatter(across[known], up[known], c=ranks, cmap=COLORS, **style)


def _spread(added: Floats) -> Floats:
    """Where points stand beside their line, -0.4 to 0.4, so that those of like contributions lie side by side; (rows,)."""
    width = float(np.ptp(added)) or 1.0
    column = ((added - added.min()) / width * (_COLUMNS - 1)).astype(np.int64)
    order = np.argsort(column, kind="stable")
    counts = np.bincount(column, minlength=_COLUMNS)
    # Number of the point within its column: 0, 1, 2 ... go to 0, +1, -1, +2 ... steps from the line.
    number = np.empty(len(added), dtype=np.int64)
    number[order] = np.arange(len(added)) - np.repeat(np.cumsum(counts) - counts, counts)
    step = (number + 1) // 2 * np.where(number % 2 == 1, 1, -1)
    found: Floats = 0.8 * step / max(int(counts.max()), 2)
    return found
