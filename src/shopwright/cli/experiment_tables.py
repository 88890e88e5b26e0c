"""Experiments as people read them in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from shopwright.cli.output import table
from shopwright.experiments.words import notes, simulation_warnings, told_change, told_ratio, told_value
from shopwright.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from shopwright.assignment import Assignment
    from shopwright.experiments.audit import Audit, SplitOverTime
    from shopwright.experiments.planning import Plan
    from shopwright.experiments.reading import Reading
    from shopwright.experiments.statistics import Effect
    from shopwright.experiments.watching import Watched
    from shopwright.settings import ExperimentDefinition

MISSING = "–"  # noqa: RUF001  # a dash, as everywhere where there is no number
COLOURS = {"ship": "green", "do not ship": "red", "keep running": "yellow", "invalid": "bold red"}
MOST_DAYS = 31
LONGEST_WORD = 11
MOST_SUSPECTS = 10


def listing(rows: Iterable[dict[str, Any]]) -> list[RenderableType]:
    """The experiments of a shop."""
    columns = ("name", "unit", "variants", "days", "assignment", "primary metric", "units so far")
    listed = list(rows)
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
        for row in listed
    ]
    warnings = [
        f"{escape(row['name'])}: {line}"
        for row in listed
        for line in _simulation_warnings(row["simulated_events"] or 0, row["simulated_elsewhere"] or {})
    ]
    return [table("Experiments", columns, cells), *warnings]


def _simulation_warnings(own: int, elsewhere: dict[str, int]) -> list[str]:
    """What of an experiment's clicks is made up."""
    return [f"[bold yellow]{escape(line)}[/]" for line in simulation_warnings(own, elsewhere)]


def planned(found: Plan, experiment: ExperimentDefinition) -> list[RenderableType]:
    """What an experiment needs."""
    joined = "who did" if experiment.unit == "user" else "with a"
    did = "" if experiment.exposure == "assigned" else f" {joined} {experiment.exposure}"
    lines: list[RenderableType] = [
        (
            f"[bold]{escape(found.experiment)}[/bold]: to find a change of {found.minimum_detectable_effect:.1%} in "
            f"{found.metric} with a chance of {found.power:.0%} (false alarms {found.alpha:.0%})"
        ),
        *_simulation_warnings(0, found.simulated_events),
        (
            f"By the last {found.history_days} days of the data, from {found.history_from}: {found.past_units:,} "
            f"{experiment.unit}s{did}, {found.metric} {_value(found.baseline, found)}; {found.units_per_day:,.1f} a day "
            "would take part"
        ),
    ]
    cautions = [f"Mind: {escape(caution)}." for caution in found.cautions]
    if found.size.units is None:
        return [*lines, f"It cannot be sized: {found.size.reason}", *cautions]
    needed = zip(experiment.variants, found.size.units, strict=True)
    lines.append(table("", ("variant", f"{experiment.unit}s needed"), needed))
    if found.size.days is not None:
        about = "about " if found.size.days > found.history_days else ""
        lines.append(f"That takes {about}{found.size.days:,} days.")
    elif found.size.reason:
        lines.append(f"In how many days: {found.size.reason}.")
    return [*lines, _horizons(found, experiment), *cautions]


def _horizons(found: Plan, experiment: ExperimentDefinition) -> Table:
    rows = [
        (
            f"{each.weeks} week{'s' if each.weeks > 1 else ''}{' (guessed)' if each.is_extrapolated else ''}",
            each.units,
            _value(each.baseline, found),
            _share(each.detectable_effect),
        )
        for each in found.horizons
    ]
    columns = ("time", f"{experiment.unit}s", found.metric, "smallest change")
    title = "What would be found after"
    if any(each.is_extrapolated for each in found.horizons):
        title += f" (guessed: longer than the {found.history_days} days looked at; see --days)"
    return table(title, columns, rows)


def assigned(found: Iterable[Assignment]) -> Table:
    """Who sees what."""
    return table(
        "", ("unit", "variant", "why"), [(each.unit_id, each.variant, each.reason) for each in found]
    )


