"""Pictures of how a model was judged, for people who look at its run; the rows that they show are kept with the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shopwright.models.plots import DOWN, TOTAL, UP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    Rows = Sequence[Mapping[str, Any]]

SHOWN_FEATURES = 15


def draw_tables(tables: Mapping[str, Rows], folder: Path) -> tuple[Path, ...]:
    """Draw each table that there is a picture for.

    Args:
        tables: name to rows.
        folder: where the PNG files go, each named after its table.

    Returns:
        The files.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  # slow to import

    files = []
    for name, draw in _PICTURES.items():
        if not tables.get(name):
            continue
        drawing = Figure(figsize=(7, 4.5), layout="constrained")
        axes = drawing.add_subplot()
        draw(axes, tables[name])
        axes.spines[["top", "right"]].set_visible(False)
        files.append(folder / f"{name}.png")
        drawing.savefig(files[-1], format="png", dpi=110)
    return tuple(files)


def _reliability(axes: Axes, rows: Rows) -> None:
    """Predicted beside observed rates, with their intervals."""
    predicted, observed = ([row[name] for row in rows] for name in ("predicted", "observed"))
    spread = [
        [row["observed"] - row["observed_lower"] for row in rows],
        [row["observed_upper"] - row["observed"] for row in rows],
    ]
    axes.plot([0, 1], [0, 1], color=TOTAL, linewidth=0.8, linestyle="--")
    axes.errorbar(predicted, observed, yerr=spread, color=DOWN, marker="o", capsize=3)
    axes.set_xlabel("predicted probability")
    axes.set_ylabel("rate that came")
    axes.set_title("Reliability, tenths of the decisions", loc="left")


def _importance(axes: Axes, rows: Rows) -> None:
    """The strongest features."""
    shown = rows[:SHOWN_FEATURES]
    places = range(len(shown))
    axes.barh(places, [row["mean_absolute_contribution"] for row in shown], color=DOWN)
    axes.set_yticks(places, [row["feature"] for row in shown])
    axes.invert_yaxis()
    axes.set_xlabel("mean absolute contribution")
    axes.set_title("What moves the score most", loc="left")


def _costs(axes: Axes, rows: Rows) -> None:
    """What acting from a probability on costs."""
    axes.plot([row["threshold"] for row in rows], [row["cost"] for row in rows], color=DOWN)
    axes.set_xlabel("act from this probability on")
    axes.set_ylabel("cost of a decision")
    axes.set_title("Cost where a miss costs as much as a needless action", loc="left")


def _deciles(axes: Axes, rows: Rows) -> None:
    """What was foretold and what came, by tenths."""
    for name, shift, color, label in (
        ("mean_predicted", -0.2, DOWN, "predicted"),
        ("mean_actual", 0.2, UP, "came"),
    ):
        axes.bar(
            [row["decile"] + shift for row in rows],
            [row[name] for row in rows],
            0.4,
            color=color,
            label=label,
        )
    axes.legend(frameon=False)
    axes.set_xlabel("tenth of the customers, the highest prediction first")
    axes.set_ylabel("mean value")
    axes.set_title("Deciles", loc="left")


_PICTURES: dict[str, Callable[[Axes, Rows], None]] = {
    "reliability": _reliability,
    "importance": _importance,
    "costs": _costs,
    "deciles": _deciles,
}
"""Table to what draws it."""
