"""What the edge does for all requests: limits, ids, one shape of problems, figures and logs without personal data."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from starlette.testclient import TestClient

from shopwright.service.app import create_app
from shopwright.service.security import RateLimit
from shopwright.service.telemetry import JsonFormatter
from tests.service.example_shop import SESSION


def test_a_bucket_gives_back_at_its_rate():
    limit = RateLimit(rate=2, burst=3)
    assert [limit.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert limit.take("b", 0.0) == 0
    assert limit.take("a", 0.5) == 0
    assert limit.take("a", 0.5) > 0


def test_too_many_requests_are_told_when_to_come_back(set_up):
    client = set_up(burst=2, requests_per_second=0.5)
    answers = [client.post("/predict", json=SESSION) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "2"
    assert client.get("/health").status_code == 200


def test_a_long_body_is_refused_whether_it_says_so_or_not(set_up):
    client = set_up(max_body_bytes=1024)
    body = json.dumps(SESSION | {"device": "x" * 2000})
    pieces = (body[place : place + 100].encode() for place in range(0, len(body), 100))
    for content in (body, pieces):
        answer = client.post("/predict", content=content, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:shopwright:problem:too-large")


def test_a_compressed_body_is_refused(client):
    answer = client.post("/predict", content=b"x", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_a_body_that_never_comes_is_not_waited_for(set_up):
    app = set_up(timeout_seconds=0.05).app
    sent = []

    async def receive():
        await asyncio.sleep(10)

    async def send(message):
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": headers, "query_string": b""}
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["type"] == "urn:shopwright:problem:timeout"


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/../../etc/passwd", 404, "not-found"),
        ("GET", "/predict", 405, "method-not-allowed"),
        ("DELETE", "/v1/models", 405, "method-not-allowed"),
    ],
)
def test_every_failure_has_one_shape(client, method, path, status, kind):
    answer = client.request(method, path)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["type"]) == (
        status,
        status,
        f"urn:shopwright:problem:{kind}",
    )
    assert problem["request_id"]


def test_a_fault_is_told_without_what_it_was(served, caplog):
    app = create_app(served)

    @app.get("/fault")
    async def fault():
        raise ValueError("secret of anna")

    with caplog.at_level(logging.INFO, "shopwright.service"):
        answer = TestClient(app).get("/fault")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    lines = [JsonFormatter().format(record) for record in caplog.records]
    assert "secret" not in "".join(lines)
    assert json.loads(lines[0])["error"] == "ValueError"


def test_a_request_keeps_the_id_it_came_with_if_it_is_one(client):
    for given, is_kept in (("a-1.b_2", True), ("x" * 65, False), ("a b", False), ('"}', False)):
        answer = client.get("/health", headers={"X-Request-ID": given})
        assert (answer.headers["x-request-id"] == given) is is_kept


def test_logs_name_routes_not_customers(client, caplog):
    with caplog.at_level(logging.INFO, "shopwright.service"):
        client.get("/v1/churn/anna?x=bert", headers={"X-Request-ID": "r1"})
    line = json.loads(JsonFormatter().format(caplog.records[-1]))
    assert (line["route"], line["status"], line["request_id"]) == ("/v1/churn/{customer_id}", 200, "r1")
    assert "anna" not in json.dumps(line)
    assert "bert" not in json.dumps(line)


def test_figures_tell_requests_latencies_scores_and_version(client):
    client.post("/predict", json=SESSION)
    text = client.get("/metrics").text
    for line in (
        'shopwright_requests_total{method="POST",route="/predict",status="200"}',
        'shopwright_request_seconds_bucket{le="0.01",route="/predict"}',
        'shopwright_scores_total{band="',
        'shopwright_model_version{model="abandonment"} 1.0',
        "shopwright_collector_queue 0.0",
    ):
        assert line in text


def test_open_it_answers_to_this_machines_names_only(served):
    client = TestClient(create_app(served, is_local=True), base_url="http://evil.example")
    assert client.get("/health").status_code == 403
    for name in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
        assert client.get("/health", headers={"Host": name}).status_code == 200


def test_pages_of_other_origins_are_let_in_only_where_the_settings_say_so(client, set_up):
    headers = {"Origin": "https://shop.example.com"}
    assert "access-control-allow-origin" not in client.get("/health", headers=headers).headers
    allowed = set_up(cors_origins='["https://shop.example.com"]').get("/health", headers=headers)
    assert allowed.headers["access-control-allow-origin"] == "https://shop.example.com"
    assert "X-Model-Version" in allowed.headers["access-control-expose-headers"]


def test_the_documentation_fetches_nothing_from_the_web(client):
    page = client.get("/docs").text
    assert "https://" not in page
    for place in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert client.get(f"/static-offline-docs/{place}").status_code == 200


def test_every_guarded_route_is_documented_with_its_problems(client):
    document = client.get("/openapi.json").json()
    assert set(document["components"]["securitySchemes"]) == {"key", "bearer"}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            if path not in {"/health", "/ready", "/metrics"}:
                assert operation["security"]
                assert operation["responses"]["401"]["content"]["application/problem+json"]
