"""Terminal output of the experiment commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from shopwright.cli.output import table
from shopwright.experiments.messages import (
    format_change,
    format_sample_ratio,
    format_value,
    simulation_warnings,
    table_notes,
)
from shopwright.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from shopwright.assignment import Assignment
    from shopwright.experiments.audit import Audit, SplitOverTime
    from shopwright.experiments.daily import DailyResult
    from shopwright.experiments.planning import Plan
    from shopwright.experiments.result import ExperimentResult
    from shopwright.experiments.statistics import Effect
    from shopwright.settings import ExperimentDefinition

MISSING = "–"  # noqa: RUF001  # a dash, as everywhere without a value
COLORS = {"ship": "green", "do not ship": "red", "keep running": "yellow", "invalid": "bold red"}
MAX_DAYS = 31
MIN_COLUMN_WIDTH = 11
MAX_SUSPECTS = 10


def list_experiments(rows: Iterable[dict[str, Any]]) -> list[RenderableType]:
    """Return the table of the experiments of a shop."""
    columns = ("name", "unit", "variants", "dates", "assignment", "primary metric", "units so far")
    experiments = list(rows)
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
        for row in experiments
    ]
    warnings = [
        f"{escape(row['name'])}: {line}"
        for row in experiments
        for line in _simulation_warnings(row["simulated_events"] or 0, row["simulated_elsewhere"] or {})
    ]
    return [table("Experiments", columns, cells), *warnings]


def _simulation_warnings(own_events: int, elsewhere: dict[str, int]) -> list[str]:
    """Return warnings about simulated effects in an experiment's data."""
    return [f"[bold yellow]{escape(line)}[/]" for line in simulation_warnings(own_events, elsewhere)]


def show_plan(plan: Plan, experiment: ExperimentDefinition) -> list[RenderableType]:
    """Return the sample size of an experiment, and what it would detect after some weeks."""
    preposition = "who did" if experiment.unit == "user" else "with a"
    exposure = "" if experiment.exposure == "assigned" else f" {preposition} {experiment.exposure}"
    lines: list[RenderableType] = [
        (
            f"[bold]{escape(plan.experiment)}[/bold]: detect a change of {plan.minimum_detectable_effect:.1%} in "
            f"{plan.metric} with power {plan.power:.0%} (false positive rate {plan.alpha:.0%})"
        ),
        *_simulation_warnings(0, plan.simulated_events),
        (
            f"Based on the last {plan.history_days} days of data, from {plan.history_from}: {plan.past_units:,} "
            f"{experiment.unit}s{exposure}, {plan.metric} {_value(plan.baseline, plan)}; {plan.units_per_day:,.1f} a day "
            "would take part"
        ),
    ]
    cautions = [f"Note: {escape(caution)}." for caution in plan.cautions]
    if plan.size.units is None:
        return [*lines, f"No sample size: {plan.size.reason}", *cautions]
    needed = zip(experiment.variants, plan.size.units, strict=True)
    lines.append(table("", ("variant", f"{experiment.unit}s needed"), needed))
    if plan.size.days is not None:
        prefix = "about " if plan.size.days > plan.history_days else ""
        lines.append(f"Duration: {prefix}{plan.size.days:,} days.")
    elif plan.size.reason:
        lines.append(f"Duration: {plan.size.reason}.")
    return [*lines, _horizons(plan, experiment), *cautions]


def _horizons(plan: Plan, experiment: ExperimentDefinition) -> Table:
    rows = [
        (
            f"{horizon.weeks} week{'s' if horizon.weeks > 1 else ''}{' (estimate)' if horizon.is_extrapolated else ''}",
            horizon.units,
            _value(horizon.baseline, plan),
            _share(horizon.detectable_effect),
        )
        for horizon in plan.horizons
    ]
    columns = ("duration", f"{experiment.unit}s", plan.metric, "detectable change")
    title = "Detectable change by duration"
    if any(horizon.is_extrapolated for horizon in plan.horizons):
        title += f" (estimate: longer than the {plan.history_days} days of data used; see --days)"
    return table(title, columns, rows)


def show_assignments(assignments: Iterable[Assignment]) -> Table:
    """Return the table of units with their variants."""
    return table(
        "",
        ("unit", "variant", "reason"),
        [(assignment.unit_id, assignment.variant, assignment.reason) for assignment in assignments],
    )


def show_result(result: ExperimentResult) -> list[RenderableType]:
    """Return the results of an experiment, the verdicts first."""
    analysis = result.analysis
    experiment = analysis.experiment
    lines: list[RenderableType] = [
        f"[bold]{escape(experiment.name)}[/bold]: {escape(experiment.hypothesis)}",
        *_simulation_warnings(result.simulated_events, result.simulated_elsewhere),
    ]
    for verdict in result.verdicts:
        color = COLORS[verdict.decision]
        lines.append(f"[{color}]{escape(verdict.variant)}: {verdict.decision}[/] – {escape(verdict.reason)}")  # noqa: RUF001
    units = ", ".join(f"{name} {count:,}" for name, count in analysis.units.items())
    lines.append(
        f"Data through {analysis.as_of or MISSING}. Units: {escape(units)} (sample ratio: "
        f"{format_sample_ratio(analysis.sample_ratio)}). Units in several variants: {analysis.mixed_units:,}"
    )
    lines.append(_metrics(result))
    lines += map(escape, table_notes(analysis))
    test = analysis.conversion_test
    if test.pvalue is not None:
        lines.append(
            f"Conversion across all variants: chi-square {test.statistic:.3f}, {test.dof} df, p = {test.pvalue:.3g}"
        )
    lines += _warnings(result)
    if analysis.segments:
        lines.append(_segments(result))
    return lines


