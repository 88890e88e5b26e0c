"""The head of a request: one that never ends costs neither memory nor other clients' time."""

from __future__ import annotations

import http.client
import socket
import time

import pytest
from starlette.testclient import TestClient

from shopwright.service.app import create_app
from shopwright.service.http_protocol import HEAD_SECONDS, MAX_HEAD_BYTES
from tests.service.test_server import serving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def port(served):
    with serving(served) as (number, _):
        yield number


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def read_all(connection):
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def is_healthy(port):
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    client.request("GET", "/health")
    status = client.getresponse().status
    client.close()
    return status == 200


def test_a_head_that_goes_on_is_refused_before_it_is_parsed(port):
    with connect(port) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ")
        sent, block = 0, b"x" * 65_536
        try:
            for _ in range(1_000):
                sent += connection.send(block)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 20_000_000
        assert is_healthy(port)


def test_a_head_of_some_more_than_the_limit_gets_431(port):
    with connect(port) as connection:
        connection.sendall(
            b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n"
        )
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"application/problem+json" in answer


def test_heads_below_the_limit_pass_one_after_the_other(port):
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for _ in range(5):
        client.request("GET", "/health", headers={"X-Long": "x" * (MAX_HEAD_BYTES - 1_000)})
        response = client.getresponse()
        response.read()
        assert response.status == 200
    client.close()


def test_a_body_is_no_part_of_the_head(port):
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    client.request("POST", "/bulk_predict", b" " * 500_000, {"Content-Type": "application/json"})
    assert client.getresponse().status == 422
    client.close()


def test_a_head_that_never_ends_is_closed(port):
    with connect(port) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\n")
        started = time.monotonic()
        answer = read_all(connection)
        assert time.monotonic() - started < HEAD_SECONDS + 5
    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_without_keys_nothing_that_was_forwarded_is_answered(served, name):
    client = TestClient(create_app(served, is_local=True), base_url="http://localhost")
    response = client.get("/health", headers={name: "for=127.0.0.1"})
    assert (response.status_code, response.json()["type"]) == (403, "urn:shopwright:problem:not-local")


def test_two_hosts_are_refused(served):
    client = TestClient(create_app(served, is_local=True), base_url="http://localhost")
    response = client.get("/health", headers=[("Host", "localhost"), ("Host", "evil.example")])
    assert response.status_code == 400
