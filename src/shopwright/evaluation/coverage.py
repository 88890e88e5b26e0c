"""Coverage: whether prediction intervals contain as many actual values as they promise, also for counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import ConfigurationError, DataError
from shopwright.evaluation.checks import check_probability
from shopwright.evaluation.resampling import resample
from shopwright.evaluation.scores import DRAWS, LEVEL, Score

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from shopwright.evaluation.checks import Floats


def expected_coverage(below: ArrayLike, at: ArrayLike, *, level: float) -> Floats:
    """Compute the chance that the central interval contains each actual value, over the randomized probability transform.

    The transform puts an actual count y at a uniform position between F(y - 1) and F(y); the central interval holds the positions
    from (1 - level) / 2 to (1 + level) / 2. Instead of drawing one position, this is the share of [F(y - 1), F(y)] that
    lies in there, so there is no noise from the draw. Its mean over rows is ``level`` for a correct model, where the share of
    counts within discrete bounds is larger by however much the bounds are rounded.

    Args:
        below: (n,) F(y - 1), the predicted probability of less than the actual value, in 0 to 1.
        at: (n,) F(y), of at most the actual value; equal to ``below`` for a continuous prediction.
        level: of the interval, above 0 and below 1.

    Returns:
        (n,) in 0 to 1.

    Raises:
        DataError: probabilities outside 0 to 1, or ``below`` above ``at``.

    Source: C. Czado, T. Gneiting, L. Held, "Predictive Model Assessment for Count Data", Biometrics 65, 2009, equations 1
    and 2.

    Example:
        >>> expected_coverage([0.0, 0.5], [0.5, 0.9], level=0.8).tolist()
        [0.8, 1.0]
    """
    if not 0 < level < 1:
        raise ConfigurationError(f"level is {level:g}, expected between 0 and 1")
    low, high = _bounds(below, at)
    return _share_within(low, high, (1 - level) / 2, (1 + level) / 2)


def pit_histogram(below: ArrayLike, at: ArrayLike, *, bins: int = 10) -> Floats:
    """Compute the histogram of the probability transform, for counts without drawing: flat if the predictions are right.

    A hump in the middle means that the intervals are too wide, high ends that they are too narrow, a slope that the
    predictions are too high or too low.

    Args:
        below: (n,) F(y - 1).
        at: (n,) F(y).
        bins: of equal width.

    Returns:
        (bins,) shares that add up to 1; NaN without rows.

    Source: Czado, Gneiting and Held 2009, equations 2 and 3.
    """
    low, high = _bounds(below, at)
    if not len(low):
        return np.full(bins, np.nan)
    edges = np.linspace(0, 1, bins + 1)
    cumulative = [float(np.mean(_share_up_to(low, high, edge))) for edge in edges[1:-1]]
    return np.diff(np.array([0.0, *cumulative, 1.0]))


def coverage_score(
    below: ArrayLike,
    at: ArrayLike,
    *,
    interval_level: float = 0.8,
    groups: NDArray[Any] | None = None,
    rng: np.random.Generator,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Score:
    """Compute the mean expected coverage of the central intervals, as a score.

    Args:
        below: (n,) F(y - 1).
        at: (n,) F(y).
        interval_level: of the central intervals; the score's ideal.
        groups: (n,) entity of each row; whole entities are resampled.
        rng: source of the draws.
        draws: of the bootstrap.
        level: of the score's interval.
    """
    rows = _Mean(expected_coverage(below, at, level=interval_level))
    empty = Score("interval_coverage", None, None, None, "ideal", "there are no rows", interval_level)
    if not len(rows):
        return empty
    resampled = resample(rows, groups=groups, rng=rng, draws=draws, level=level)
    lower, upper = float(resampled.lower[0]), float(resampled.upper[0])
    has_interval = not np.isnan(lower)
    return replace(
        empty,
        value=float(resampled.value[0]),
        lower=lower if has_interval else None,
        upper=upper if has_interval else None,
        reason=None,
        note=resampled.note,
    )


@dataclass(frozen=True, slots=True)
class _Mean:
    values: Floats

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: NDArray[np.intp]) -> _Mean:
        return _Mean(self.values[rows])

    def measure(self, weights: Floats | None) -> Floats:
        return np.array([np.average(self.values, weights=weights)])


def _bounds(below: ArrayLike, at: ArrayLike) -> tuple[Floats, Floats]:
    low = np.asarray(below, dtype=np.float64)
    rows = len(low) if low.ndim else 0
    low = check_probability(low, rows=rows, name="below")
    high = check_probability(at, rows=rows, name="at")
    if (low > high).any():
        first = int(np.argmax(low > high))
        raise DataError(f"below row {first} is {low[first]:g}, above at with {high[first]:g}")
    return low, high


def _share_within(low: Floats, high: Floats, start: float, end: float) -> Floats:
    width = high - low
    overlap = np.minimum(high, end) - np.maximum(low, start)
    point = ((low >= start) & (low <= end)).astype(np.float64)
    return np.where(width > 0, np.clip(overlap, 0, None) / np.where(width > 0, width, 1), point)


def _share_up_to(low: Floats, high: Floats, end: float) -> Floats:
    width = high - low
    return np.where(
        width > 0, np.clip((end - low) / np.where(width > 0, width, 1), 0, 1), (low <= end).astype(np.float64)
    )
