"""Keys: made once, kept as hashes, asked for with their scopes, replaced and revoked while the service runs."""

from __future__ import annotations

import asyncio
import stat
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from shopwright.core.errors import ConfigurationError
from shopwright.service.app import create_app
from shopwright.service.keys import KeyRing, create_key, read_keys, revoke_key, rotate_key
from tests.service.example_shop import SESSION

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "service" / "keys.json"


def test_a_key_is_found_and_a_forged_one_is_not(file):
    made, key = create_key(file, "shop", ["predict"], now=NOW)
    ring = KeyRing(file)
    assert ring.find(key, NOW) == made
    for forged in (
        "",
        "x",
        key[:-1],
        f"{key[:-1]}!",
        key[:16] + "A" * 43,
        "sw_000000000000_" + key[16:],
        "\ud800",
    ):
        assert ring.find(forged, NOW) is None


def test_the_file_tells_no_key_and_is_its_owners_alone(file):
    _, key = create_key(file, "shop", ["predict"], now=NOW)
    assert key[16:] not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_rotated_key_is_taken_for_a_while(file):
    _, old = create_key(file, "shop", ["read"], now=NOW)
    made, new = rotate_key(file, "shop", now=NOW, grace=timedelta(hours=1))
    ring = KeyRing(file)
    assert made.scopes == ("read",)
    assert ring.find(old, NOW + timedelta(minutes=59))
    assert not ring.find(old, NOW + timedelta(minutes=61))
    assert ring.find(new, NOW + timedelta(days=9))


def test_a_revoked_key_is_refused_at_once_and_its_name_is_free(file):
    _, key = create_key(file, "shop", ["read"], now=NOW)
    assert revoke_key(file, "shop", now=NOW) == 1
    assert KeyRing(file).find(key, NOW) is None
    create_key(file, "shop", ["read"], now=NOW)
    assert [each.is_valid(NOW) for each in read_keys(file)] == [False, True]


@pytest.mark.parametrize(
    ("name", "scopes", "words"),
    [
        ("", ["read"], "name"),
        ("a\nb", ["read"], "name"),
        ("a", ["reed"], "did you mean 'read'"),
        ("a", [], "scope"),
    ],
)
def test_a_key_needs_a_name_and_scopes(file, name, scopes, words):
    with pytest.raises(ConfigurationError, match=words):
        create_key(file, name, scopes, now=NOW)


def test_a_name_has_one_valid_key(file):
    create_key(file, "shop", ["read"], now=NOW)
    with pytest.raises(ConfigurationError, match="rotate"):
        create_key(file, "shop", ["read"], now=NOW)
    with pytest.raises(ConfigurationError, match="did you mean 'shop'"):
        revoke_key(file, "shopp", now=NOW)


def test_a_damaged_file_is_not_taken_for_no_keys(file):
    file.parent.mkdir()
    file.write_text("[{]")
    with pytest.raises(ConfigurationError, match="not a valid key file"):
        KeyRing(file)


def test_a_key_from_the_environment_has_to_be_long(file):
    assert KeyRing(file, environment_key="k" * 24).find("k" * 24, NOW)
    with pytest.raises(ConfigurationError, match="24"):
        KeyRing(file, environment_key="short")


def keyed(own, *scopes):
    _, key = create_key(own.keys, "shop", scopes, now=datetime.now(UTC))
    return TestClient(create_app(own)), key


def test_a_key_opens_what_its_scopes_allow(own):
    client, key = keyed(own, "predict")
    for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
        assert client.post("/predict", json=SESSION, headers=headers).status_code == 200
        refused = client.get("/v1/models", headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:shopwright:problem:not-allowed")


def test_without_a_key_only_health_is_told(own):
    client, _ = keyed(own, "predict")
    for headers in ({}, {"X-API-Key": "sw_forged"}, {"Authorization": "Basic x"}):
        refused = client.post("/predict", json=SESSION, headers=headers)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    for path in ("/health", "/ready", "/metrics", "/docs", "/openapi.json"):
        assert client.get(path).status_code == 200


def test_no_body_is_read_of_who_has_no_key(own):
    create_key(own.keys, "shop", ["predict"], now=datetime.now(UTC))
    sent, asked = [], []

    async def receive():
        asked.append(1)
        return {"type": "http.request", "body": b"[", "more_body": True}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/bulk_predict", "headers": [], "query_string": b""}
    asyncio.run(create_app(own)(scope, receive, send))
    assert (sent[0]["status"], asked) == (401, [])


def test_a_key_that_is_made_or_revoked_counts_while_the_service_runs(own):
    (own.root / "shopwright.toml").write_text("[service]\nrefresh_seconds = 0.0001\n")
    from shopwright.settings import load_project

    client = TestClient(create_app(load_project(own.root)))
    assert client.post("/predict", json=SESSION).status_code == 200
    _, key = create_key(own.keys, "shop", ["predict"], now=datetime.now(UTC))
    assert client.post("/predict", json=SESSION).status_code == 401
    assert client.post("/predict", json=SESSION, headers={"X-API-Key": key}).status_code == 200
    create_key(own.keys, "other", ["predict"], now=datetime.now(UTC))
    revoke_key(own.keys, "shop", now=datetime.now(UTC))
    assert client.post("/predict", json=SESSION, headers={"X-API-Key": key}).status_code == 401
