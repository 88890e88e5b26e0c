"""The naive recipe for abandonment, as copied from tutorials and evaluated honestly.

The recipe describes each session by its views, carts, minutes and experiment group, all of it, to its end, and splits at
random. It scores sessions that are over: what it calls a prediction has seen the steps of the checkout, whose time and views
are among its inputs. At the decision the same four features predict less, and on later sessions less again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.engine import connect
from shopwright.core.errors import DataError
from shopwright.models.abandonment.baselines import classic_recipe
from shopwright.models.abandonment.config import CONFIG
from shopwright.models.abandonment.features import CLASSIC, FEATURE_VIEW, WHERE
from shopwright.models.classifiers.encoding import Encoder
from shopwright.models.classifiers.estimators import fit
from shopwright.models.classifiers.windows import split_windows
from shopwright.models.naive_recipe import NaiveRecipe, RecipeResult, split_at_random
from shopwright.models.training_set import Feature, FeatureView, outcome_is_known, read_training_set

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.models.training_set import TrainingSet

WHOLE_SESSIONS = FeatureView(
    table="""(
        select
            user_id, session_key, session_start_at, session_end_at, is_abandoned, experiment_group,
            product_view_count as total_views, add_to_cart_count as total_carts,
            duration_seconds / 60.0 as session_duration_minutes
        from gold.fct_sessions
        where has_cart and not is_bot
    )""",
    entity="user_id",
    keys=("session_key",),
    decided_at="session_start_at",
    known_at="session_end_at",
    outcome="is_abandoned",
    features=tuple(Feature(name, "category" if name == "experiment_group" else "number") for name in CLASSIC),
)
"""Sessions as the recipe sees them: over."""


def reproduce(published: Path) -> list[RecipeResult]:
    """Run the recipe as copied, with a split by time, and with what is known at the decision.

    Args:
        published: the published warehouse of a shop with clickstream events.

    Raises:
        DataError: there are too few sessions, or the history is too short.
    """
    max_rows = CONFIG.recipe_max_rows
    with connect(published, read_only=True) as connection:
        sessions = read_training_set(
            connection, WHOLE_SESSIONS, where=outcome_is_known(WHOLE_SESSIONS), max_rows=max_rows
        )
        decisions = read_training_set(
            connection,
            FEATURE_VIEW,
            where=f"{outcome_is_known(FEATURE_VIEW)} and ({WHERE})",
            max_rows=max_rows,
        )
    abandoned = sessions.outcome.sum()
    if min(abandoned, len(sessions) - abandoned) < CONFIG.recipe_min_sessions:
        raise DataError(f"{len(sessions):,} sessions with a cart are too few to reproduce the recipe")
    return [
        _split_at_random("whole sessions, split at random", sessions),
        _split_by_time("whole sessions, later ones scored", sessions),
        _split_by_time("what is known at the decision, later ones scored", decisions),
    ]


def _split_at_random(name: str, data: TrainingSet) -> RecipeResult:
    """Run the recipe as copied."""
    matrix = Encoder.fit(data).matrix(data.columns)
    x_train, x_test, y_train, y_test = split_at_random(
        matrix, data.outcome, test_share=CONFIG.recipe_test_share, seed=CONFIG.recipe_seed
    )
    estimator = fit("xgboost", x_train, y_train, settings=CONFIG.recipe_settings, seed=CONFIG.recipe_seed)
    return RecipeResult.from_log_odds(name, len(data), y_test, estimator.log_odds(x_test))


def _split_by_time(name: str, data: TrainingSet) -> RecipeResult:
    """Fit on the training window and score the test window, as the model's baseline is."""
    windows = split_windows(data)
    test = windows.test
    probability = np.clip(classic_recipe(windows.training, test), 1e-12, 1 - 1e-12)
    return RecipeResult.from_log_odds(name, len(data), test.outcome, np.log(probability / (1 - probability)))


NAIVE_RECIPE = NaiveRecipe(
    title="Abandoned: a cart and no purchase by the session's end; features: views, carts, minutes, experiment group",
    lesson=(
        "A session that is over contains the steps of its checkout, so its views and minutes reveal how it ended. "
        "`shopwright train abandonment` decides while the purchase can still happen, and is evaluated on later sessions."
    ),
    reproduce=reproduce,
)
