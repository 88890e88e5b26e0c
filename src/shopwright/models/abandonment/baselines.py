"""The recipe that is copied from tutorial to tutorial, made honest, to stand beside the model.

Four summaries of a session (views, carts, minutes, experiment group), XGBoost with 100 trees of depth 4 at rate 0.1, and a
random, stratified split. Its AUC flatters: the summaries are of whole sessions, counted after the purchase that they are to
foresee (``naive_recipe`` follows it). ``classic`` is the same recipe on what is known at the decision.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shopwright.models.abandonment.features import CLASSIC
from shopwright.models.classifiers.encoding import Encoder
from shopwright.models.classifiers.estimators import fit
from shopwright.models.classifiers.predictor import expit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shopwright.models.training_set import TrainingSet

SETTINGS = {"trees": 100, "max_depth": 4, "learning_rate": 0.1}
SEED = 42
"""Of the recipe's split."""


def classic(training: TrainingSet, rows: TrainingSet) -> NDArray[np.float64]:
    """The recipe's model on the four fields as they are at the decision; probabilities, (rows,)."""
    view = replace(training.view, features=tuple(each for each in training.features if each.name in CLASSIC))
    narrow = replace(training, view=view)
    encoder = Encoder.fit(narrow)
    fitted = fit("xgboost", encoder.matrix(narrow.columns), narrow.outcome, settings=SETTINGS, seed=SEED)
    return expit(fitted.log_odds(encoder.matrix(rows.columns)))