def _metrics(result: ExperimentResult) -> Table:
    columns = (
        "metric",
        "role",
        "variant",
        "control",
        "value",
        "change",
        "p",
        "p corrected",
        "always valid",
        "chance to win",
    )
    rows = []
    for metric_result in result.analysis.metric_results:
        estimate, guardrail = metric_result.estimate, metric_result.guardrail
        rows.append(
            [
                metric_result.metric.title + (" (CUPED)" if metric_result.adjusted else ""),
                f"guardrail: {guardrail.verdict}" if guardrail else metric_result.role,
                metric_result.variant,
                format_value(estimate.control, metric_result.metric),
                format_value(estimate.treatment, metric_result.metric),
                _stacked_change(estimate.relative),
                _p(estimate.pvalue),
                _p(metric_result.corrected_pvalue),
                _stacked_change(metric_result.sequential.relative),
                _share(metric_result.belief.chance_to_win),
            ]
        )
    metrics_table = table("Metrics", columns, rows)
    for column in metrics_table.columns:
        column.no_wrap = column.header in ("change", "always valid")
        column.min_width = MIN_COLUMN_WIDTH if column.header in ("metric", "role") else None
    return metrics_table


def _warnings(result: ExperimentResult) -> list[RenderableType]:
    """Return lines on trends and dilution, where there are any."""
    lines: list[RenderableType] = []
    for variant, novelty in result.analysis.novelty.items():
        if novelty.slope and novelty.slope.pvalue is not None and novelty.slope.pvalue < 0.01:
            lines.append(
                f"{escape(variant)}: the effect changes from day to day (p = {novelty.slope.pvalue:.2g}); see --html"
            )
    for variant, dilution in result.dilutions.items():
        share = _share(dilution.unexposed_share)
        uneven = "; exposure differs between the variants" if dilution.is_uneven else ""
        lines.append(f"{escape(variant)}: {share} of assigned units were never exposed{uneven}")
    return lines


def _segments(result: ExperimentResult) -> Table:
    analysis = result.analysis
    metric = analysis.metric_result(analysis.experiment.primary_metric, analysis.treatments[0]).metric
    rows = [
        [
            segment.dimension,
            segment.value,
            segment.variant,
            segment.estimate.control_count + segment.estimate.treatment_count,
            format_optional_change(segment.estimate.relative),
            _p(segment.corrected_pvalue),
        ]
        for segment in analysis.segments
    ]
    columns = ("by", "value", "variant", "units", "change", "p corrected")
    return table(f"{metric.title} by segment (not adjusted, for exploration only)", columns, rows)


def show_daily(result: DailyResult) -> list[RenderableType]:
    """Return results by day, with what makes them invalid first."""
    experiment = result.experiment
    lines: list[RenderableType] = [*_simulation_warnings(result.simulated_events, result.simulated_elsewhere)]
    if result.invalid_reason:
        lines.append(
            f"[{COLORS['invalid']}]{escape(experiment.name)}: invalid[/] – {escape(result.invalid_reason)}"  # noqa: RUF001
        )
    if not result.days:
        return [*lines, f"{escape(experiment.name)}: no units yet"]
    dates = sorted({day.day for day in result.days})[-MAX_DAYS:]
    rows = [
        [
            day.day,
            day.variant,
            day.naive.control_count + day.naive.treatment_count,
            format_optional_change(day.naive.relative) or _parenthesized(day.naive.relative_reason),
            _p(day.naive.pvalue),
            format_optional_change(day.sequential.relative),
            _p(day.corrected_pvalue),
        ]
        for day in result.days
        if day.day >= dates[0]
    ]
    columns = ("day", "variant", "units", "fixed-horizon change", "p", "always valid", "always-valid p")
    return [
        *lines,
        table(f"{experiment.name}: {result.metric.title} by day", columns, rows),
        _daily_note(result),
    ]


def _daily_note(result: DailyResult) -> str:
    experiment, treatments = result.experiment, len(result.experiment.variants) - 1
    if result.invalid_reason:
        return "These days support no conclusion: the experiment is invalid."
    note = "Decide by the last two columns only: the others are invalid if you check more than once."
    if treatments > 1 and experiment.correction != "none":
        note = (
            f"Decide by the last column only: it is corrected for {treatments} treatments ({experiment.correction}). The "
            "intervals are not corrected, and the other p is invalid if you check more than once."
        )
    if result.metric.name != experiment.primary_metric:
        note += f" The verdict uses {experiment.primary_metric}."
    return note


