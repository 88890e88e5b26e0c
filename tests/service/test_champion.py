"""ChampionLoader: exchanged while the service runs, and refused where their files are not those that were registered."""

from __future__ import annotations

import shutil

import pytest
from starlette.testclient import TestClient

from shopwright.registry import Registry
from shopwright.service.app import create_app
from shopwright.settings import load_project
from tests.service.example_shop import SESSION


def artifact(project, version):
    return Registry(project).fetch("abandonment", version)


def version_of(client):
    return client.post("/predict", json=SESSION).json()["model_version"]


def promote_second(project):
    Registry(project).promote("abandonment", 2, force_reason="for a test")


def test_a_promoted_version_takes_over_and_gives_way_again(own):
    client = TestClient(create_app(own))
    champions = client.app.state.service.champion_loader
    before = client.post("/predict", json=SESSION).json()
    promote_second(own)
    champions.refresh()
    after = client.post("/predict", json=SESSION).json()
    assert (before["model_version"], after["model_version"]) == (1, 2)
    assert before["probability"] != after["probability"]
    assert client.get("/ready").json()["models"] == {"abandonment": 2}
    Registry(own).rollback("abandonment")
    champions.refresh()
    assert client.post("/predict", json=SESSION).json() == before


def change(folder):
    file = folder / "xgboost.ubj"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def add(folder):
    (folder / "evil.json").write_text("{}")


def link(folder):
    (folder / "prior.json").unlink()
    (folder / "prior.json").symlink_to("/etc/passwd")


def foreign(folder):
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "model.pkl").write_bytes(b"\x80\x04.")


@pytest.mark.parametrize("tamper", [change, add, link, foreign])
def test_tampered_files_are_refused_and_the_old_champion_serves_on(own, tamper):
    client = TestClient(create_app(own))
    champions = client.app.state.service.champion_loader
    folder = artifact(own, 2)
    promote_second(own)
    tamper(folder)
    champions.refresh()
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:shopwright:problem:not-ready")
    assert "artifact of abandonment" in answer.json()["detail"]
    assert "Version 1 still serves" in answer.json()["detail"]
    assert version_of(client) == 1
    assert 'shopwright_model_refused{model="abandonment"} 1.0' in client.get("/metrics").text


def test_a_service_that_begins_with_tampered_files_serves_none(own):
    change(artifact(own, 1))
    client = TestClient(create_app(own))
    for answer in (client.get("/ready"), client.post("/predict", json=SESSION)):
        assert answer.status_code == 503
        assert "SHA-256" in answer.json()["detail"]
    assert client.post("/predict", json=SESSION).headers["retry-after"]
    assert client.get("/health").status_code == 200


def test_a_shop_without_a_champion_says_how_to_get_one(tmp_path):
    (tmp_path / "shopwright.toml").touch()
    client = TestClient(create_app(load_project(tmp_path)))
    problem = client.post("/predict", json=SESSION).json()
    assert problem["type"] == "urn:shopwright:problem:no-champion"
    assert "shopwright train abandonment" in problem["detail"]
