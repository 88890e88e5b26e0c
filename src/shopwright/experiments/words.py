"""What a read-out says in sentences, the same in the terminal, the report and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shopwright.experiments.readout import MetricReading, Readout
    from shopwright.experiments.statistics import Effect, SampleRatio
    from shopwright.metrics import Metric

ADJUSTED = (
    "CUPED: control and value are what units did. The change, its intervals and p are of the values after what was "
    "known before the start is taken out, relative to the control's: they are closer to the truth, and need not be "
    "value over control."
)
"""Below a table with adjusted changes."""


def told_change(effect: Effect, *, digits: int = 1) -> str:
    """A relative change with its interval, in percent with so many digits."""
    value = f"{effect.value:+.{digits}%}"
    if effect.interval is None:
        return value
    return f"{value} ({effect.interval.lower:+.{digits}%} to {effect.interval.upper:+.{digits}%})"


def told_value(value: float | None, metric: Metric) -> str | None:
    """A metric's value in its unit; None where it has none."""
    if value is None:
        return None
    if metric.unit == "share":
        return f"{value:.3%}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def told_ratio(ratio: SampleRatio) -> str:
    """Whether the variants got the units that their weights promise."""
    if ratio.pvalue is None:
        return ratio.reason or "not tested"
    return f"p = {ratio.pvalue:.3g}{', a mismatch' if ratio.is_mismatch else ''}"


def simulation_warnings(own: int, elsewhere: Mapping[str, int]) -> list[str]:
    """Warn of simulated data among the events that an experiment is read from; empty where all of it is real.

    Args:
        own: events that its own simulated effect changed.
        elsewhere: other experiment to the events of these days that its effect changed.
    """
    warnings = [f"Simulated data: {own:,} events carry a simulated effect of this experiment."] if own else []
    return warnings + [
        f"Simulated data: {events:,} events of these days carry a simulated effect of experiment '{name}'."
        for name, events in elsewhere.items()
    ]


def told(reading: MetricReading, effect: Effect | None = None) -> str:
    """A metric with a change, as ``Conversion rate +2.1% (-0.3% to +4.5%)``, and why it cannot be judged if so.

    Args:
        reading: of the metric.
        effect: with the interval to tell; the one for a single look where not given.
    """
    effect, rail = effect or reading.estimate.relative, reading.guardrail
    change = f" {told_change(effect)}" if effect else ""
    why = f": {rail.reason}" if rail and rail.reason else ""
    return f"{reading.metric.title}{change}{why}"


def notes(readout: Readout) -> list[str]:
    """What a reader of the table of metrics has to know: how values are adjusted and cut, and what could not be judged."""
    adjusted = [ADJUSTED] if any(found.adjusted for found in readout.readings) else []
    return [*adjusted, *_cuts(readout), *_doubts(readout)]


def _cuts(readout: Readout) -> Iterator[str]:
    """What each measure is cut to, and which metrics read it so."""
    titles: dict[tuple[str, float], dict[str, None]] = {}
    for found in readout.readings:
        if found.cap is not None:
            titles.setdefault((found.metric.numerator, found.cap), {})[found.metric.title] = None
    share = f"{(readout.experiment.winsorize or 0) * 100:.6g}%"
    for (measure, cap), names in titles.items():
        yield f"{', '.join(names)}: {measure} of a unit is cut at {cap:,.2f} ({share} of units that have any)."


def _doubts(readout: Readout) -> Iterator[str]:
    """What has no change or no interval, and guardrails that could not be judged, and why."""
    variants: dict[tuple[str, str], list[str]] = {}
    for found in readout.readings:
        rail, best = found.guardrail, found.estimate
        if rail and rail.reason:
            variants.setdefault(
                (f"Guardrail {found.metric.title}", f"{rail.verdict}, {rail.reason}"), []
            ).append(found.variant)
        elif why := best.reason or best.relative_reason:
            variants.setdefault((found.metric.title, why), []).append(found.variant)
    for (title, why), names in variants.items():
        yield f"{title} ({', '.join(names)}): {why}."
