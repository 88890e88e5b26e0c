"""What sets one classifier apart from another: where its rows come from, and what it must beat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from shopwright.models.naive_recipe import NaiveRecipe
    from shopwright.models.training_set import FeatureView, TrainingSet

    Baseline = Callable[[TrainingSet, TrainingSet], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class PredictionTask:
    """A yes-or-no question about entities at moments of decision."""

    name: str
    view: FeatureView
    baselines: Mapping[str, Baseline]
    """Name to what gives probabilities for rows, having seen the training rows only."""
    rewrites: Callable[[str], Mapping[str, str]]
    """Of a moment (SQL literal), the tables below the features with everything after it rewritten."""
    now: str
    """SQL condition of the decisions that are scored today."""
    score: str = "pr_auc"
    """What it is judged by against baselines and the champion."""
    where: str = ""
    """SQL condition of the decisions that are learnt from."""
    optional: tuple[str, ...] = field(default=())
    """Features that callers may leave out; a share of the training rows does so too."""
    naive_recipe: NaiveRecipe | None = None
    """The usual recipe, to be shown beside the model."""


def constant(training: TrainingSet, rows: TrainingSet) -> NDArray[np.float64]:
    """The share of the training rows for everybody: what is known without a model."""
    return np.full(len(rows), training.outcome.mean())


def by_bins(feature: str, bins: int = 20) -> Baseline:
    """One feature alone: the share of the training rows among those with a similar value of it.

    Args:
        feature: a number; rows without it are one bin.
        bins: of about equally many training rows each.
    """

    def baseline(training: TrainingSet, rows: TrainingSet) -> NDArray[np.float64]:
        values = training.columns[feature]
        seen = values[~np.isnan(values)]
        edges = np.unique(np.quantile(seen, np.linspace(0, 1, bins + 1)[1:-1])) if len(seen) else seen

        def place(given: NDArray[np.float64]) -> NDArray[np.int64]:
            found = np.searchsorted(edges, given, side="left")
            return np.where(np.isnan(given), len(edges) + 1, found)

        placed = place(values)
        counts = np.bincount(placed, minlength=len(edges) + 2)
        hits = np.bincount(placed, weights=training.outcome, minlength=len(edges) + 2)
        # One row of the overall share in each bin, so that none is certain of anything.
        shares = (hits + training.outcome.mean()) / (counts + 1)
        found: NDArray[np.float64] = shares[place(rows.columns[feature])]
        return found

    return baseline
