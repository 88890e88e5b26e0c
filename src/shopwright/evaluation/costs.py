"""What acting on a probability costs: the expected cost for each entity, by the threshold from which one acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.errors import ConfigurationError
from shopwright.evaluation.checks import as_outcome, as_probability
from shopwright.evaluation.measures import sums

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from shopwright.evaluation.checks import Floats


@dataclass(frozen=True, slots=True)
class CostPoint:
    """Acting on every entity with at least this probability."""

    threshold: float
    cost: float
    """Expected cost for each entity, in the unit of the given costs."""
    acted_share: float
    """Share of the entities that are acted on, 0 to 1."""


@dataclass(frozen=True, slots=True)
class CostCurve:
    """Expected cost by threshold, from acting on all to acting on the likeliest only."""

    points: tuple[CostPoint, ...]
    best: CostPoint | None
    """The cheapest, of equals the one with the fewest actions; None where never to act is cheapest, or without rows.

    Found on the same rows it is somewhat flattering: choose it on validation, and report its ``expected_cost`` on test."""
    by_theory: float
    """Threshold that is cheapest for calibrated probabilities: needless / (needless + miss)."""
    never: float | None
    """Cost of never acting."""
    always: float | None
    """Cost of acting on everyone."""
    reason: str | None = None
    """Why there is no cost at all."""


def cost_curve(
    outcome: ArrayLike, probability: ArrayLike, *, miss: float, needless: float, points: int = 200
) -> CostCurve:
    """Expected cost for each entity at every threshold, for given costs of the two errors.

    Args:
        outcome: (n,) 1 where an action would have been right, else 0.
        probability: (n,) of outcome 1, in 0 to 1.
        miss: cost of not acting on an entity with outcome 1, in money or any unit, above 0.
        needless: cost of acting on one with outcome 0, above 0.
        points: about how many thresholds to return, spread evenly over the ranked entities; the best is searched among all.

    Raises:
        ConfigurationError: a cost that is not above 0.
        DataError: an outcome other than 0 and 1, or a probability outside 0 to 1.

    Source: C. Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001, equation 2 for ``by_theory``; the curve is
    the average of those costs over the rows.

    Example:
        >>> curve = cost_curve([0, 1, 1], [0.1, 0.3, 0.8], miss=10, needless=2)
        >>> curve.best.threshold, curve.best.cost, round(curve.by_theory, 3)
        (0.3, 0.0, 0.167)
    """
    _check_costs(miss, needless)
    happened = as_outcome(outcome)
    chance = as_probability(probability, rows=len(happened))
    theory, rows = needless / (needless + miss), len(happened)
    if not rows:
        return CostCurve((), None, theory, None, None, "there are no rows")
    levels, ones_from, all_from = _counted_from(happened, chance)
    ones = float(happened.sum())
    cost = (miss * (ones - ones_from) + needless * (all_from - ones_from)) / rows
    never = miss * ones / rows
    # The last of the cheapest: the highest threshold.
    cheapest = len(cost) - 1 - int(np.argmin(cost[::-1]))
    kept = _spread(len(levels), points, cheapest)
    told = {
        int(each): CostPoint(float(levels[each]), float(cost[each]), float(all_from[each] / rows))
        for each in kept
    }
    return CostCurve(
        points=tuple(told.values()),
        best=told[cheapest] if cost[cheapest] < never else None,
        by_theory=theory,
        never=never,
        always=float(cost[0]),
    )


def expected_cost(
    outcome: ArrayLike, probability: ArrayLike, *, threshold: float | None, miss: float, needless: float
) -> float | None:
    """Cost for each entity of acting from a threshold on; None as threshold is never to act. None without rows."""
    _check_costs(miss, needless)
    happened = as_outcome(outcome)
    chance = as_probability(probability, rows=len(happened))
    if not len(happened):
        return None
    acted = chance >= (np.inf if threshold is None else threshold)
    return float(np.mean(np.where(acted, needless * (1 - happened), miss * happened)))


def _check_costs(miss: float, needless: float) -> None:
    if not (0 < miss < np.inf and 0 < needless < np.inf):
        raise ConfigurationError(
            f"a miss costs {miss:g} and a needless action {needless:g}, expected more than 0"
        )


def _counted_from(outcome: Floats, probability: Floats) -> tuple[Floats, Floats, Floats]:
    """Distinct probabilities, ascending, with the ones and all rows at or above each."""
    levels, level, counts = np.unique(probability, return_inverse=True, return_counts=True)
    ones = sums(level, outcome)
    return levels, np.cumsum(ones[::-1])[::-1], np.cumsum(counts[::-1])[::-1].astype(np.float64)


def _spread(levels: int, points: int, always: int) -> NDArray[np.int64]:
    even = np.linspace(0, levels - 1, min(levels, max(points, 2))).round().astype(np.int64)
    return np.unique(np.append(even, always))
