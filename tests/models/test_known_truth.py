"""On a simulated shop, where the chance of every purchase is known, the model comes close to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from shopwright.core.engine import connect
from shopwright.core.sql import quote_text
from shopwright.models import abandonment
from shopwright.models.classifiers.encoding import Encoder
from shopwright.models.classifiers.tuning import Rows, search
from shopwright.models.frame import Frame, read_frame
from shopwright.models.protocol import Context
from shopwright.settings import ModelSettings
from shopwright.simulate import SimulationConfig, simulate
from shopwright.warehouse.build import build
from tests.warehouse.shops import make_shop, take_in

if TYPE_CHECKING:
    from shopwright.settings import Project
    from shopwright.simulate import Simulation

pytestmark = pytest.mark.slow
TRUTH = """
    select features.user_id, features.session_key, max(features.step_number) as step_number,
        min(1 - truth.purchase_chance) as chance
    from gold.feat_abandonment as features
    inner join silver.int_visitors as visitors
        on features.user_id = visitors.user_id
    inner join silver.int_sessions as sessions
        on
            visitors.user_key = sessions.user_key
            and features.decided_at between sessions.session_start_at and sessions.session_end_at
    inner join read_parquet({file}) as truth
        on
            features.user_id = truth.user_id
            and truth.session_start_at between sessions.session_start_at - interval 10 seconds
                and sessions.session_end_at
    where features.is_abandoned is not null
    group by features.user_id, features.session_key"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Simulation, Project]:
    made = simulate(SimulationConfig(events=600_000, seed=2), tmp_path_factory.mktemp("truth") / "raw")
    project = make_shop(tmp_path_factory.mktemp("shop"), raw=made.out)
    take_in(project)
    build(project)
    return made, project


def auc(outcome: np.ndarray, score: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(outcome, score))


def last_decisions(made: Simulation, project: Project) -> tuple[Frame, np.ndarray]:
    """The last decision of each session that ended with something in the cart, and its true chance of being left."""
    with connect(project.published, read_only=True) as connection:
        frame = read_frame(connection, abandonment.MODEL.ask.source)
        found = connection.execute(TRUTH.format(file=quote_text(str(made.decisions_path)))).fetchall()
    chances = {(session, step): chance for _, session, step, chance in found}
    keys = zip(frame.keys["session_key"], frame.keys["step_number"].tolist(), strict=True)
    chance = np.array([chances.get(key, np.nan) for key in keys])
    kept = ~np.isnan(chance)
    return frame.only(kept), chance[kept]


def test_a_classifier_of_ended_sessions_ranks_nearly_as_the_true_chances_do(
    shop: tuple[Simulation, Project],
) -> None:
    """At a session's last decision; before it, what will be in the cart at the end is not known to anybody."""
    frame, chance = last_decisions(*shop)
    encoder = Encoder.fit(frame)
    place = np.arange(len(frame)) / len(frame)
    training, validation, test = place < 0.65, (place >= 0.65) & (place < 0.75), place >= 0.75
    rows = [
        Rows(encoder.matrix(part.columns), part.outcome)
        for part in (frame.only(training), frame.only(validation))
    ]
    scorer, _ = search("lightgbm", *rows, trials=8, seed=1)
    judged = frame.only(test)
    score = scorer.log_odds(encoder.matrix(judged.columns))
    assert len(judged) > 1_000
    assert auc(judged.outcome, score) > auc(judged.outcome, chance[test]) - 0.02


def test_the_abandonment_model_is_calibrated_at_all_its_decisions(shop: tuple[Simulation, Project]) -> None:
    _, project = shop
    training = abandonment.MODEL.train(Context(project.published, ModelSettings(trials=4, seed=1)))
    assert training.judgement.verdict == "predictable"
    assert training.gate.passes
    assert training.findings == ()
    bins = training.tables["reliability"]
    rows = sum(each["count"] for each in bins)
    error = sum(each["count"] * abs(each["predicted"] - each["observed"]) for each in bins) / rows
    by_chance = (
        sum((each["count"] * each["observed"] * (1 - each["observed"]) * 2 / np.pi) ** 0.5 for each in bins)
        / rows
    )
    assert error < 0.02 + by_chance
