"""What must hold when things go wrong: a service that was closed stays so, and what failed is tried again."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from shopwright.core.errors import ConfigurationError
from shopwright.registry import Registry
from shopwright.reports import REPORTS
from shopwright.service import champion as champions_module
from shopwright.service.app import create_app
from shopwright.service.cache import SnapshotCache
from shopwright.service.champion import ChampionLoader
from shopwright.service.errors import redact_paths
from shopwright.service.keys import KeyRing, create_key, revoke_key
from shopwright.service.server import bind_server
from shopwright.settings import load_project
from tests.service.example_shop import SESSION


def make(project, name="shop"):
    return create_key(project.keys, name, ["predict"], now=datetime.now(UTC))[1]


def revoke(project, name="shop"):
    revoke_key(project.keys, name, now=datetime.now(UTC))


def expire(project):
    records = json.loads(project.keys.read_text())
    project.keys.write_text(json.dumps([each | {"ends_at": "2020-01-01T00:00:00Z"} for each in records]))


def vanish(project):
    project.keys.unlink()


@pytest.fixture
def quick(own):
    """A copy whose keys are looked at for each request."""
    (own.root / "shopwright.toml").write_text("[service]\nrefresh_seconds = 0.0001\n")
    return load_project(own.root)


@pytest.mark.parametrize("lose", [revoke, expire, vanish])
def test_a_service_that_was_closed_never_opens_again(quick, lose):
    make(quick)
    client = TestClient(create_app(quick))
    assert client.post("/predict", json=SESSION).status_code == 401
    lose(quick)
    assert client.post("/predict", json=SESSION).status_code == 401


@pytest.mark.parametrize("lose", [revoke, expire, vanish])
def test_nor_does_one_that_began_open(quick, lose):
    client = TestClient(create_app(quick))
    assert client.post("/predict", json=SESSION).status_code == 200
    make(quick)
    assert client.post("/predict", json=SESSION).status_code == 401
    lose(quick)
    assert client.post("/predict", json=SESSION).status_code == 401


def test_revoked_keys_keep_a_new_process_closed(own):
    make(own)
    revoke(own)
    assert TestClient(create_app(own)).post("/predict", json=SESSION).status_code == 401
    with bind_server(own, host="127.0.0.1", port=0) as found:
        assert not found.allows_anonymous
    with pytest.raises(ConfigurationError, match="keys create"), bind_server(own, host="0.0.0.0", port=0):
        pass


def test_a_file_that_becomes_unreadable_opens_nothing(tmp_path):
    file = tmp_path / "keys.json"
    ring = KeyRing(file, refresh_seconds=0)
    assert not ring.has_ever_had_keys()
    file.write_text("[{]")
    with pytest.raises(ConfigurationError, match="not a valid key file"):
        ring.has_ever_had_keys()
    file.unlink()
    assert ring.has_ever_had_keys()


def test_a_key_of_the_environment_closes_it(tmp_path):
    assert KeyRing(tmp_path / "keys.json", environment_key="k" * 24).has_ever_had_keys()


def test_other_names_are_answered_to_as_soon_as_a_key_is_asked_for(quick):
    client = TestClient(create_app(quick, is_local=True), base_url="http://shop.example")
    assert client.get("/health").status_code == 403
    key = make(quick)
    assert client.get("/health").status_code == 200
    assert client.post("/predict", json=SESSION).status_code == 401
    assert client.post("/predict", json=SESSION, headers={"X-API-Key": key}).status_code == 200
    revoke(quick)
    assert client.post("/predict", json=SESSION).status_code == 401


def test_a_champion_that_failed_to_load_is_tried_again(own, monkeypatch):
    monkeypatch.setattr(champions_module, "RELOAD_SECONDS", 0)
    file = Registry(own).fetch("abandonment", 1) / "xgboost.ubj"
    aside = file.rename(own.root / "aside")
    client = TestClient(create_app(own))
    champions = client.app.state.service.champion_loader
    champions.refresh()
    assert champions.reason
    assert client.post("/predict", json=SESSION).status_code == 503
    aside.rename(file)
    champions.refresh()
    assert (champions.reason, champions.current().version) == ("", 1)
    assert client.get("/ready").status_code == 200


def test_a_champion_that_serves_is_not_loaded_again(own, monkeypatch):
    champions = TestClient(create_app(own)).app.state.service.champion_loader
    monkeypatch.setattr(champions, "_load", None)
    champions.refresh()
    champions.refresh()
    assert (champions.reason, champions.current().version) == ("", 1)


def test_one_that_failed_is_left_alone_for_a_while(own, monkeypatch):
    (Registry(own).fetch("abandonment", 1) / "xgboost.ubj").unlink()
    champions = TestClient(create_app(own)).app.state.service.champion_loader
    monkeypatch.setattr(champions, "_load", None)
    champions.refresh()
    assert champions.reason


@pytest.mark.parametrize("path", ["/predict", "/bulk_predict", "/v1/events"])
def test_a_sender_that_hangs_up_is_no_fault(own, caplog, path):
    app = create_app(own)
    messages = [
        {"type": "http.request", "body": b"[{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive():
        return messages.pop(0) if len(messages) > 1 else messages[0]

    async def send(message):
        pass

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": [(b"content-type", b"application/json")],
        "query_string": b"",
    }
    with caplog.at_level(logging.INFO, "shopwright.service"):
        asyncio.run(app(scope, receive, send))
    assert "fault" not in [record.message for record in caplog.records]
    counted = f'shopwright_requests_total{{method="POST",route="{path}",status="499"}} 1.0'
    assert counted in TestClient(app).get("/metrics").text


def test_a_collector_that_cannot_begin_leaves_the_rest_at_work(own):
    own.collector.parent.mkdir(parents=True, exist_ok=True)
    own.collector.write_text("no folder")
    headers = {"Content-Type": "application/json"}
    event = '[{"event_at": "2026-01-01T00:00:00Z", "event_type": "view", "user_id": "u"}]'
    with TestClient(create_app(own)) as client:
        assert client.post("/predict", json=SESSION).status_code == 200
        answer = client.post("/v1/events", content=event, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:shopwright:problem:busy")
        assert answer.headers["retry-after"]
        own.collector.unlink()
        assert client.post("/v1/events", content=event, headers=headers).status_code != 503


def test_a_registry_elsewhere_that_does_not_answer_holds_nothing_up(own, monkeypatch):
    answers = threading.Event()
    original = ChampionLoader._load

    def load(self):
        answers.wait(20)
        original(self)

    monkeypatch.setattr(ChampionLoader, "_load", load)
    monkeypatch.setattr(ChampionLoader, "is_remote", True)
    with TestClient(create_app(own)) as client:
        assert client.get("/health").status_code == 200
        assert client.get("/ready").json()["detail"] == "the registry has not been read yet"
        assert client.post("/predict", json=SESSION).status_code == 503
        answers.set()
        champions = client.app.state.service.champion_loader
        while champions.reason:
            time.sleep(0.01)
        assert client.post("/predict", json=SESSION).status_code == 200


def test_what_was_published_and_is_no_database_is_told(own):
    own.published.write_bytes(b"torn" * 5_000)
    client = TestClient(create_app(own))
    seen = {"user_id": "u", "events": [{"event_at": "2026-01-01T00:00:00Z", "event_type": "page_view"}]}
    for answer in (
        client.get(f"/v1/reports/{REPORTS[0].name}"),
        client.post("/predict/session", json=seen),
    ):
        assert answer.status_code == 503
        assert "shopwright build" in answer.json()["detail"]
        assert str(own.root) not in answer.text


def test_a_registry_that_fails_in_its_own_way_is_told_in_ready_and_in_the_figures(own, monkeypatch):
    def load(self):
        raise LookupError("s3://shop:secret@bucket")

    monkeypatch.setattr(ChampionLoader, "_load", load)
    client = TestClient(create_app(own))
    answer = client.get("/ready")
    assert (answer.status_code, "LookupError" in answer.json()["detail"]) == (503, True)
    assert "secret" not in answer.text
    assert 'shopwright_model_refused{model="abandonment"} 1.0' in client.get("/metrics").text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{root}/published/warehouse.duckdb cannot be read", "published/warehouse.duckdb cannot be read"),
        ("nothing lies in {root}", "nothing lies in "),
        ("held in /opt/other/bin/python3.11 (PID 7)", "held in python3.11 (PID 7)"),
        ("{root}-old/a.txt", "a.txt"),
        ("https://***@models.shop.invalid/ml/api/2.0 failed", "the registry/api/2.0 failed"),
        ("HTTPSConnectionPool(host='models.shop.invalid')", "HTTPSConnectionPool(host='the registry')"),
        ("a rate of 1/2 and/or '/v1'", "a rate of 1/2 and/or '/v1'"),
    ],
)
def test_what_is_told_outside_holds_neither_folders_nor_the_registry_s_address(own, text, told):
    address = "https://shop:secret@models.shop.invalid/ml/"
    (own.root / "shopwright.toml").write_text(f'[models]\ntracking_uri = "{address}"\n')
    assert redact_paths(text.format(root=own.root), load_project(own.root)) == told


def test_nobody_out_there_learns_where_files_lie(quick):
    client = TestClient(create_app(quick))
    quick.keys.parent.mkdir(exist_ok=True)
    quick.keys.write_text("[{]")
    answer = client.post("/predict", json=SESSION)
    assert answer.status_code == 503
    assert answer.json()["detail"].startswith("service/keys.json is not a valid key file")
    quick.keys.unlink()
    (Registry(quick).fetch("abandonment", 1) / "xgboost.ubj").unlink()
    ready = TestClient(create_app(quick)).get("/ready")
    assert ready.status_code == 503
    assert str(quick.root) not in ready.text


def test_only_those_who_ask_the_same_wait_for_an_answer():
    kept, may_end, begun = SnapshotCache(), threading.Event(), threading.Event()

    def slowly():
        begun.set()
        may_end.wait(20)
        return "slow"

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(kept.get, 1, "slow", slowly)
        begun.wait(20)
        second = threads.submit(kept.get, 1, "slow", lambda: "never asked")
        assert kept.get(1, "quick", lambda: "quick") == "quick"
        assert not second.done()
        may_end.set()
        assert (first.result(20), second.result(20)) == ("slow", "slow")


def test_an_answer_that_failed_is_computed_again():
    kept = SnapshotCache()
    with pytest.raises(ZeroDivisionError):
        kept.get(1, "question", lambda: 1 / 0)
    assert kept.get(1, "question", lambda: "answer") == "answer"
    assert kept.get(1, "question", lambda: "another") == "answer"
    assert kept.get(2, "question", lambda: "another") == "another"
