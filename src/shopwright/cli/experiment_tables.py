"""Experiments as people read them in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from shopwright.cli.output import table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from shopwright.experiments.assignment import Assignment
    from shopwright.experiments.audit import Audit
    from shopwright.experiments.planning import Plan
    from shopwright.experiments.reading import Reading
    from shopwright.experiments.sequence import DayReading
    from shopwright.experiments.statistics import Effect
    from shopwright.metrics import Metric
    from shopwright.settings import ExperimentDefinition

MISSING = "–"  # noqa: RUF001  # a dash, as everywhere where there is no number
COLOURS = {"ship": "green", "do not ship": "red", "keep running": "yellow", "invalid": "bold red"}
MOST_DAYS = 31


def listing(rows: Iterable[dict[str, Any]]) -> Table:
    """The experiments of a shop."""
    columns = ("name", "unit", "variants", "days", "assignment", "primary metric", "units so far")
    cells = [
        [
            row["name"],
            row["unit"],
            " / ".join(f"{name} {weight:g}" for name, weight in row["variants"].items()),
            f"{row['start']} to {row['end'] or 'open'}",
            row["assignment"],
            row["primary_metric"],
            row["units"],
        ]
        for row in rows
    ]
    return table("Experiments", columns, cells)


def planned(found: Plan, experiment: ExperimentDefinition) -> list[RenderableType]:
    """What an experiment needs."""
    lines: list[RenderableType] = [
        (
            f"[bold]{escape(found.experiment)}[/bold]: to find a change of {found.minimum_detectable_effect:.1%} in "
            f"{found.metric} with a chance of {found.power:.0%} (false alarms {found.alpha:.0%})"
        ),
        (
            f"By the last {found.history_days} days: {found.past_units:,} units, {found.metric} "
            f"{_number(found.baseline)}, {found.units_per_day:,.0f} units a day would take part"
        ),
    ]
    if found.size.units is None:
        return [*lines, f"It cannot be sized: {found.size.reason}"]
    needed = zip(experiment.variants, found.size.units, strict=True)
    lines.append(table("", ("variant", "units needed"), needed))
    if found.size.days is not None:
        lines.append(f"That takes {found.size.days:,} days.")
    effects = [
        (f"{week} week{'s' if week > 1 else ''}", _share(effect))
        for week, effect in found.detectable_effects.items()
    ]
    return [*lines, table("What would be found after", ("time", "smallest change"), effects)]


def assigned(found: Iterable[Assignment]) -> Table:
    """Who sees what."""
    return table(
        "", ("unit", "variant", "why"), [(each.unit_id, each.variant, each.reason) for each in found]
    )


def read(found: Reading) -> list[RenderableType]:
    """A read-out: the verdicts first."""
    readout = found.readout
    experiment = readout.experiment
    lines: list[RenderableType] = [f"[bold]{escape(experiment.name)}[/bold]: {escape(experiment.hypothesis)}"]
    if found.simulated_events:
        lines.append(
            f"[bold yellow]A rehearsal: {found.simulated_events:,} events carry a simulated effect.[/]"
        )
    for verdict in found.verdicts:
        colour = COLOURS[verdict.decision]
        lines.append(f"[{colour}]{escape(verdict.variant)}: {verdict.decision}[/] – {escape(verdict.reason)}")  # noqa: RUF001
    units = ", ".join(f"{name} {count:,}" for name, count in readout.units.items())
    ratio = readout.sample_ratio
    state = ratio.reason or f"p = {ratio.pvalue:.3g}{', mismatch' if ratio.is_mismatch else ''}"
    lines.append(
        f"Data to {readout.as_of or MISSING}. Units: {escape(units)} (sample ratio: {state}); in two variants: {readout.mixed_units:,}"
    )
    lines.append(_metrics(found))
    test = readout.conversion_test
    if test.pvalue is not None:
        lines.append(
            f"Conversion over all variants: chi-square {test.statistic:.3f}, {test.dof} df, p = {test.pvalue:.3g}"
        )
    lines += _asides(found)
    if readout.segments:
        lines.append(_segments(found))
    return lines


def _metrics(found: Reading) -> Table:
    columns = (
        "metric",
        "role",
        "variant",
        "control",
        "value",
        "change",
        "p",
        "p corrected",
        "at every look",
        "chance to win",
    )
    rows = []
    for reading in found.readout.readings:
        best = reading.estimate
        rail = found.rail_verdict(reading)
        role = f"guardrail: {rail}" if rail else reading.role
        rows.append(
            [
                reading.metric.title + (" (CUPED)" if reading.adjusted else ""),
                role,
                reading.variant,
                _value(best.control, reading.metric),
                _value(best.treatment, reading.metric),
                change(best.relative) if best.relative else best.relative_reason,
                _p(best.pvalue),
                _p(reading.corrected_pvalue),
                change(reading.sequential.relative),
                _share(reading.belief.chance_to_win),
            ]
        )
    return table("Metrics", columns, rows)


def _asides(found: Reading) -> list[RenderableType]:
    """What is worth a line only where there is something to say."""
    lines: list[RenderableType] = []
    for variant, trend in found.readout.novelty.items():
        if trend.slope and trend.slope.pvalue is not None and trend.slope.pvalue < 0.01:
            lines.append(
                f"{escape(variant)}: the effect changes from day to day (p = {trend.slope.pvalue:.2g}); see --html"
            )
    for variant, diluted in found.dilutions.items():
        share = _share(diluted.unexposed_share)
        uneven = "; the variants expose different shares" if diluted.is_uneven else ""
        lines.append(f"{escape(variant)}: {share} of assigned units were never exposed{uneven}")
    return lines


def _segments(found: Reading) -> Table:
    metric = found.readout.reading(
        found.readout.experiment.primary_metric, found.readout.treatments[0]
    ).metric
    rows = [
        [
            segment.dimension,
            segment.value,
            segment.variant,
            segment.estimate.control_count + segment.estimate.treatment_count,
            change(segment.estimate.relative),
            _p(segment.corrected_pvalue),
        ]
        for segment in found.readout.segments
    ]
    columns = ("by", "value", "variant", "units", "change", "p corrected")
    return table(f"{metric.title} by segment (not adjusted; to look at, not to decide by)", columns, rows)


def watched(
    readings: list[DayReading], metric: Metric, experiment: ExperimentDefinition
) -> list[RenderableType]:
    """Day by day."""
    if not readings:
        return [f"{experiment.name}: no units yet"]
    shown = readings[-MOST_DAYS * (len(experiment.variants) - 1) :]
    rows = [
        [
            reading.day,
            reading.variant,
            reading.naive.control_count + reading.naive.treatment_count,
            change(reading.naive.relative),
            _p(reading.naive.pvalue),
            change(reading.sequential.relative),
            _p(reading.always_valid_pvalue),
        ]
        for reading in shown
    ]
    columns = (
        "day",
        "variant",
        "units",
        "as if planned for that day",
        "p",
        "at every look",
        "always-valid p",
    )
    note = "Decide by the last two columns only: the others are wrong for whoever looks more than once."
    return [table(f"{experiment.name}: {metric.title}, day by day", columns, rows), note]


def audited(found: Audit) -> list[RenderableType]:
    """What the audit found."""
    rows = [
        (
            each.metric,
            each.simulations,
            each.units,
            _share(each.rate),
            _share(each.expected),
            None if each.rate is None else each.is_sound,
        )
        for each in found.false_positives
    ]
    columns = ("metric", "A/A tests", "units", "false positives", "expected", "sound")
    lines: list[RenderableType] = [table(f"{found.experiment}: A/A tests", columns, rows)]
    if found.balance is not None:
        lines.append(
            f"Hash: {found.balance.ids:,} ids over 100 groups of buckets, p = {_p(found.balance.test.pvalue)}"
        )
    for other in found.correlations:
        phi = MISSING if other.phi is None else f"{other.phi:+.4f}"
        state = "independent" if other.is_independent else "NOT independent"
        lines.append(f"With {escape(other.other)}: {other.ids:,} units in both, correlation {phi}, {state}")
    ratio = found.sample_ratio
    if not ratio.is_mismatch:
        return [*lines, f"Sample ratio: {ratio.reason or f'as planned (p = {ratio.pvalue:.3g})'}"]
    lines.append(
        f"[bold red]Sample ratio mismatch[/]: {' to '.join(f'{n:,}' for n in ratio.observed)}, p = {ratio.pvalue:.2g}"
    )
    suspects = [
        (
            each.dimension,
            each.value,
            " to ".join(f"{n:,}" for n in each.ratio.observed),
            _p(each.ratio.pvalue),
            _p(each.rest.pvalue),
            each.explains_all,
        )
        for each in found.suspects
    ]
    return [
        *lines,
        table("Where it comes from", ("by", "value", "units", "p", "p without it", "explains all"), suspects),
    ]


def change(effect: Effect | None) -> str | None:
    """A relative change with its interval; None where there is none."""
    if effect is None:
        return None
    value = f"{effect.value:+.2%}"
    return (
        value
        if effect.interval is None
        else f"{value} ({effect.interval.lower:+.2%} to {effect.interval.upper:+.2%})"
    )


def _value(value: float | None, metric: Metric) -> str | None:
    if value is None:
        return None
    return f"{value:.3%}" if metric.unit == "share" else _number(value)


def _number(value: float | None) -> str:
    return MISSING if value is None else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _share(value: float | None) -> str:
    return MISSING if value is None else f"{value:.1%}"


def _p(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}" if value >= 0.0001 else f"{value:.1e}"
