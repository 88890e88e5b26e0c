"""What to do, in words, by a rule that is stated beforehand.

1. **Validity.** Without units in each variant, with a split that chance does not explain (sample ratio mismatch, p < 0.01),
   or with more than 1 % of the units seen in two variants, nothing may be concluded: *invalid*.
2. **Guardrails.** A variant with a guardrail that is worse than the worst acceptable change, with confidence, is not
   shipped, whatever else it does.
3. **Primary metric.** Before the planned end (the last day, and enough units for the power that was asked for) only the
   read-out that holds at every look may decide; at the planned end the fixed-horizon one may too. Either is corrected
   for the number of variants. Better, and no guardrail in doubt: *ship*. Worse: *do not ship*. Neither, at the planned end:
   *do not ship*, since an effect worth having would have been found. Else *keep running*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shopwright.experiments.readout import MIXED_SHARE
from shopwright.experiments.sequence import at_every_look
from shopwright.experiments.words import told

if TYPE_CHECKING:
    from shopwright.experiments.readout import MetricReading, Readout
    from shopwright.experiments.statistics import GuardrailVerdict

Decision = Literal["ship", "do not ship", "keep running", "invalid"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with one variant, and why."""

    variant: str
    decision: Decision
    reason: str


def decide(readout: Readout) -> list[Verdict]:
    """A verdict for each treatment, by the rule above."""
    experiment = readout.experiment
    if readout.as_of is None or readout.as_of < experiment.start:
        reason = f"it has not begun: it starts on {experiment.start}, and the data goes to {readout.as_of or 'no day'}"
        return [Verdict(variant, "keep running", reason) for variant in readout.treatments]
    invalid = invalidity(readout)
    if invalid:
        return [Verdict(variant, "invalid", invalid) for variant in readout.treatments]
    return [_decide(readout, variant) for variant in readout.treatments]


def invalidity(readout: Readout) -> str | None:
    """Why nothing may be concluded; None where something may."""
    everyone = readout.mixed_units + sum(readout.units.values())
    if readout.mixed_units > MIXED_SHARE * everyone:
        return f"{readout.mixed_units:,} of {everyone:,} units were seen in two variants"
    empty = [name for name, units in readout.units.items() if not units]
    if empty:
        return f"no units in {' and '.join(empty)}"
    if readout.sample_ratio.is_mismatch:
        seen = " to ".join(f"{units:,}" for units in readout.units.values())
        return (
            f"sample ratio mismatch: {seen} units (p = {readout.sample_ratio.pvalue:.2g}) are no result of the "
            "weights; 'experiment audit' looks for the cause"
        )
    return None


def _decide(readout: Readout, variant: str) -> Verdict:
    primary = readout.reading(readout.experiment.primary_metric, variant)
    rails = [found for found in readout.readings if found.role == "guardrail" and found.variant == variant]
    broken = _with(rails, "fails")
    if broken:
        return Verdict(variant, "do not ship", f"guardrail broken: {_told_rails(readout, broken)}")
    direction, how = _direction(readout, primary)
    if direction == "worse":
        return Verdict(variant, "do not ship", f"{told(primary)} is worse ({how})")
    if direction == "better":
        unclear = _with(rails, "unclear")
        if unclear:
            return Verdict(
                variant,
                "keep running",
                f"{told(primary)} is better ({how}), but a guardrail is in doubt: {_told_rails(readout, unclear)}",
            )
        return Verdict(variant, "ship", f"{told(primary)} is better ({how})")
    return _undecided(readout, primary)


def _with(rails: list[MetricReading], verdict: GuardrailVerdict) -> list[MetricReading]:
    return [rail for rail in rails if rail.guardrail is not None and rail.guardrail.verdict == verdict]


def _told_rails(readout: Readout, rails: list[MetricReading]) -> str:
    """Guardrails with the intervals that they were judged by."""
    return "; ".join(
        told(rail, (rail.estimate if readout.is_complete else rail.sequential).relative) for rail in rails
    )


def _direction(readout: Readout, reading: MetricReading) -> tuple[Literal["better", "worse", "open"], str]:
    """Which way the primary metric went, by the evidence that may count now."""
    alpha, always = readout.experiment.alpha, reading.sequential.absolute
    pvalue = _at_every_look(readout, reading)
    if always is not None and pvalue is not None and pvalue < alpha:
        return _side_of(reading, always.value), "holds at every look"
    if readout.is_complete and reading.corrected_pvalue is not None and reading.corrected_pvalue < alpha:
        effect = reading.estimate.absolute
        if effect is not None and effect.value:
            return _side_of(reading, effect.value), f"at the planned end, p = {reading.corrected_pvalue:.2g}"
    return "open", ""


def _at_every_look(readout: Readout, reading: MetricReading) -> float | None:
    """The always-valid p-value of a variant's primary metric, corrected as the one for a single look is."""
    found = {each.variant: each.sequential.pvalue for each in readout.readings if each.role == "primary"}
    return at_every_look(found, readout.experiment)[reading.variant]


def _side_of(reading: MetricReading, value: float) -> Literal["better", "worse"]:
    return "better" if (value > 0) == (reading.metric.better == "higher") else "worse"


def _undecided(readout: Readout, primary: MetricReading) -> Verdict:
    experiment, progress = readout.experiment, primary.progress
    if readout.is_complete:
        return Verdict(
            primary.variant,
            "do not ship",
            f"{told(primary)}: no difference found, and one of {experiment.minimum_detectable_effect:.1%} would "
            f"have been with a chance of {progress.power if progress else 0:.0%}",
        )
    if progress is None or progress.power is None or progress.units_needed is None:
        why = (
            primary.estimate.reason or (progress.reason if progress else None) or "it cannot be measured yet"
        )
        return Verdict(primary.variant, "keep running", f"{primary.metric.title}: {why}")
    needed = sum(progress.units_needed)
    if progress.power < experiment.power:
        have = primary.estimate.control_count + primary.estimate.treatment_count
        if experiment.end is not None and readout.as_of is not None and readout.as_of >= experiment.end:
            return Verdict(
                primary.variant,
                "keep running",
                f"{told(primary)}: the sample is too small: it ended with {have:,} of {needed:,} units, so nothing can "
                "be concluded; extend its end, or plan anew for a greater effect",
            )
        left = f", {progress.days_left:,} more days as they come in now" if progress.days_left else ""
        return Verdict(
            primary.variant,
            "keep running",
            f"{told(primary)}: the sample is too small: {have:,} of {needed:,} units{left}; a change of "
            f"{experiment.minimum_detectable_effect:.1%} would be found with a chance of {progress.power:.0%}",
        )
    return Verdict(
        primary.variant, "keep running", f"{told(primary)}: nothing decided, and the last day is not reached"
    )
