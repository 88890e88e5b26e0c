"""Keys that are not valid: limited per address, logged once per window and without the key."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from shopwright.core import attempts
from shopwright.service.app import create_app
from shopwright.service.failed_keys import MAX_FAILURES, WINDOW_SECONDS, FailedKeys
from shopwright.service.keys import create_key
from shopwright.service.telemetry import JsonFormatter

FORGED = "sw_000000000000_" + "A" * 43


def test_failed_keys_are_limited_and_logged_once_without_the_key(own, caplog):
    _, key = create_key(own.keys, "shop", ["read"], now=datetime.now(UTC))
    client = TestClient(create_app(own))
    with caplog.at_level(logging.INFO, "shopwright.service"):
        statuses = [
            client.get("/v1/models", headers={"X-API-Key": f"{FORGED[:-2]}{number:02}"}).status_code
            for number in range(MAX_FAILURES + 5)
        ]
    assert statuses == [401] * MAX_FAILURES + [429] * 5
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records]
    assert len([line for line in lines if line["message"] == "failed key"]) == 1
    assert "sw_0000" not in json.dumps(lines)
    # a right guess is not answered either, until the window is over
    refused = client.get("/v1/models", headers={"X-API-Key": key})
    assert (refused.status_code, refused.json()["type"]) == (
        429,
        "urn:shopwright:problem:too-many-failed-keys",
    )
    assert 1 <= int(refused.headers["retry-after"]) <= WINDOW_SECONDS
    text = client.get("/metrics").text
    assert f'shopwright_failed_keys_total{{outcome="refused"}} {MAX_FAILURES}.0' in text
    assert 'shopwright_failed_keys_total{outcome="limited"} 6.0' in text


def test_who_came_in_before_is_not_locked_out_by_others_at_the_address(own):
    _, key = create_key(own.keys, "shop", ["read"], now=datetime.now(UTC))
    client = TestClient(create_app(own))
    assert client.get("/v1/models", headers={"X-API-Key": key}).status_code == 200
    for _ in range(MAX_FAILURES + 1):
        client.get("/v1/models", headers={"X-API-Key": FORGED})
    assert client.get("/v1/models", headers={"X-API-Key": FORGED}).status_code == 429
    assert client.get("/v1/models", headers={"X-API-Key": key}).status_code == 200


def test_a_request_without_a_key_is_no_guess(own):
    create_key(own.keys, "shop", ["read"], now=datetime.now(UTC))
    client = TestClient(create_app(own))
    assert {client.get("/v1/models").status_code for _ in range(MAX_FAILURES + 5)} == {401}


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0, 40)), max_size=200))
def test_no_address_has_more_failures_in_a_window_than_the_limit(attempts):
    counts, now, looked_at = FailedKeys(), 0.0, {}
    for address, pause in attempts:
        now += pause / 100
        if counts.wait_seconds(str(address), "x", now) == 0:
            counts.fail(str(address), now)
            looked_at.setdefault(address, []).append(now)
    for times in looked_at.values():
        for start in times[::MAX_FAILURES]:
            assert len([at for at in times if start <= at < start + WINDOW_SECONDS]) <= MAX_FAILURES * 2


def test_the_table_of_addresses_has_an_end(monkeypatch):
    monkeypatch.setattr(attempts, "MAX_ADDRESSES", 100)
    counts = FailedKeys()
    for number in range(1_000):
        counts.fail(str(number), 0.0)
    assert len(counts.limit._windows) == 101
    assert counts.wait_seconds("never seen", "x", 1.0) > 0  # all further ones share a count
    assert counts.wait_seconds("0", "x", 1.0) == 0
    counts.fail("later", WINDOW_SECONDS + 1)
    assert set(counts.limit._windows) == {"later"}
