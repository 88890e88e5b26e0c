"""Scores of customers, experiments and models, as the shop has them."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from shopwright.assignment import assign
from shopwright.service.app import create_app
from shopwright.settings import load_project


def test_churn_has_version_date_and_band(client):
    found = client.get("/v1/churn/anna").json()
    assert found == {
        "model": "churn",
        "model_version": 3,
        "data_date": "2025-03-31",
        "customer_id": "anna",
        "snapshot_date": "2025-04-01",
        "probability": 0.2,
        "risk_band": "low",
    }
    assert client.get("/v1/churn/bert's \U0001f600").json()["risk_band"] == "high"


def test_what_a_model_does_not_tell_is_null(client):
    assert client.get("/v1/lifetime-value/anna").json()["horizon_value"] == 0.5
    found = client.get("/v1/lifetime-value/bert's \U0001f600").json()
    assert (found["horizon_value"], found["currency"]) == (None, "USD")


def test_a_segment_has_its_name(client):
    found = client.get("/v1/segment/anna").json()
    assert (found["segment"], found["segment_name"], found["model_version"]) == (1, "a", 5)


@pytest.mark.parametrize("unknown", ["nobody", "%00", "' or 1=1 --", "..%2F..%2Fetc", "x" * 200])
def test_an_unknown_customer_is_not_found(client, unknown):
    for path in ("churn", "lifetime-value", "segment"):
        answer = client.get(f"/v1/{path}/{unknown}")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:shopwright:problem:not-found")


def test_a_shop_without_scores_says_so(tmp_path):
    (tmp_path / "shopwright.toml").touch()
    client = TestClient(create_app(load_project(tmp_path)))
    answer = client.get("/v1/churn/anna")
    assert answer.status_code == 503
    assert "Run `shopwright run`" in answer.json()["detail"]


def test_a_unit_is_assigned_as_everywhere(client, served):
    experiment = served.settings.experiments[0]
    for unit in ("5", "anna", "\U0001f600"):
        found = client.get("/v1/experiments/banner/assign", params={"unit_id": unit}).json()
        assert found["variant"] == assign(experiment, unit).variant


def test_an_unknown_experiment_is_named_with_its_near_match(client):
    answer = client.get("/v1/experiments/baner/assign?unit_id=5")
    assert answer.status_code == 404
    assert "did you mean 'banner'" in answer.json()["detail"]
    assert client.get("/v1/experiments").json()[0]["name"] == "banner"


def test_models_are_listed_with_their_versions(client):
    found = {each["model"]: each for each in client.get("/v1/models").json()}
    assert found["abandonment"]["champion"] == 1
    assert [each["version"] for each in found["abandonment"]["versions"]] == [2, 1]
    assert (found["churn"]["champion"], found["churn"]["versions"]) == (None, [])


def test_unknown_figures_are_not_found(client):
    assert client.get("/v1/reports/nothing").status_code == 404
    assert len(client.get("/v1/reports").json()) > 10


def test_the_old_paths_of_reports_still_answer(client):
    assert client.get("/v1/metrics").json() == client.get("/v1/reports").json()
    assert (
        client.get("/v1/metrics/nothing").json()["type"] == client.get("/v1/reports/nothing").json()["type"]
    )


def test_figures_that_the_shop_lacks_are_not_found_and_told(client):
    name = client.get("/v1/reports").json()[0]["name"]
    answer = client.get(f"/v1/reports/{name}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:shopwright:problem:no-data")


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_who_asks_for_the_head_alone_is_answered_too(client, path):
    assert client.head(path).status_code == client.get(path).status_code == 200
