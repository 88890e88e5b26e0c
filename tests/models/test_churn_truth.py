"""On a simulated shop, where it is known how users come and go, the churn model comes close to what can be known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shopwright.models import churn
from shopwright.models.classifiers.predictor import Predictor
from shopwright.models.classifiers.windows import read_decisions, split_windows
from shopwright.models.protocol import TrainingContext
from shopwright.settings import ModelSettings
from shopwright.simulate import SimulationConfig, simulate
from shopwright.warehouse.build import build
from tests.models.buying_law import BuyingLaw
from tests.models.ideal_observer import opened
from tests.warehouse.shops import make_shop, take_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shopwright.models.protocol import TrainingResult
    from shopwright.models.training_set import TrainingSet

    Floats = NDArray[np.float64]

pytestmark = pytest.mark.slow
START = date(2023, 1, 1)
CONFIG = SimulationConfig(
    format="marketplace",
    files="parquet",
    events=1_600_000,
    seed=3,
    users=16_000,
    months=36,
    start=START,
)
HORIZON = 90.0


@dataclass(frozen=True)
class Known:
    """The model, its test window, and what can be foretold of it."""

    training: TrainingResult
    test: TrainingSet
    served: Floats
    foreseeable: Floats
    of_known_pace: Floats


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    made = simulate(CONFIG, tmp_path_factory.mktemp("truth") / "raw")
    project = make_shop(tmp_path_factory.mktemp("shop"), raw=made.out)
    take_in(project)
    build(project)
    context = TrainingContext(project.published, ModelSettings(trials=6, seed=1))
    training = churn.MODEL.train(context)
    folder = tmp_path_factory.mktemp("model")
    training.files(folder)
    test = split_windows(read_decisions(churn.MODEL.task, context)).test
    return Known(training, test, Predictor.load(folder).probability(test.columns), *foretold(test))


def foretold(test: TrainingSet) -> tuple[Floats, Floats]:
    """Chance to be gone given the orders so far, and given the user's pace as well."""
    shop, visits_a_day = opened(CONFIG)
    law, columns = BuyingLaw(shop, visits_a_day), test.columns
    at = (test.decided_at - np.datetime64(START, "us")) / np.timedelta64(1, "D")
    age, silent = columns["tenure_days"], columns["recency_days"]
    places = {shop.users.id_of(user): user for user in range(shop.users.size)}
    user = np.array([places[each] for each in test.entity])
    return (
        law.foreseeable(
            repeats=columns["order_day_count"] - 1, recency=age - silent, age=age, at=at, horizon=HORIZON
        ),
        law.of_known_pace(user, silent=silent, at=at, horizon=HORIZON),
    )


def auc(outcome: Floats, score: Floats) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(outcome, score))


def calibration_error(outcome: Floats, chance: Floats) -> float:
    """ECE over ten bins of equally many."""
    parts = np.array_split(np.argsort(chance, kind="stable"), 10)
    return sum(len(part) * abs(outcome[part].mean() - chance[part].mean()) for part in parts) / len(chance)


def test_the_churn_model_ranks_nearly_as_the_true_chances_that_can_be_known(known: Known) -> None:
    """Who left and who will still order is drawn, so the reference is a chance: given orders so far, by the shop's laws.

    On this shop's test window it has an AUC of 0.767, and the model 0.761; one who knew each user's pace, which no event
    states, would have 0.806.
    """
    outcome = known.test.outcome
    assert len(known.test) > 10_000
    assert auc(outcome, known.of_known_pace) > auc(outcome, known.foreseeable)
    assert auc(outcome, known.served) > auc(outcome, known.foreseeable) - 0.02


def test_the_churn_model_is_calibrated(known: Known) -> None:
    """Its ECE is 0.013, and that of true chances would be 0.005 to 0.014 by luck alone (95 %) in a window of 2,230 customers.

    A shop must be large enough to show it: with a third of the customers and two years instead of three, of which one was
    left to learn from, luck alone came to 0.011 to 0.029 and the model to 0.035.
    """
    outcome, rng = known.test.outcome, np.random.default_rng(1)
    drawn = [(rng.random(len(outcome)) < known.foreseeable).astype(float) for _ in range(200)]
    by_luck = np.quantile([calibration_error(each, known.foreseeable) for each in drawn], 0.975)
    assert by_luck < 0.02
    assert calibration_error(outcome, known.served) < 0.02


def test_nothing_leaks(known: Known) -> None:
    assert known.training.findings == ()
