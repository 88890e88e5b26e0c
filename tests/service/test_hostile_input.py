"""Whatever comes in is answered with a reason: 4xx in the one shape of problems, and never a server error."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from shopwright.ingest.quarantine import list_open
from shopwright.ingest.run import ingest
from shopwright.service.app import create_app
from shopwright.service.keys import create_key
from shopwright.service.schemas.events import SessionEvent
from shopwright.settings import load_project
from shopwright.testing import NOW
from tests.service.example_shop import SESSION

EVENT = {
    "event_id": "1",
    "event_at": "2025-03-01T10:00:00Z",
    "event_type": "page_view",
    "user_id": "anna",
}
TAKES_JSON = {
    "/predict": SESSION,
    "/bulk_predict": [SESSION],
    "/predict/session": {"events": [EVENT]},
    "/v1/events": [EVENT],
}
"""Addresses that take JSON, and what they would take."""
MOST_BYTES = 1 << 16
NASTY = (
    "'; drop table gold.scores_churn; --",
    "=cmd|' /C calc'!A0",
    "{{7*7}}${7*7}",
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "a\u202e\u0000\uffff",
    "\U0001f600" * 50,
    "%s%n%x",
    "x" * 5_000,
)


@pytest.fixture(scope="module")
def root(served, tmp_path_factory):
    copied = tmp_path_factory.mktemp("hostile") / "shop"
    shutil.copytree(served.root, copied)
    with (copied / "shopwright.toml").open("a", encoding="utf-8") as settings:
        settings.write(f"[service]\nmax_body_bytes = {MOST_BYTES}\nmax_bulk_bytes = {MOST_BYTES}\n")
        settings.write("requests_per_second = 100000\nburst = 100000\nmax_batch_events = 100\n")
    return copied


@pytest.fixture(scope="module")
def victim(root):
    with TestClient(create_app(load_project(root))) as made:
        yield made


def check_refused(answer, *statuses):
    """A problem with a reason, of the caller's making."""
    assert 400 <= answer.status_code < 500, answer.text
    if statuses:
        assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    return problem


def post(client, path, body, kind="application/json"):
    return client.post(path, content=body, headers={"Content-Type": kind})


@pytest.mark.parametrize("path", TAKES_JSON)
def test_the_addresses_take_what_they_should(victim, path):
    # a session's events need the champion's own features, which the made-up shop has not
    assert post(victim, path, json.dumps(TAKES_JSON[path])).status_code in {200, 202, 422}


@pytest.mark.parametrize(
    ("moments", "price", "field"),
    [
        (["0001-01-01T00:00:00+14:00"], "1", "event_at"),
        (["9999-12-31T23:59:59-12:00"], "1", "event_at"),
        (["1969-12-31T23:59:59Z"], "1", "event_at"),
        (["2001-01-01T00:00:00Z", "2025-01-01T00:00:00Z"], "1", "events"),
        (["2025-01-01T00:00:00Z"], "-0.01", "price"),
        (["2025-01-01T00:00:00Z"], "1e30", "price"),
    ],
)
def test_a_session_that_no_shop_can_have_is_refused_by_its_field(victim, moments, price, field):
    events = [{"event_type": "add_to_cart", "event_at": moment, "price": price} for moment in moments]
    problem = check_refused(victim.post("/predict/session", json={"user_id": "anna", "events": events}), 422)
    assert any(field in each["field"] for each in problem["errors"]), problem


def test_a_session_beyond_the_shops_own_limits_is_refused_by_its_field(own):
    limits = '[shop]\ntimezone = "Asia/Tokyo"\n[ingest]\nearliest_date = 2024-02-01\n'
    (own.root / "shopwright.toml").write_text(limits)
    event = {"event_type": "add_to_cart", "event_at": "2024-01-31T14:59:59Z"}
    with TestClient(create_app(load_project(own.root))) as client:
        answer = client.post("/predict/session", json={"user_id": "anna", "events": [event]})
    assert [error["field"] for error in check_refused(answer, 422)["errors"]] == ["events.0.event_at"]


