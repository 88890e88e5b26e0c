"""Pictures of explanations, as SVG or PNG; the numbers they show are there without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from shopwright.models.protocol import Explanation

SUFFIXES = (".svg", ".png")
SHOWN = 12
"""Features with a bar of their own, the strongest ones; the others share one."""
UP, DOWN, TOTAL = "#c8553d", "#3d7ea6", "#555555"


def check_plot(file: Path) -> None:
    """See that a plot can be written there.

    Raises:
        ConfigurationError: the ending is no picture's, or there is no such folder.
    """
    if file.suffix.lower() not in SUFFIXES:
        raise ConfigurationError(f"{file.name}: a plot ends in {' or '.join(SUFFIXES)}")
    if not file.parent.is_dir():
        raise ConfigurationError(f"{file}: no folder {file.parent}")


def write_waterfall(explanation: Explanation, file: Path) -> None:
    """Draw how the features lead from the base to the score.

    Args:
        explanation: contributions that add up to the raw score.
        file: ends in .svg or .png.

    Raises:
        ConfigurationError: another ending, no such folder, or an explanation in sentences.
    """
    if not explanation.contributions:
        raise ConfigurationError("this model explains itself in sentences, so there is nothing to plot")
    check_plot(file)
    figure = waterfall(explanation)
    figure.savefig(file, format=file.suffix[1:].lower(), dpi=144)


def waterfall(explanation: Explanation) -> Figure:
    """The waterfall as a figure of its own, without a window system and without global state."""
    from matplotlib.figure import Figure as Drawing  # noqa: PLC0415  # slow to import

    steps = _steps(explanation)
    drawing = Drawing(figsize=(8, 0.36 * (len(steps) + 2) + 1.2), layout="constrained")
    axes = drawing.add_subplot()
    at = explanation.base
    for place, (_, part) in enumerate(steps):
        axes.barh(place, part, left=at, color=UP if part > 0 else DOWN, height=0.7)
        axes.annotate(
            f"{part:+.2f}",
            (max(at, at + part), place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
        at += part
    axes.axvline(explanation.base, color=TOTAL, linewidth=0.8, linestyle="--")
    axes.axvline(at, color=TOTAL, linewidth=0.8)
    axes.set_yticks(range(len(steps)), [name for name, _ in steps], fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(
        f"{explanation.scale} (dashed: everybody, {explanation.base:+.2f}; solid: here, {at:+.2f})",
        fontsize=8,
    )
    axes.set_title(
        f"{explanation.entity}: {explanation.answer or f'{explanation.score:.1%}'}", loc="left", fontsize=10
    )
    return drawing


def _steps(explanation: Explanation) -> list[tuple[str, float]]:
    """Label and contribution, the strongest first, the weak ones as one."""
    parts = sorted(explanation.contributions.items(), key=lambda item: -abs(item[1]))
    steps = [(f"{name} = {_told(explanation.values[name])}", part) for name, part in parts[:SHOWN]]
    if len(parts) > SHOWN:
        steps.append((f"{len(parts) - SHOWN} others", sum(part for _, part in parts[SHOWN:])))
    return steps


def _told(value: object) -> str:
    if value is None:
        return "not known"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
