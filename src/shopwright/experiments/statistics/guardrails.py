"""Guardrails: non-inferiority tests of metrics that must not get worse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from shopwright.experiments.statistics.estimate import Effect, Estimate

GuardrailVerdict = Literal["holds", "fails", "unclear"]


@dataclass(frozen=True, slots=True)
class Guardrail:
    """Result of a guardrail metric against the worst acceptable change."""

    verdict: GuardrailVerdict
    """``holds``: the interval excludes the worst acceptable change; ``fails``: it lies entirely beyond it;
    ``unclear``: it spans both sides, or there is no interval."""
    limit: float
    """Worst acceptable relative change with its sign: -0.02 where higher is better, 0.02 where lower is."""
    pvalue: float | None
    """One-sided, against a change of exactly the limit: small where the guardrail holds."""
    reason: str | None = None
    """Why it is unclear for lack of an interval."""


def guardrail(estimate: Estimate, *, worst_change: float, is_higher_better: bool) -> Guardrail:
    """Test that a metric is no worse than acceptable.

    The verdict is read off the estimate's own interval, so its level (and, for an always-valid estimate, its
    validity at every look) carries over: ``holds`` has a one-sided error of half of one less the level, 2.5%
    at 95%.

    Args:
        estimate: any with a relative difference.
        worst_change: acceptable relative worsening, 0 or more: 0.02 lets a rate of 50% fall to 49%.
        is_higher_better: the metric's direction.

    Raises:
        ValueError: worst_change is negative.

    Source: G. Piaggio and others, "Reporting of Noninferiority and Equivalence Randomized Trials", JAMA 308,
    2012, Figure 1.
    """
    if worst_change < 0:
        raise ValueError(
            f"the worst acceptable change is 0 or more, such as 0.02 for 2%; it is {worst_change}"
        )
    limit = -worst_change if is_higher_better else worst_change
    effect = estimate.relative
    if effect is None or effect.interval is None:
        return Guardrail("unclear", limit, None, estimate.relative_reason or "no interval")
    worst, best = effect.interval.lower, effect.interval.upper
    if not is_higher_better:
        worst, best, floor = -best, -worst, -limit
    else:
        floor = limit
    verdict: GuardrailVerdict = "holds" if worst > floor else "fails" if best < floor else "unclear"
    return Guardrail(verdict, limit, _one_sided(effect, limit, is_higher_better=is_higher_better))


def _one_sided(effect: Effect, limit: float, *, is_higher_better: bool) -> float | None:
    two_sided = effect.pvalue_against(limit)
    is_better = effect.value > limit if is_higher_better else effect.value < limit
    return None if two_sided is None else two_sided / 2 if is_better else 1 - two_sided / 2
