"""Always-valid results: intervals and p-values that stay valid however often one looks."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING

from shopwright.experiments.statistics.distributions import NormalMixture, tail
from shopwright.experiments.statistics.estimate import Effect, Estimate

if TYPE_CHECKING:
    from collections.abc import Iterable


def always_valid(estimate: Estimate, *, tuned_for: int) -> Estimate:
    """Return an estimate with a confidence sequence for its intervals and always-valid p-values.

    Over all looks together, the chance that an interval ever leaves out the truth, or that a p-value ever
    falls below one less the level by chance alone, stays below one less the level, for many units. The price
    is width: at ``tuned_for`` units, where it is least, intervals are about 1.5 times as wide at 95 %.

    Works from the difference, its standard error and the units only, so for every metric.

    Args:
        estimate: of any estimator; its level is kept.
        tuned_for: units of both arms together at which the sequence is to be tightest, usually the planned
            number. Must be the same at every look: it is part of the plan, not a choice after seeing data.

    Raises:
        ValueError: tuned_for is not above 0.

    Source: I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas, "Time-uniform central limit theory
    and asymptotic confidence sequences", Annals of Statistics 52(6), 2024, Theorem 2.2; on differences of
    means in experiments, GrowthBook's "Sequential Testing" (docs.growthbook.io/statistics/sequential), with N
    se^2 as the variance per unit.
    """
    rho = tuning(tuned_for, level=estimate.level)
    law = NormalMixture((estimate.control_count + estimate.treatment_count) * rho * rho)

    def sequenced(effect: Effect | None) -> Effect | None:
        if effect is None or not effect.standard_error:
            return effect and Effect.unmeasured(effect.value, effect.reason or "no standard error")
        return Effect.measured(effect.value, effect.standard_error, distribution=law, level=estimate.level)

    return replace(
        estimate,
        method=f"{estimate.method}, always valid",
        absolute=sequenced(estimate.absolute),
        relative=sequenced(estimate.relative),
    )


def tuning(tuned_for: int, *, level: float) -> float:
    """Return the rho that makes the sequence nearly as tight as possible at ``tuned_for`` units.

    Source: Waudby-Smith and others, 2024, Appendix B: ``sqrt((-2 log a + log(1 - 2 log a)) / t)``, with a one
    less the level.
    """
    if not tuned_for > 0:
        raise ValueError(f"the units a sequence is tuned for must be above 0, not {tuned_for}")
    odds = -2 * math.log(2 * tail(level))
    return math.sqrt((odds + math.log(1 + odds)) / tuned_for)


def running_minimum(pvalues: Iterable[float | None]) -> list[float | None]:
    """Return the smallest always-valid p-value up to each look, which is always valid as well.

    None until the first look that has one. Not for fixed-horizon p-values: their minimum means nothing.

    Example:
        >>> running_minimum([None, 0.4, None, 0.7, 0.02])
        [None, 0.4, 0.4, 0.4, 0.02]
    """
    return list(accumulate(pvalues, _smaller))


def _smaller(left: float | None, right: float | None) -> float | None:
    return min((value for value in (left, right) if value is not None), default=None)
