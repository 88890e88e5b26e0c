"""Prediction tasks: where a classifier's rows come from, what it must beat, and how its future is rewritten."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from shopwright.models.classifiers.config import DEFAULT_CONFIG

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from shopwright.models.classifiers.config import ClassifierConfig
    from shopwright.models.naive_recipe import NaiveRecipe
    from shopwright.models.training_set import FeatureView, TrainingSet

    Baseline = Callable[[TrainingSet, TrainingSet], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class PredictionTask:
    """A yes-or-no prediction about entities at times of decision."""

    name: str
    view: FeatureView
    baselines: Mapping[str, Baseline]
    """Name to a function of training rows and rows to score that returns probabilities for the latter, (rows,)."""
    rewrites: Callable[[str], Mapping[str, str]]
    """Function of a time (SQL literal) that returns the tables below the features with everything later rewritten."""
    now: str
    """SQL condition for the decisions to score today."""
    score: str = "pr_auc"
    """Score that compares the model with baselines and the champion."""
    where: str = ""
    """SQL condition for the decisions to learn from."""
    optional: tuple[str, ...] = field(default=())
    """Features that callers may leave out; a share of the training rows does so too."""
    naive_recipe: NaiveRecipe | None = None
    """The usual recipe, to show next to the model."""
    config: ClassifierConfig = DEFAULT_CONFIG


def constant(training: TrainingSet, rows: TrainingSet) -> NDArray[np.float64]:
    """Predict the rate of the training rows for every row: what is known without a model."""
    return np.full(len(rows), training.outcome.mean())


def by_bins(feature: str, bins: int = 20) -> Baseline:
    """Build a baseline of one feature alone: the rate of the training rows with a similar value.

    Args:
        feature: a number; rows where it is unknown are one bin.
        bins: of about equally many training rows each.
    """

    def baseline(training: TrainingSet, rows: TrainingSet) -> NDArray[np.float64]:
        values = training.columns[feature]
        numbers = values[~np.isnan(values)]
        edges = (
            np.unique(np.quantile(numbers, np.linspace(0, 1, bins + 1)[1:-1])) if len(numbers) else numbers
        )

        def assign_bins(values: NDArray[np.float64]) -> NDArray[np.int64]:
            return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))

        bin_of_row = assign_bins(values)
        counts = np.bincount(bin_of_row, minlength=len(edges) + 2)
        positives = np.bincount(bin_of_row, weights=training.outcome, minlength=len(edges) + 2)
        # One row of the overall rate in each bin, so that none is certain of anything.
        rates = (positives + training.outcome.mean()) / (counts + 1)
        probability: NDArray[np.float64] = rates[assign_bins(rows.columns[feature])]
        return probability

    return baseline
