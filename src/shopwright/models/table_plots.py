"""Evaluation tables drawn with matplotlib, for the run in MLflow; the rows themselves are stored with the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shopwright.charts import DECREASE, INCREASE, NEUTRAL, FeatureImportance, ReliabilityCurve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    Rows = Sequence[Mapping[str, Any]]


def draw_tables(tables: Mapping[str, Rows], folder: Path) -> tuple[Path, ...]:
    """Draw each table that has a plot and at least one row.

    Args:
        tables: name to rows.
        folder: existing folder for the PNG files, each named after its table.

    Returns:
        The files written.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  # slow to import

    files = []
    for name, draw in _PLOTS.items():
        if not tables.get(name):
            continue
        fig = Figure(figsize=(7, 4.5), layout="constrained")
        axes = fig.add_subplot()
        draw(axes, tables[name])
        axes.spines[["top", "right"]].set_visible(False)
        files.append(folder / f"{name}.png")
        fig.savefig(files[-1], format="png", dpi=110)
    return tuple(files)


def _draw_reliability(axes: Axes, rows: Rows) -> None:
    curve = ReliabilityCurve.from_rows(rows)
    predicted = [point.predicted for point in curve.points]
    observed = [point.observed for point in curve.points]
    errors = [[point.error_below for point in curve.points], [point.error_above for point in curve.points]]
    axes.plot([0, 1], [0, 1], color=NEUTRAL, linewidth=0.8, linestyle="--", label=curve.diagonal_label)
    axes.errorbar(predicted, observed, yerr=errors, color=DECREASE, marker="o", capsize=3)
    axes.legend(frameon=False)
    axes.set_xlabel(curve.x_label)
    axes.set_ylabel(curve.y_label)
    axes.set_title(curve.title, loc="left")


def _draw_importance(axes: Axes, rows: Rows) -> None:
    chart = FeatureImportance.from_rows(rows)
    positions = range(len(chart.bars))
    axes.barh(positions, [bar.importance for bar in chart.bars], color=DECREASE)
    axes.set_yticks(positions, [bar.feature for bar in chart.bars])
    axes.invert_yaxis()
    axes.set_xlabel(chart.x_label)
    axes.set_title(chart.title, loc="left")


def _draw_costs(axes: Axes, rows: Rows) -> None:
    axes.plot([row["threshold"] for row in rows], [row["cost"] for row in rows], color=DECREASE)
    axes.set_xlabel("threshold: act at this probability or above")
    axes.set_ylabel("mean cost per decision")
    axes.set_title("Cost by threshold, when a miss costs as much as a needless action", loc="left")


def _draw_deciles(axes: Axes, rows: Rows) -> None:
    """Draw predicted beside actual values, by tenths of the customers."""
    for name, shift, color, label in (
        ("mean_predicted", -0.2, DECREASE, "predicted"),
        ("mean_actual", 0.2, INCREASE, "actual"),
    ):
        axes.bar(
            [row["decile"] + shift for row in rows],
            [row[name] for row in rows],
            0.4,
            color=color,
            label=label,
        )
    axes.legend(frameon=False)
    axes.set_xlabel("decile of customers, highest prediction first")
    axes.set_ylabel("mean value")
    axes.set_title("Predicted and actual value by decile", loc="left")


_PLOTS: dict[str, Callable[[Axes, Rows], None]] = {
    "reliability": _draw_reliability,
    "importance": _draw_importance,
    "costs": _draw_costs,
    "deciles": _draw_deciles,
}
"""Table to what draws it."""
