"""Baselines that a model of spending must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopwright.models.lifetime_value.features import future_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from shopwright.models.training_set import TrainingSet

    Floats = NDArray[np.float64]


def constant(training: TrainingSet, rows: TrainingSet, days: int) -> Floats:
    """Return the same for all customers: the mean at the latest snapshot with a known outcome.

    Without one: what customers spent per day after their first day, which is what made them customers.
    """
    if len(training):
        last = training.take(training.decided_at == training.decided_at.max())
        return np.full(len(rows), future_value(last, days).mean())
    columns = rows.columns
    repeats = float(np.nansum(columns["repeat_count"] * columns["mean_repeat_value"]))
    return np.full(len(rows), repeats / columns["age_days"].sum() * days)


def spending_rate(_training: TrainingSet, rows: TrainingSet, days: int) -> Floats:
    """Return the value so far per day since the first purchase, times the days of the horizon."""
    values: Floats = rows.columns["value_total"] / rows.columns["age_days"] * days
    return values


def value_so_far(_training: TrainingSet, rows: TrainingSet, _days: int) -> Floats:
    """Return the value so far: a plain ranking that does not extrapolate yesterday's first order to every day."""
    values: Floats = rows.columns["value_total"]
    return values


BASELINES: dict[str, Callable[[TrainingSet, TrainingSet, int], Floats]] = {
    "constant": constant,
    "spending rate": spending_rate,
    "value so far": value_so_far,
}
"""Name to a function that predicts values, (rows,) in currency, from training rows whose outcome was known by then."""
