"""What a model of spending must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopwright.models.lifetime_value.features import spent

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from shopwright.models.training_set import TrainingSet

    Floats = NDArray[np.float64]


def constant(known: TrainingSet, rows: TrainingSet, days: int) -> Floats:
    """The same for everybody: the mean at the latest snapshot whose outcome is known.

    Without one, what customers brought a day after their first one, which is what made them customers.
    """
    if len(known):
        last = known.take(known.decided_at == known.decided_at.max())
        return np.full(len(rows), spent(last, days).mean())
    columns = rows.columns
    repeats = float(np.nansum(columns["repeat_count"] * columns["mean_repeat_value"]))
    return np.full(len(rows), repeats / columns["age_days"].sum() * days)


def as_before(_known: TrainingSet, rows: TrainingSet, days: int) -> Floats:
    """Value so far per day since the first purchase, on and on."""
    found: Floats = rows.columns["value_total"] / rows.columns["age_days"] * days
    return found


def so_far(_known: TrainingSet, rows: TrainingSet, _days: int) -> Floats:
    """As much again as so far: a plain ranking that does not take a first order of yesterday for a daily one."""
    found: Floats = rows.columns["value_total"]
    return found


BASELINES: dict[str, Callable[[TrainingSet, TrainingSet, int], Floats]] = {
    "constant": constant,
    "as before": as_before,
    "value so far": so_far,
}
"""Name to what gives values for rows, having seen the rows with an outcome known by then."""
