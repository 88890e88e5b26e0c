"""Cost of acting on probabilities: the expected cost per entity, by the threshold from which to act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.errors import ConfigurationError
from shopwright.evaluation.checks import check_outcome, check_probability
from shopwright.evaluation.measures import sum_by_index

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from shopwright.evaluation.checks import Floats


@dataclass(frozen=True, slots=True)
class CostPoint:
    """The cost of acting on every entity with at least this probability."""

    threshold: float
    cost: float
    """Expected cost per entity, in the unit of the two costs."""
    acted_share: float
    """Share of entities acted on, 0 to 1."""


@dataclass(frozen=True, slots=True)
class CostCurve:
    """Expected cost by threshold, from acting on all entities to acting on the most likely only."""

    points: tuple[CostPoint, ...]
    best: CostPoint | None
    """The cheapest point, with the fewest actions among equals; None if it is cheapest never to act, or without rows.

    It is optimistic on the rows that it was chosen on: choose it on validation, and report its ``expected_cost`` on test."""
    theoretical_threshold: float
    """Cheapest threshold for calibrated probabilities: false positive cost over the sum of both costs."""
    never_cost: float | None
    """Expected cost per entity of never acting."""
    always_cost: float | None
    """Expected cost per entity of acting on everyone."""
    reason: str | None = None
    """Reason, if there is no cost at all."""


def cost_curve(
    outcome: ArrayLike,
    probability: ArrayLike,
    *,
    false_negative_cost: float,
    false_positive_cost: float,
    points: int = 200,
) -> CostCurve:
    """Compute the expected cost per entity at every threshold, from the costs of the two kinds of error.

    Args:
        outcome: (n,) 1 where an action would have been right, else 0.
        probability: (n,) of outcome 1, in 0 to 1.
        false_negative_cost: of not acting on an entity with outcome 1, in money or any unit, above 0.
        false_positive_cost: of acting on an entity with outcome 0, in the same unit, above 0.
        points: about how many thresholds to return, spread evenly over the ranked entities; the best is searched among all.

    Raises:
        ConfigurationError: a cost that is not above 0.
        DataError: an outcome other than 0 and 1, or a probability outside 0 to 1.

    Source: C. Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001, equation 2 for ``theoretical_threshold``; the curve is
    the average of those costs over the rows.

    Example:
        >>> curve = cost_curve([0, 1, 1], [0.1, 0.3, 0.8], false_negative_cost=10, false_positive_cost=2)
        >>> curve.best.threshold, curve.best.cost, round(curve.theoretical_threshold, 3)
        (0.3, 0.0, 0.167)
    """
    _check_costs(false_negative_cost, false_positive_cost)
    outcomes = check_outcome(outcome)
    probabilities = check_probability(probability, rows=len(outcomes))
    threshold, rows = false_positive_cost / (false_positive_cost + false_negative_cost), len(outcomes)
    if not rows:
        return CostCurve((), None, threshold, None, None, "there are no rows")
    levels, positives_above, rows_above = _counted_from(outcomes, probabilities)
    positives = float(outcomes.sum())
    cost = (
        false_negative_cost * (positives - positives_above)
        + false_positive_cost * (rows_above - positives_above)
    ) / rows
    never_cost = false_negative_cost * positives / rows
    # The last of the cheapest: the highest threshold.
    cheapest = len(cost) - 1 - int(np.argmin(cost[::-1]))
    selected = _spread(len(levels), points, cheapest)
    points_by_level = {
        int(level): CostPoint(float(levels[level]), float(cost[level]), float(rows_above[level] / rows))
        for level in selected
    }
    return CostCurve(
        points=tuple(points_by_level.values()),
        best=points_by_level[cheapest] if cost[cheapest] < never_cost else None,
        theoretical_threshold=threshold,
        never_cost=never_cost,
        always_cost=float(cost[0]),
    )


def expected_cost(
    outcome: ArrayLike,
    probability: ArrayLike,
    *,
    threshold: float | None,
    false_negative_cost: float,
    false_positive_cost: float,
) -> float | None:
    """Compute the cost per entity of acting from a threshold on (None: never acting). None without rows."""
    _check_costs(false_negative_cost, false_positive_cost)
    outcomes = check_outcome(outcome)
    probabilities = check_probability(probability, rows=len(outcomes))
    if not len(outcomes):
        return None
    acted = probabilities >= (np.inf if threshold is None else threshold)
    return float(
        np.mean(np.where(acted, false_positive_cost * (1 - outcomes), false_negative_cost * outcomes))
    )


def _check_costs(false_negative_cost: float, false_positive_cost: float) -> None:
    if not (0 < false_negative_cost < np.inf and 0 < false_positive_cost < np.inf):
        raise ConfigurationError(
            f"false_negative_cost is {false_negative_cost:g} and false_positive_cost {false_positive_cost:g}, expected more than 0"
        )


def _counted_from(outcome: Floats, probability: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the distinct probabilities, ascending, and the positives and all rows at or above each."""
    levels, level, counts = np.unique(probability, return_inverse=True, return_counts=True)
    positives = sum_by_index(level, outcome)
    return levels, np.cumsum(positives[::-1])[::-1], np.cumsum(counts[::-1])[::-1].astype(np.float64)


def _spread(levels: int, points: int, always_cost: int) -> NDArray[np.int64]:
    even = np.linspace(0, levels - 1, min(levels, max(points, 2))).round().astype(np.int64)
    return np.unique(np.append(even, always_cost))