def read(found: Reading) -> list[RenderableType]:
    """A read-out: the verdicts first."""
    readout = found.readout
    experiment = readout.experiment
    lines: list[RenderableType] = [
        f"[bold]{escape(experiment.name)}[/bold]: {escape(experiment.hypothesis)}",
        *_simulation_warnings(found.simulated_events, found.simulated_elsewhere),
    ]
    for verdict in found.verdicts:
        colour = COLOURS[verdict.decision]
        lines.append(f"[{colour}]{escape(verdict.variant)}: {verdict.decision}[/] – {escape(verdict.reason)}")  # noqa: RUF001
    units = ", ".join(f"{name} {count:,}" for name, count in readout.units.items())
    lines.append(
        f"Data to {readout.as_of or MISSING}. Units: {escape(units)} (sample ratio: {told_ratio(readout.sample_ratio)}); "
        f"in two variants: {readout.mixed_units:,}"
    )
    lines.append(_metrics(found))
    lines += map(escape, notes(readout))
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
        rail = reading.guardrail
        role = f"guardrail: {rail.verdict}" if rail else reading.role
        rows.append(
            [
                reading.metric.title + (" (CUPED)" if reading.adjusted else ""),
                role,
                reading.variant,
                told_value(best.control, reading.metric),
                told_value(best.treatment, reading.metric),
                _stacked(best.relative),
                _p(best.pvalue),
                _p(reading.corrected_pvalue),
                _stacked(reading.sequential.relative),
                _share(reading.belief.chance_to_win),
            ]
        )
    made = table("Metrics", columns, rows)
    for column in made.columns:
        column.no_wrap = column.header in ("change", "at every look")
        column.min_width = LONGEST_WORD if column.header in ("metric", "role") else None
    return made


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