def test_a_price_is_rounded_as_the_warehouse_rounds():
    event = SessionEvent(event_at="2025-01-01T01:00:00+01:00", event_type="add_to_cart", price="0.00005")
    tiny = SessionEvent(event_at="2025-01-01T00:00:00", event_type="add_to_cart", price="1E-1000000")
    assert (str(event.price), tiny.price) == ("0.0001", 0)
    assert event.event_at == tiny.event_at == datetime.fromisoformat("2025-01-01")


BODIES = {
    "nothing": b"",
    "blanks": b"  \n ",
    "a number": b"5",
    "a text": b'"x"',
    "null": b"null",
    "true": b"true",
    "an empty object": b"{}",
    "a list of numbers": b"[1, 2]",
    "a list of lists": b"[[[]]]",
    "half an object": b'{"total_views": ',
    "two documents": b"{} {}",
    "a number that is none": b'{"total_views": NaN, "events": [NaN]}',
    "an infinite number": b'[{"total_views": Infinity}]',
    "a number beyond all": b'[{"total_views": 1e999, "event_at": 1e999}]',
    "a number of many digits": b'[{"total_views": ' + b"9" * 10_000 + b"}]",
    "deep lists": b"[" * 30_000,
    "deep lists that end": b"[" * 30_000 + b"]" * 30_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep inside": b'[{"events": ' + b"[" * 5_000 + b"]" * 5_000 + b"}]",
    "no UTF-8": b'{"total_views": "\xff\xfe"}',
    "UTF-16": '{"total_views": 1}'.encode("utf-16"),
    "NUL bytes": b'{"total_views": 1}\0\0',
    "half a surrogate": b'[{"event_id": "\\ud800", "device": "\\ud800"}]',
    "too many": b"[" + b",".join([b"{}"] * 200) + b"]",
    "too much": b'{"x": "' + b"x" * MOST_BYTES + b'"}',
}


@pytest.mark.parametrize("path", TAKES_JSON)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_hostile_body_is_refused_with_a_reason(victim, path, body):
    problem = check_refused(post(victim, path, body))
    if len(body) > MOST_BYTES:
        assert problem["status"] == 413
    assert len(json.dumps(problem)) < 100_000


@pytest.mark.parametrize("body", [body for body in BODIES.values() if b"\n" not in body])
@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/jsonl"])
def test_a_hostile_line_is_an_event_that_is_refused(victim, body, kind):
    check_refused(post(victim, "/v1/events", body, kind), 413, 422)


@pytest.mark.parametrize(
    "kind", ["text/csv", "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"]
)
@pytest.mark.parametrize("body", [b"\0" * 500, b"PAR1" + b"\xff" * 400 + b"PAR1", b"a,b\n" + b'"' * 300, b""])
def test_what_is_no_file_is_refused(victim, body, kind):
    check_refused(post(victim, "/bulk_predict", body, kind))


@pytest.mark.parametrize("path", TAKES_JSON)
@pytest.mark.parametrize(
    "kind", ["", "text/plain", "multipart/form-data; boundary=x", "application/xml", "x" * 500]
)
def test_another_media_type_is_refused(victim, path, kind):
    check_refused(post(victim, path, json.dumps(TAKES_JSON[path]), kind), 400, 415, 422)


@pytest.mark.parametrize("name", SESSION)
def test_a_wrong_value_is_told_by_its_field(victim, name):
    for value in (
        [],
        {},
        True,
        -1,
        "x" * 1_000,
        {"$gt": ""},
        *([None] if name != "experiment_group" else []),
    ):
        given = SESSION | {name: value}
        problem = check_refused(post(victim, "/predict", json.dumps(given)), 422)
        assert any(name in error["field"] for error in problem["errors"])
        check_refused(post(victim, "/bulk_predict", json.dumps([SESSION, given])), 422)


def test_unknown_fields_are_refused_where_the_shape_is_fixed(victim):
    for name in ("is_admin", "__proto__", "total_views ", "probability"):
        given = SESSION | {name: 1}
        assert name in json.dumps(check_refused(post(victim, "/predict", json.dumps(given)), 422)["errors"])
        check_refused(post(victim, "/bulk_predict", json.dumps([given])), 422)