def _parenthesized(reason: str | None) -> str | None:
    return f"({reason})" if reason else None


def show_audit(audit: Audit) -> list[RenderableType]:
    """Return what the audit found, one block per check."""
    return [
        *_false_positives(audit),
        *_assignment_checks(audit),
        *_sample_ratio(audit),
        _split_over_time(audit.split_over_time),
    ]


def _false_positives(audit: Audit) -> list[RenderableType]:
    rows = [
        (
            test.metric,
            f"{', '.join(test.variants)} {test.treatment_share:.0%} / control {test.control_share:.0%}",
            test.method,
            test.simulations,
            test.units,
            _share(test.rate),
            _share(test.expected),
            test.is_sound,
        )
        for test in audit.false_positives
    ]
    columns = ("metric", "split", "test", "A/A tests", "units", "false positives", "expected", "sound")
    if not rows:
        return [f"{escape(audit.experiment)}: no A/A tests: it has no units, or no metric that can be summed"]
    return [table(f"{audit.experiment}: A/A tests, units split at random by its weights", columns, rows)]


def _assignment_checks(audit: Audit) -> list[RenderableType]:
    lines: list[RenderableType] = []
    if audit.balance is not None:
        state = "NOT even" if audit.balance.test.is_mismatch else "even"
        lines.append(
            f"Hash: {audit.balance.ids:,} ids in 100 groups of buckets, {state} (p = {_p(audit.balance.test.pvalue)})"
        )
    for other in audit.correlations:
        if other.phi is None:
            lines.append(f"With {escape(other.other)}: no correlation: {escape(other.reason or '')}")
            continue
        state = "independent" if other.is_independent else "[bold red]NOT independent[/]"
        lines.append(
            f"With {escape(other.other)}: {other.ids:,} units in both, correlation {other.phi:+.4f}, {state}"
        )
    for unknown in audit.unknown_variants:
        name = "no variant" if unknown.variant is None else f"variant '{escape(unknown.variant)}'"
        lines.append(
            f"[bold red]Unknown variant[/]: {unknown.units:,} units have {name}, which is not in the settings; they count "
            "nowhere"
        )
    return lines


def _sample_ratio(audit: Audit) -> list[RenderableType]:
    ratio = audit.sample_ratio
    if not ratio.is_mismatch:
        return [f"Sample ratio: {ratio.reason or f'as planned (p = {ratio.sequential_pvalue:.3g})'}"]
    suspects = [
        (
            suspect.dimension,
            suspect.value,
            _format_counts(suspect.ratio.observed),
            _p(suspect.ratio.pvalue),
            _p(suspect.remainder.pvalue),
            suspect.explains_all,
        )
        for suspect in audit.suspects
    ]
    columns = ("by", "value", "units", "p", "p without it", "explains all")
    lines: list[RenderableType] = [
        f"[bold red]Sample ratio mismatch[/]: {_format_counts(ratio.observed)}, p = {ratio.sequential_pvalue:.2g}"
    ]
    if not all(ratio.observed):
        return [*lines, "A variant has no units at all."]
    if not suspects:
        return [*lines, "No group of units stands out."]
    lines.append(table("Groups that cause it", columns, suspects[:MAX_SUSPECTS]))
    if len(suspects) > MAX_SUSPECTS:
        lines.append(f"and {len(suspects) - MAX_SUSPECTS:,} more groups; --json has all")
    if not any(suspect.explains_all for suspect in audit.suspects):
        lines.append("None of them explains it all: the mismatch is spread over the units.")
    return lines


def _split_over_time(split: SplitOverTime) -> str:
    if split.pvalue is None:
        return f"Split over time: not tested: {split.reason}"
    if not split.is_changed:
        return f"Split over time: the same on all days (p = {_p(split.pvalue)})"
    if split.changed_from is None:
        return (
            f"[bold red]The split differs between days[/] (p = {_p(split.pvalue)}), most on {split.stands_out} and "
            "the days next to it"
        )
    return (
        f"[bold red]The split changed over time[/] (p = {_p(split.pvalue)}): {_format_counts(split.before)} before "
        f"{split.changed_from}, {_format_counts(split.after)} from that day on. Each variant has its own mix of early and "
        "late units, so use only days with the same split"
    )


def _format_counts(counts: Iterable[int]) -> str:
    return " to ".join(f"{count:,}" for count in counts)


def format_optional_change(effect: Effect | None) -> str | None:
    """Return a relative change with its interval; None without one."""
    return format_change(effect, digits=2) if effect else None


def _value(value: float | None, plan: Plan) -> str:
    return format_value(value, METRICS[plan.metric]) or MISSING


def _stacked_change(effect: Effect | None) -> str | None:
    """Return a relative change above its interval, so that a row is narrow enough for a terminal."""
    change = format_change(effect) if effect else None
    return change and change.replace(" (", "\n", 1).removesuffix(")")


def _share(value: float | None) -> str:
    return MISSING if value is None else f"{value:.1%}"


def _p(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}" if value >= 0.0001 else f"{value:.1e}"
