"""Texts of experiment results, the same in the terminal, the report and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shopwright.experiments.analysis import Analysis, MetricResult
    from shopwright.experiments.statistics import Effect, SampleRatio
    from shopwright.metrics import Metric

CUPED_NOTE = (
    "CUPED: the control and value columns show the raw metric. The change, its intervals and p-values are adjusted for "
    "what was known before the start, and are relative to the adjusted control. They are more precise, and need not equal "
    "value over control."
)
"""Note below a table with adjusted changes."""


def format_change(effect: Effect, *, digits: int = 1) -> str:
    """Return a relative change with its interval, in percent.

    Args:
        effect: the change, as a share.
        digits: decimal places of the percentages.
    """
    value = f"{effect.value:+.{digits}%}"
    if effect.interval is None:
        return value
    return f"{value} ({effect.interval.lower:+.{digits}%} to {effect.interval.upper:+.{digits}%})"


def format_value(value: float | None, metric: Metric) -> str | None:
    """Return a metric's value in its unit; None without a value."""
    if value is None:
        return None
    if metric.unit == "share":
        return f"{value:.3%}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def format_sample_ratio(ratio: SampleRatio) -> str:
    """Return whether the variants have the units that their weights promise."""
    if ratio.sequential_pvalue is None:
        return ratio.reason or "not tested"
    return f"p = {ratio.sequential_pvalue:.3g}{', mismatch' if ratio.is_mismatch else ''}"


DAY_ORDERS_NOTE = (
    "{orders:,} orders state only their day: each counts for a unit that was exposed on that day, even if it was placed "
    "before the exposure."
)
"""Orders whose time is not known."""


def simulation_warnings(own_events: int, elsewhere: Mapping[str, int]) -> list[str]:
    """Return warnings about simulated data among an experiment's events; empty where all of it is real.

    Args:
        own_events: events that the experiment's own simulated effect changed.
        elsewhere: other experiment to the events of these days that its effect changed.
    """
    warnings = (
        [f"Simulated data: {own_events:,} events carry a simulated effect of this experiment."]
        if own_events
        else []
    )
    return warnings + [
        f"Simulated data: {events:,} events of these days carry a simulated effect of experiment '{name}'."
        for name, events in elsewhere.items()
    ]


def format_metric(result: MetricResult, effect: Effect | None = None) -> str:
    """Return a metric with its change, as ``Conversion rate +2.1% (-0.3% to +4.5%)``, and why it is not judged if so.

    Args:
        result: the metric's result for one variant.
        effect: the effect whose interval is shown; the fixed-horizon one by default.
    """
    effect, guardrail = effect or result.estimate.relative, result.guardrail
    change = f" {format_change(effect)}" if effect else ""
    reason = f": {guardrail.reason}" if guardrail and guardrail.reason else ""
    return f"{result.metric.title}{change}{reason}"


def table_notes(analysis: Analysis) -> list[str]:
    """Return the notes below a table of metrics: how values are adjusted and capped, and what has no result."""
    cuped = [CUPED_NOTE] if any(result.adjusted for result in analysis.metric_results) else []
    days = [DAY_ORDERS_NOTE.format(orders=analysis.day_orders)] if analysis.day_orders else []
    return [*days, *cuped, *_cap_notes(analysis), *_undefined_notes(analysis)]


def _cap_notes(analysis: Analysis) -> Iterator[str]:
    """Yield a note for each capped measure, with the metrics that use it."""
    titles: dict[tuple[str, float], dict[str, None]] = {}
    for result in analysis.metric_results:
        if result.cap is not None:
            titles.setdefault((result.metric.numerator, result.cap), {})[result.metric.title] = None
    share = f"{(analysis.experiment.winsorize or 0) * 100:.6g}%"
    for (measure, cap), names in titles.items():
        yield f"{', '.join(names)}: {measure} of a unit is capped at {cap:,.2f} ({share} quantile of units with any)."


def _undefined_notes(analysis: Analysis) -> Iterator[str]:
    """Yield a note for each metric without a change or interval and each guardrail without a verdict, with the reason."""
    variants: dict[tuple[str, str], list[str]] = {}
    for result in analysis.metric_results:
        guardrail, estimate = result.guardrail, result.estimate
        if guardrail and guardrail.reason:
            key = f"Guardrail {result.metric.title}", f"{guardrail.verdict}, {guardrail.reason}"
            variants.setdefault(key, []).append(result.variant)
        elif reason := estimate.reason or estimate.relative_reason:
            variants.setdefault((result.metric.title, reason), []).append(result.variant)
    for (title, reason), names in variants.items():
        yield f"{title} ({', '.join(names)}): {reason}."