@pytest.mark.parametrize("text", NASTY)
def test_nasty_texts_stay_texts(victim, text):
    scored = post(victim, "/predict", json.dumps(SESSION | {"device": text}))
    assert scored.status_code in {200, 422}
    taken = post(victim, "/v1/events", json.dumps([EVENT | {"event_id": text, "page_url": text}]))
    assert taken.status_code in {202, 422}
    assert victim.get("/v1/churn/anna").status_code == 200


@pytest.mark.parametrize(
    "text", [*NASTY, "..%2f..%2fetc%2fpasswd", "%00", "%ff%fe", "%2e%2e/%2e%2e", "a/b", "%"]
)
@pytest.mark.parametrize(
    "path",
    [
        "/v1/churn/{}",
        "/v1/lifetime-value/{}",
        "/v1/segment/{}",
        "/v1/experiments/{}/assign?unit_id=1",
        "/v1/experiments/{}/results",
        "/v1/reports/{}",
        "/static-offline-docs/{}",
        "/{}",
    ],
)
def test_tricks_with_paths_find_nothing(victim, path, text):
    text = "".join(each for each in text if each.isprintable()).replace("?", "%3F").replace("#", "%23")
    check_refused(victim.get(path.format(text[:2_000])), 404, 405, 422)


@pytest.mark.parametrize("text", NASTY)
def test_nasty_questions_are_answered_or_refused(victim, text):
    answer = victim.get("/v1/experiments/banner/assign", params={"unit_id": text})
    assert answer.status_code in {200, 422}
    listed = [each["name"] for each in victim.get("/v1/reports").json()]
    for name in ("device", "channel", "category", "experiment", "start", "end", text[:100]):
        check_refused(victim.get(f"/v1/reports/{listed[0]}", params={name: text}), 404, 422)


def test_every_event_that_was_refused_is_in_quarantine_and_nothing_else_broke(root, victim):
    bad = {"event_id": "told", "event_type": "'; drop table events; --"}
    problem = check_refused(post(victim, "/v1/events", json.dumps([bad])), 422)
    told = {error["message"].partition(":")[0] for error in problem["errors"]}
    report = ingest(load_project(root), now=NOW)
    assert report.failed == []
    found = [
        row for row in list_open(load_project(root)) if json.dumps(bad, separators=(",", ":")) == row.raw
    ]
    assert [set(row.rules) for row in found] == [told]


HEADERS = [
    {},
    {"X-API-Key": ""},
    {"X-API-Key": "sw_000000000000_" + "A" * 43},
    {"X-API-Key": "x" * 5_000},
    {"X-API-Key": "é".encode()},
    {"X-API-Key": b"\xff\xfe"},
    {"X-API-Key": "' or '1'='1"},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer null"},
    {"Authorization": "Basic YWRtaW46YWRtaW4="},
    {"Authorization": "Bearer " + "{}" * 2_000},
]


@pytest.fixture(scope="module")
def locked(root, tmp_path_factory):
    """A client of a service that asks for keys, however often it fails, and a key that reads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shopwright.service.failed_keys.MAX_FAILURES", 1_000_000)
        yield _locked(root, tmp_path_factory)


def _locked(root, tmp_path_factory):
    copied = tmp_path_factory.mktemp("locked") / "shop"
    shutil.copytree(root, copied)
    project = load_project(copied)
    _, key = create_key(project.keys, "reader", ["read"], now=datetime.now(UTC))
    return TestClient(create_app(project)), key


@pytest.mark.parametrize("headers", HEADERS, ids=range(len(HEADERS)))
def test_forged_keys_open_nothing(locked, headers):
    client, key = locked
    for path, body in TAKES_JSON.items():
        answer = client.post(
            path, content=json.dumps(body), headers={"Content-Type": "application/json"} | headers
        )
        check_refused(answer, 401)
        check_refused(client.post(path, content=b"[" * 50_000, headers=headers), 401)
        check_refused(client.post(path, json=body, headers={"X-API-Key": key}), 403)
    for path in ("/v1/churn/anna", "/v1/models", "/v1/reports"):
        check_refused(client.get(path, headers=headers), 401)
        assert client.get(path, headers={"X-API-Key": key}).status_code == 200
