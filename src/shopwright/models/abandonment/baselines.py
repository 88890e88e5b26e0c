"""The baseline of the abandonment model: the recipe that tutorials copy, made honest.

Four summaries of a session (views, carts, minutes, experiment group), XGBoost with 100 trees of depth 4 at rate 0.1, and a
random, stratified split. Its AUC is misleading: the summaries are of whole sessions, counted after the purchase that they
should predict (``naive_recipe`` reproduces it). ``classic_recipe`` is the same recipe with what is known at the decision.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shopwright.models.abandonment.config import CONFIG
from shopwright.models.abandonment.features import CLASSIC
from shopwright.models.classifiers.encoding import Encoder
from shopwright.models.classifiers.estimators import fit
from shopwright.models.classifiers.predictor import expit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shopwright.models.training_set import TrainingSet


def classic_recipe(training: TrainingSet, rows: TrainingSet) -> NDArray[np.float64]:
    """Fit the recipe's model on its four features as known at the decision; return probabilities for rows, (rows,)."""
    features = tuple(feature for feature in training.features if feature.name in CLASSIC)
    narrow = replace(training, view=replace(training.view, features=features))
    encoder = Encoder.fit(narrow)
    estimator = fit(
        "xgboost",
        encoder.matrix(narrow.columns),
        narrow.outcome,
        settings=CONFIG.recipe_settings,
        seed=CONFIG.recipe_seed,
    )
    return expit(estimator.log_odds(encoder.matrix(rows.columns)))
