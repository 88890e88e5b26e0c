"""Events over HTTP: what is taken, what is refused, and what the documentation says of it."""

from __future__ import annotations

import json

import pytest
from events import check_ledger, event, ids
from starlette.testclient import TestClient

from shopwright.collector import segment
from shopwright.collector.schema import EXAMPLE, event_schema
from shopwright.contracts.events import EVENTS
from shopwright.core.currencies import MAGNITUDES
from shopwright.service.app import create_app
from shopwright.testing import Shop


@pytest.fixture
def client(shop):
    with TestClient(create_app(shop.project)) as made:
        yield made


def post(client, body, kind="application/json"):
    return client.post("/v1/events", content=body, headers={"Content-Type": kind})


def test_each_form_of_a_batch_is_taken(client, shop):
    forms = [
        (json.dumps([event(1)]), "application/json"),
        (json.dumps({"events": [event(2)]}), "application/json; charset=utf-8"),
        (f"{json.dumps(event(3))}\n\n{json.dumps(event(4))}\n", "application/x-ndjson"),
        (json.dumps(event(5)), "application/jsonl"),
    ]
    answers = [post(client, *form) for form in forms]
    assert [answer.status_code for answer in answers] == [202] * 4
    assert [answer.json()["accepted"] for answer in answers] == [1, 1, 2, 1]
    shop.ingest()
    assert ids(shop) == ["1", "2", "3", "4", "5"]
    check_ledger(shop)


def test_bad_events_are_named_with_every_rule(client):
    answer = post(client, json.dumps([event(1), event("bad", event_type="", price=-1), event(1)]))
    assert answer.json() == {
        "accepted": 1,
        "duplicate": 1,
        "rejected": [
            {
                "index": 1,
                "event_id": "bad",
                "rules": [
                    {
                        "rule": "event_type_missing",
                        "meaning": "`event_type` has a value.",
                    },
                    {"rule": "price_out_of_range", "meaning": "`price` is within its limits."},
                ],
            }
        ],
    }


def test_a_batch_without_a_good_event_is_a_problem(client, shop):
    answer = post(client, json.dumps([event("bad", user_id=None)]))
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "events.0", "message": "user_id_missing: A `user_id` or a `visitor_id` says who it was."}
    ]
    shop.ingest()
    assert [row.rules for row in shop.quarantine()] == [("user_id_missing",)]


def test_a_disk_that_is_full_is_told_with_when_to_come_back(client, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(segment, "_write", full)
        answer = post(client, json.dumps([event(1)]))
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "No space left" in answer.json()["detail"]
    assert post(client, json.dumps([event(1)])).json()["accepted"] == 1


def test_a_batch_of_too_many_events_is_refused(tmp_path):
    shop = Shop.make(tmp_path, "[service]\nmax_batch_events = 2\n")
    with TestClient(create_app(shop.project)) as client:
        assert post(client, json.dumps([event(name) for name in range(3)])).status_code == 413
        assert post(client, json.dumps([event(name) for name in range(2)])).status_code == 202


def test_figures_count_events_by_what_became_of_them(client):
    post(client, json.dumps([event(1), event(1), event("bad", price=-1)]))
    text = client.get("/metrics").text
    for outcome in ("accepted", "duplicate", "rejected"):
        assert f'shopwright_events_total{{outcome="{outcome}"}} 1.0' in text
    assert "shopwright_collector_queue 0.0" in text


def test_a_service_that_is_stopped_leaves_closed_segments(shop):
    with TestClient(create_app(shop.project)) as client:
        post(client, json.dumps([event(1)]))
    assert list(shop.project.collector.glob("open/*")) == []
    with TestClient(create_app(shop.project)) as client:
        assert post(client, json.dumps([event(1)])).json()["duplicate"] == 1


def test_the_schema_is_the_contract(client):
    schema = event_schema()
    assert schema["required"] == ["event_at", "event_type"]
    assert schema["anyOf"] == [{"required": ["user_id"]}, {"required": ["visitor_id"]}]
    assert schema["properties"]["event_type"]["examples"] == list(EVENTS.column("event_type").allowed)
    assert schema["properties"]["price"]["maximum"] == 100_000_000 * max(MAGNITUDES)
    named = {"source_event_id": "event_id", "session_hint": "session_id"}
    assert set(schema["properties"]) == {
        named.get(column.name, column.name) for column in EVENTS.stored_columns
    }
    document = client.get("/openapi.json").json()
    body = document["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["anyOf"][0]["items"] == schema
    assert post(client, json.dumps([EXAMPLE])).json() == {"accepted": 1, "duplicate": 0, "rejected": []}


def test_of_many_bad_events_the_first_are_named(client):
    answer = post(client, json.dumps([event(number, price=-1) for number in range(150)]))
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == [f"events.{number}" for number in range(20)]
    assert answer.json()["detail"].endswith("The first 20 of 150 are listed")


def test_all_bad_events_beside_a_good_one_are_named(client):
    answer = post(client, json.dumps([event("good"), *(event(number, price=-1) for number in range(150))]))
    assert answer.status_code == 202
    assert [each["index"] for each in answer.json()["rejected"]] == list(range(1, 151))
