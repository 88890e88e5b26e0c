"""The verdict on each variant, by a rule that is fixed before the data is seen.

1. **Validity.** Without units in each variant, with a split that chance does not explain (sample ratio mismatch, p < 0.01 at any look),
   or with more than 1% of the units seen in several variants, nothing may be concluded: *invalid*.
2. **Guardrails.** A variant with a guardrail that is worse than the worst acceptable change, with confidence, is not
   shipped, whatever else it does.
3. **Primary metric.** Before the planned end (the last day, and enough units for the requested power) only the
   always-valid result may decide; at the planned end the fixed-horizon one may too. Either is corrected for the number
   of variants. Better, and every guardrail holds: *ship*. Worse: *do not ship*. Neither, at the planned end: *do not
   ship*, since an effect worth having would have been found. Otherwise *keep running*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shopwright.experiments.analysis import MAX_MIXED_SHARE
from shopwright.experiments.comparison import correct_for_variants
from shopwright.experiments.messages import format_metric

if TYPE_CHECKING:
    from shopwright.experiments.analysis import Analysis, MetricResult
    from shopwright.experiments.statistics import GuardrailVerdict

Decision = Literal["ship", "do not ship", "keep running", "invalid"]


@dataclass(frozen=True, slots=True)
class VariantVerdict:
    """Decision on one variant, with the reason."""

    variant: str
    decision: Decision
    reason: str


def decide(analysis: Analysis) -> list[VariantVerdict]:
    """Decide on each treatment, by the rule above.

    Returns:
        One verdict per treatment, in the order of the settings.
    """
    experiment = analysis.experiment
    if analysis.as_of is None or analysis.as_of < experiment.start:
        reason = (
            f"not started: it starts on {experiment.start}, data through {analysis.as_of or 'no day yet'}"
        )
        return [VariantVerdict(variant, "keep running", reason) for variant in analysis.treatments]
    invalid_reason = find_invalid_reason(analysis)
    if invalid_reason:
        return [VariantVerdict(variant, "invalid", invalid_reason) for variant in analysis.treatments]
    return [_decide(analysis, variant) for variant in analysis.treatments]


def find_invalid_reason(analysis: Analysis) -> str | None:
    """Return why nothing may be concluded; None where conclusions are valid."""
    total_units = analysis.mixed_units + sum(analysis.units.values())
    if analysis.mixed_units > MAX_MIXED_SHARE * total_units:
        return f"{analysis.mixed_units:,} of {total_units:,} units were seen in several variants"
    empty = [name for name, units in analysis.units.items() if not units]
    if empty:
        return f"no units in {' and '.join(empty)}"
    if analysis.sample_ratio.is_mismatch:
        counts = " to ".join(f"{units:,}" for units in analysis.units.values())
        return (
            f"sample ratio mismatch: {counts} units do not fit the weights (p = {analysis.sample_ratio.sequential_pvalue:.2g}); "
            f"find the cause with `shopwright experiment audit {analysis.experiment.name}`"
        )
    return None


def _decide(analysis: Analysis, variant: str) -> VariantVerdict:
    primary = analysis.metric_result(analysis.experiment.primary_metric, variant)
    guardrails = [
        result
        for result in analysis.metric_results
        if result.role == "guardrail" and result.variant == variant
    ]
    failed = _with_verdict(guardrails, "fails")
    if failed:
        return VariantVerdict(
            variant, "do not ship", f"guardrail failed: {_format_guardrails(analysis, failed)}"
        )
    direction, evidence = _direction(analysis, primary)
    if direction == "worse":
        return VariantVerdict(variant, "do not ship", f"{format_metric(primary)} is worse ({evidence})")
    if direction == "better":
        unclear = _with_verdict(guardrails, "unclear")
        if unclear:
            return VariantVerdict(
                variant,
                "keep running",
                f"{format_metric(primary)} is better ({evidence}), but a guardrail is unclear: "
                f"{_format_guardrails(analysis, unclear)}",
            )
        return VariantVerdict(variant, "ship", f"{format_metric(primary)} is better ({evidence})")
    return _undecided(analysis, primary)


def _with_verdict(guardrails: list[MetricResult], verdict: GuardrailVerdict) -> list[MetricResult]:
    return [
        result
        for result in guardrails
        if result.guardrail is not None and result.guardrail.verdict == verdict
    ]


def _format_guardrails(analysis: Analysis, guardrails: list[MetricResult]) -> str:
    """Return guardrails with the intervals that their verdicts rest on."""
    return "; ".join(
        format_metric(result, (result.estimate if analysis.is_complete else result.sequential).relative)
        for result in guardrails
    )


def _direction(analysis: Analysis, primary: MetricResult) -> tuple[Literal["better", "worse", "open"], str]:
    """Return which way the primary metric went by the evidence that may count now, and what that evidence is."""
    alpha, sequential = analysis.experiment.alpha, primary.sequential.absolute
    always_valid_pvalue = _corrected_always_valid_pvalue(analysis, primary)
    if sequential is not None and always_valid_pvalue is not None and always_valid_pvalue < alpha:
        return _side(primary, sequential.value), "always valid"
    if analysis.is_complete and primary.corrected_pvalue is not None and primary.corrected_pvalue < alpha:
        effect = primary.estimate.absolute
        if effect is not None and effect.value:
            return _side(primary, effect.value), f"at the planned end, p = {primary.corrected_pvalue:.2g}"
    return "open", ""


def _corrected_always_valid_pvalue(analysis: Analysis, primary: MetricResult) -> float | None:
    """Return a variant's always-valid p-value, corrected for the number of variants like the fixed-horizon one."""
    pvalues = {
        result.variant: result.sequential.pvalue
        for result in analysis.metric_results
        if result.role == "primary"
    }
    return correct_for_variants(pvalues, analysis.experiment)[primary.variant]


def _side(result: MetricResult, value: float) -> Literal["better", "worse"]:
    return "better" if (value > 0) == (result.metric.better == "higher") else "worse"


def _undecided(analysis: Analysis, primary: MetricResult) -> VariantVerdict:
    experiment, progress = analysis.experiment, primary.progress
    if analysis.is_complete:
        return VariantVerdict(
            primary.variant,
            "do not ship",
            f"{format_metric(primary)}: no difference found, and a difference of "
            f"{experiment.minimum_detectable_effect:.1%} would have been found with a probability of "
            f"{progress.power if progress else 0:.0%}",
        )
    if progress is None or progress.power is None or progress.units_needed is None:
        reason = primary.estimate.reason or (progress.reason if progress else None) or "no estimate yet"
        return VariantVerdict(primary.variant, "keep running", f"{primary.metric.title}: {reason}")
    needed = sum(progress.units_needed)
    if progress.power < experiment.power:
        units = primary.estimate.control_count + primary.estimate.treatment_count
        if experiment.end is not None and analysis.as_of is not None and analysis.as_of >= experiment.end:
            return VariantVerdict(
                primary.variant,
                "keep running",
                f"{format_metric(primary)}: the sample is too small: it ended with {units:,} of {needed:,} units, so "
                "nothing can be concluded; extend the test, or re-plan for a larger effect",
            )
        left = f", {progress.days_left:,} more days at the current rate" if progress.days_left else ""
        return VariantVerdict(
            primary.variant,
            "keep running",
            f"{format_metric(primary)}: the sample is too small: {units:,} of {needed:,} units{left}; a change of "
            f"{experiment.minimum_detectable_effect:.1%} would be found with a probability of {progress.power:.0%}",
        )
    return VariantVerdict(
        primary.variant, "keep running", f"{format_metric(primary)}: undecided before the last day"
    )