def watched(found: Watched) -> list[RenderableType]:
    """Day by day: what hinders a conclusion first."""
    experiment, treatments = found.experiment, len(found.experiment.variants) - 1
    lines: list[RenderableType] = [*_simulation_warnings(found.simulated_events, found.simulated_elsewhere)]
    if found.invalid_reason:
        lines.append(
            f"[{COLOURS['invalid']}]{escape(experiment.name)}: invalid[/] – {escape(found.invalid_reason)}"  # noqa: RUF001
        )
    if not found.days:
        return [*lines, f"{escape(experiment.name)}: no units yet"]
    days = sorted({reading.day for reading in found.days})[-MOST_DAYS:]
    rows = [
        [
            reading.day,
            reading.variant,
            reading.naive.control_count + reading.naive.treatment_count,
            change(reading.naive.relative) or _worded(reading.naive.relative_reason),
            _p(reading.naive.pvalue),
            change(reading.sequential.relative),
            _p(reading.corrected_pvalue),
        ]
        for reading in found.days
        if reading.day >= days[0]
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
    if treatments > 1 and experiment.correction != "none":
        note = (
            f"Decide by the last column only: it is corrected for {treatments} treatments ({experiment.correction}), "
            "the intervals are not, and the other p is wrong for whoever looks more than once."
        )
    if found.metric.name != experiment.primary_metric:
        note += f" The verdict rests on {experiment.primary_metric}."
    if found.invalid_reason:
        note = "Nothing may be concluded from these days, since the experiment is invalid."
    return [
        *lines,
        table(f"{experiment.name}: {found.metric.title}, day by day", columns, rows),
        note,
    ]


def _worded(reason: str | None) -> str | None:
    return f"({reason})" if reason else None


def audited(found: Audit) -> list[RenderableType]:
    """What the audit found."""
    return [
        *_false_positives(found),
        *_dealing(found),
        *_sample_ratio(found),
        _over_time(found.split_over_time),
    ]


def _false_positives(found: Audit) -> list[RenderableType]:
    rows = [
        (
            each.metric,
            f"{', '.join(each.variants)} {each.treatment_share:.0%} / control {each.control_share:.0%}",
            each.method,
            each.simulations,
            each.units,
            _share(each.rate),
            _share(each.expected),
            each.is_sound,
        )
        for each in found.false_positives
    ]
    columns = ("metric", "dealt to", "test", "A/A tests", "units", "false positives", "expected", "sound")
    if not rows:
        return [
            f"{escape(found.experiment)}: no A/A tests, since it has no units or no metric that can be summed"
        ]
    return [table(f"{found.experiment}: A/A tests, units dealt at random by its own weights", columns, rows)]


def _dealing(found: Audit) -> list[RenderableType]:
    lines: list[RenderableType] = []
    if found.balance is not None:
        state = "NOT even" if found.balance.test.is_mismatch else "even"
        lines.append(
            f"Hash: {found.balance.ids:,} ids over 100 groups of buckets, {state} (p = {_p(found.balance.test.pvalue)})"
        )
    for other in found.correlations:
        if other.phi is None:
            lines.append(
                f"With {escape(other.other)}: correlation not computable: {escape(other.reason or '')}"
            )
            continue
        state = "independent" if other.is_independent else "[bold red]NOT independent[/]"
        lines.append(
            f"With {escape(other.other)}: {other.ids:,} units in both, correlation {other.phi:+.4f}, {state}"
        )
    for unknown in found.unknown_variants:
        name = "no variant" if unknown.variant is None else f"variant '{escape(unknown.variant)}'"
        lines.append(
            f"[bold red]Unknown variant[/]: {unknown.units:,} units were seen with {name}, which the settings do not "
            "name; they count nowhere"
        )
    return lines


def _sample_ratio(found: Audit) -> list[RenderableType]:
    ratio = found.sample_ratio
    if not ratio.is_mismatch:
        return [f"Sample ratio: {ratio.reason or f'as planned (p = {ratio.pvalue:.3g})'}"]
    suspects = [
        (
            each.dimension,
            each.value,
            _against(each.ratio.observed),
            _p(each.ratio.pvalue),
            _p(each.rest.pvalue),
            each.explains_all,
        )
        for each in found.suspects
    ]
    columns = ("by", "value", "units", "p", "p without it", "explains all")
    lines: list[RenderableType] = [
        f"[bold red]Sample ratio mismatch[/]: {_against(ratio.observed)}, p = {ratio.pvalue:.2g}"
    ]
    if not all(ratio.observed):
        return [*lines, "A variant has no units at all."]
    if not suspects:
        return [*lines, "No part of the units is off by itself."]
    lines.append(table("Where it comes from", columns, suspects[:MOST_SUSPECTS]))
    if len(suspects) > MOST_SUSPECTS:
        lines.append(f"and {len(suspects) - MOST_SUSPECTS:,} more parts; --json has all")
    if not any(each.explains_all for each in found.suspects):
        lines.append("None of them explains all: the loss is spread over the units.")
    return lines


def _over_time(found: SplitOverTime) -> str:
    if found.pvalue is None:
        return f"Split over time: not tested: {found.reason}"
    if not found.is_changed:
        return f"Split over time: the same on all days (p = {_p(found.pvalue)})"
    if found.changed_from is None:
        return (
            f"[bold red]The split differs between days[/] (p = {_p(found.pvalue)}), most on {found.stands_out} and "
            "the days next to it"
        )
    return (
        f"[bold red]The split changed over time[/] (p = {_p(found.pvalue)}): {_against(found.before)} before "
        f"{found.changed_from}, {_against(found.after)} from that day on; early and late units are mixed differently "
        "in each variant, so read only the days with one split"
    )


def _against(counts: Iterable[int]) -> str:
    return " to ".join(f"{count:,}" for count in counts)


def change(effect: Effect | None) -> str | None:
    """A relative change with its interval; None where there is none."""
    return told_change(effect, digits=2) if effect else None


def _value(value: float | None, found: Plan) -> str:
    return told_value(value, METRICS[found.metric]) or MISSING


def _stacked(effect: Effect | None) -> str | None:
    """A relative change above its interval, so that a row is narrow enough for a terminal."""
    told = told_change(effect) if effect else None
    return told and told.replace(" (", "\n", 1).removesuffix(")")


def _share(value: float | None) -> str:
    return MISSING if value is None else f"{value:.1%}"


def _p(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}" if value >= 0.0001 else f"{value:.1e}"
