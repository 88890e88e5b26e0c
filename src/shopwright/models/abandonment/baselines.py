"""The recipe that is copied from tutorial to tutorial, to stand beside the model.

Four summaries of a session (views, carts, minutes, experiment group), XGBoost with 100 trees of depth 4 at rate 0.1, and a
random, stratified split. Its AUC flatters: the summaries are of whole sessions, counted after the purchase that they are to
foresee. ``classic`` is the same recipe on what is known at the decision.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from shopwright.models.abandonment.features import CLASSIC
from shopwright.models.classifiers.encoding import Encoder
from shopwright.models.classifiers.predictor import expit
from shopwright.models.classifiers.scorers import fit

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

    from shopwright.models.frame import Frame

SETTINGS = {"trees": 100, "max_depth": 4, "learning_rate": 0.1}
TEST_SHARE = 0.2
SEED = 42
"""Of the recipe's split."""


def classic(training: Frame, rows: Frame) -> NDArray[np.float64]:
    """The recipe's model on the four fields as they are at the decision; probabilities, (rows,)."""
    source = replace(
        training.source, features=tuple(each for each in training.features if each.name in CLASSIC)
    )
    narrow = replace(training, source=source)
    encoder = Encoder.fit(narrow)
    fitted = fit("xgboost", encoder.matrix(narrow.columns), narrow.outcome, settings=SETTINGS, seed=SEED)
    return expit(fitted.log_odds(encoder.matrix(rows.columns)))


def flattering_auc(connection: duckdb.DuckDBPyConnection, *, most_rows: int) -> float | None:
    """AUC of the recipe as it is usually done: whole sessions, split at random.

    Args:
        connection: to a warehouse.
        most_rows: sessions with a cart that are used.

    Returns:
        None where there are fewer than two sessions of either outcome to test on.
    """
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415  # slow to import
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    found = connection.execute(
        "select product_view_count, add_to_cart_count, duration_seconds / 60.0 as minutes, "
        "coalesce(experiment_group = 'treatment', false) as is_treated, is_abandoned from gold.fct_sessions "
        f"where has_cart and not is_bot order by session_key limit {int(most_rows)}"
    ).fetchnumpy()
    *columns, outcome = (np.asarray(values, dtype=np.float64) for values in found.values())
    if min(outcome.sum(), len(outcome) - outcome.sum()) < 2 / TEST_SHARE:
        return None
    matrix = np.column_stack(columns).astype(np.float32)
    training, test, known, hidden = train_test_split(
        matrix, outcome, test_size=TEST_SHARE, stratify=outcome, random_state=SEED
    )
    fitted = fit("xgboost", training, known, settings=SETTINGS, seed=SEED)
    return float(roc_auc_score(hidden, fitted.log_odds(test)))
