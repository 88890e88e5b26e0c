"""How good the usual recipe for abandonment looks, and how good it is: whole sessions split at random, and what is known in time.

The recipe describes each session by its views, carts, minutes and experiment group, all of it, to its end, and splits at
random. Its score is of sessions that are over: what it calls a prediction has seen the steps of the checkout, whose time and views
are counted among the rest. At the decision, of the same four fields, less is left; on later sessions than were learnt from, less again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.engine import connect
from shopwright.core.errors import DataError
from shopwright.models.abandonment.baselines import SEED, SETTINGS, classic
from shopwright.models.abandonment.features import CLASSIC, FEATURE_VIEW, WHERE
from shopwright.models.classifiers.encoding import Encoder
from shopwright.models.classifiers.estimators import fit
from shopwright.models.classifiers.windows import split_windows
from shopwright.models.naive_recipe import NaiveRecipe, RecipeResult, split_at_random
from shopwright.models.training_set import Feature, FeatureView, outcome_is_known, read_training_set

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from shopwright.models.training_set import TrainingSet

    Floats = NDArray[np.float64]

TEST_SHARE = 0.2
FEWEST = 100
"""Sessions of either outcome without which there is nothing to show."""
MOST_ROWS = 1_000_000

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
    """The recipe as it is copied, the same split by time, and what it can do at the decision.

    Args:
        published: the published warehouse of a shop with clicks.

    Raises:
        DataError: there are too few sessions, or too short a history.
    """
    with connect(published, read_only=True) as connection:
        whole = read_training_set(
            connection, WHOLE_SESSIONS, where=outcome_is_known(WHOLE_SESSIONS), max_rows=MOST_ROWS
        )
        decisions = read_training_set(
            connection,
            FEATURE_VIEW,
            where=f"{outcome_is_known(FEATURE_VIEW)} and ({WHERE})",
            max_rows=MOST_ROWS,
        )
    abandoned = whole.outcome.sum()
    if min(abandoned, len(whole) - abandoned) < FEWEST:
        raise DataError(f"{len(whole):,} sessions with a cart are too few to reproduce the recipe")
    return [
        _at_random("whole sessions, split at random", whole),
        _by_time("whole sessions, later ones scored", whole),
        _by_time("what is known at the decision, later ones scored", decisions),
    ]


def _at_random(name: str, frame: TrainingSet) -> RecipeResult:
    """As it is copied."""
    matrix = Encoder.fit(frame).matrix(frame.columns)
    training, test, told, hidden = split_at_random(matrix, frame.outcome, test_share=TEST_SHARE, seed=SEED)
    log_odds = fit("xgboost", training, told, settings=SETTINGS, seed=SEED).log_odds(test)
    return RecipeResult.from_log_odds(name, len(frame), hidden, log_odds)


def _by_time(name: str, frame: TrainingSet) -> RecipeResult:
    """Learnt from the training window and scored on the test window, as the baseline of the room is."""
    windows = split_windows(frame)
    test = windows.test
    probability = np.clip(classic(windows.training, test), 1e-12, 1 - 1e-12)
    return RecipeResult.from_log_odds(name, len(frame), test.outcome, np.log(probability / (1 - probability)))


NAIVE_RECIPE = NaiveRecipe(
    title="Abandoned: a cart and no purchase by the session's end; views, carts, minutes and experiment group",
    lesson=(
        "A session that is over holds the steps of its checkout, so its views and minutes tell how it ended. 'shopwright "
        "train abandonment' decides while the cart can still be bought, and is judged on later sessions."
    ),
    reproduce=reproduce,
)
