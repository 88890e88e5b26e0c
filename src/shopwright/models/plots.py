"""Explanations drawn with matplotlib, as SVG or PNG files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.charts import DECREASE, INCREASE, NEUTRAL, Waterfall
from shopwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from shopwright.models.protocol import Explanation

SUFFIXES = (".svg", ".png")


def check_plot(file: Path) -> None:
    """Check that a plot can be written to this file.

    Raises:
        ConfigurationError: the suffix is not that of a supported format, or the folder does not exist.
    """
    if file.suffix.lower() not in SUFFIXES:
        raise ConfigurationError(f"cannot plot to {file.name}: use a file ending in {' or '.join(SUFFIXES)}")
    if not file.parent.is_dir():
        raise ConfigurationError(f"cannot plot to {file}: there is no folder {file.parent}")


def write_waterfall(explanation: Explanation, file: Path) -> None:
    """Draw how the features lead from the base to the score.

    Args:
        explanation: contributions that add up to the raw score.
        file: ends in .svg or .png.

    Raises:
        ConfigurationError: another suffix, no such folder, or an explanation in sentences.
    """
    if not explanation.contributions:
        raise ConfigurationError("this model explains its scores in sentences, so there is nothing to plot")
    check_plot(file)
    draw_waterfall(explanation).savefig(file, format=file.suffix[1:].lower(), dpi=144)


def draw_waterfall(explanation: Explanation) -> Figure:
    """Draw the waterfall of a score as a figure of its own, without a window system and without global state."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # slow to import

    chart = Waterfall.from_explanation(explanation)
    fig = Figure(figsize=(8, 0.36 * (len(chart.bars) + 2) + 1.2), layout="constrained")
    axes = fig.add_subplot()
    for row, bar in enumerate(chart.bars):
        color = INCREASE if bar.contribution > 0 else DECREASE
        axes.barh(row, bar.contribution, left=bar.start, color=color, height=0.7)
        axes.annotate(
            f"{bar.contribution:+.2f}",
            (max(bar.start, bar.end), row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.axvline(chart.base, color=NEUTRAL, linewidth=0.8, linestyle="--")
    axes.axvline(chart.end, color=NEUTRAL, linewidth=0.8)
    axes.set_yticks(range(len(chart.bars)), [bar.label for bar in chart.bars], fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(
        f"{explanation.scale} (dashed: average, {chart.base:+.2f}; solid: this score, {chart.end:+.2f})",
        fontsize=8,
    )
    axes.set_title(
        f"{explanation.entity}: {explanation.score_text or f'{explanation.score:.1%}'}",
        loc="left",
        fontsize=10,
    )
    return fig
