"""Online and in the warehouse: the same score for the same session, the same figure for the same question."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pytest
from starlette.testclient import TestClient

from shopwright.core.engine import connect
from shopwright.models import lifecycle
from shopwright.models.abandonment.features import FEATURE_VIEW
from shopwright.models.training_set import read_training_set
from shopwright.reports import REPORTS, read_report
from shopwright.service.app import create_app
from shopwright.settings import load_project
from tests.models.conftest import market, simulation
from tests.models.test_live_features import prefix
from tests.service.example_shop import register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shopwright.settings import Project

__all__ = ["market", "simulation"]
pytestmark = pytest.mark.slow
SAMPLED = 15


@pytest.fixture(scope="module")
def scored(market: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the marketplace with a champion and its scores."""
    root = tmp_path_factory.mktemp("scored") / "shop"
    shutil.copytree(market.root, root)
    project = load_project(root)
    with connect(project.published, read_only=True) as connection:
        frame = read_training_set(connection, FEATURE_VIEW, where="is_abandoned is not null")
    register(project, root.parent / "champion", frame)
    lifecycle.score(project, lifecycle.find_model("abandonment"))
    return project


@pytest.fixture(scope="module")
def asked(scored: Project) -> Iterator[TestClient]:
    with TestClient(create_app(scored)) as client:
        yield client


def test_the_online_score_of_a_session_is_that_of_the_warehouse(scored: Project, asked: TestClient) -> None:
    with connect(scored.published, read_only=True) as connection:
        scores = dict(
            connection.execute(
                "select (session_key, step_number), probability from gold.scores_abandonment"
            ).fetchall()
        )
        now = read_training_set(connection, FEATURE_VIEW, where=lifecycle.find_model("abandonment").task.now)
        assert len(now) == len(scores)
        for row in range(min(SAMPLED, len(now))):
            key = (str(now.keys["session_key"][row]), int(now.keys["step_number"][row]))
            events = [asdict(event) for event in prefix(connection, now, row)]
            _check(asked, events, {name: values[row] for name, values in now.columns.items()}, scores[key])


def test_any_past_decision_is_scored_as_the_champion_scores_the_warehouse(
    scored: Project, asked: TestClient
) -> None:
    scorer = asked.app.state.service.champion_loader.current().scorer
    with connect(scored.published, read_only=True) as connection:
        frame = read_training_set(connection, FEATURE_VIEW)
        rng = np.random.default_rng(5)
        wanted = scorer.predictor.probability(frame.columns)
        for row in rng.choice(len(frame), SAMPLED, replace=False):
            events = [asdict(event) for event in prefix(connection, frame, row)]
            _check(asked, events, {name: values[row] for name, values in frame.columns.items()}, wanted[row])


def _check(client: TestClient, events: list[dict], features: dict, wanted: float) -> None:
    """By its events and by its features, a session has the wanted score."""
    given = {
        name: None if value is None or (not isinstance(value, str) and np.isnan(value)) else value
        for name, value in features.items()
    }
    by_features = client.post("/predict", json=given).json()
    assert by_features["probability"] == pytest.approx(wanted, abs=1e-9)
    user = events[0].pop("user_id")
    sent = [
        {
            **{name: value for name, value in event.items() if name not in {"user_id", "source_event_id"}},
            "event_id": event["source_event_id"],
            "event_at": event["event_at"].isoformat() + "Z",
            "price": None if event["price"] is None else str(event["price"]),
        }
        for event in events
    ]
    by_events = client.post("/predict/session", json={"user_id": user, "events": sent})
    assert by_events.json().get("probability") == pytest.approx(wanted, abs=1e-9), by_events.text


def test_every_figure_is_that_of_the_report(scored: Project, asked: TestClient) -> None:
    with connect(scored.published, read_only=True) as connection:
        for report in REPORTS:
            answer = asked.get(f"/v1/reports/{report.name}")
            if answer.status_code == 404:
                continue
            assert answer.json()["rows"] == read_report(connection, report).records(), report.name


def test_a_build_that_is_published_meanwhile_is_answered_from(scored: Project, asked: TestClient) -> None:
    before = asked.get("/v1/churn/nobody")
    assert before.json()["type"].endswith("no-scores")
    unfinished = scored.published.with_suffix(".tmp")
    shutil.copyfile(scored.published, unfinished)
    with connect(unfinished) as connection:
        connection.execute(
            "create table gold.scores_churn as select 'anna' as customer_id, date '2025-04-01' as snapshot_date, "
            "0.5 as probability, 1 as model_version, date '2025-03-31' as as_of_date"
        )
    unfinished.replace(scored.published)
    assert asked.get("/v1/churn/nobody").status_code == 404
    assert asked.get("/v1/churn/anna").json()["probability"] == 0.5
    assert asked.get("/v1/reports/churn_risk").json()["scored_through"] == "2025-03-31"
    assert asked.get("/v1/reports/session_summary").json()["scored_through"] is None
