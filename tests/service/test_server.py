"""The service as a process: where it may listen, and champions that are exchanged while requests come in."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from shopwright.core.addresses import is_loopback
from shopwright.core.errors import ConfigurationError
from shopwright.registry import Registry
from shopwright.service.keys import create_key
from shopwright.service.server import bind_server
from tests.service.example_shop import SESSION

SECONDS = 6.0
CLIENTS = 4


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("shop", False),
    ],
)
def test_what_only_this_machine_reaches(host, is_local):
    assert is_loopback(host) is is_local


def test_without_a_key_it_listens_to_this_machine_alone(own):
    with pytest.raises(ConfigurationError, match="keys create"), bind_server(own, host="0.0.0.0", port=0):
        pass
    with bind_server(own, host="127.0.0.1", port=0) as found:
        assert found.allows_anonymous
    create_key(own.keys, "shop", ["read"], now=datetime.now(UTC))
    for host in ("0.0.0.0", "127.0.0.1"):
        with bind_server(own, host=host, port=0) as found:
            assert not found.allows_anonymous


def test_a_port_that_is_taken_is_told(own):
    with bind_server(own, host="127.0.0.1", port=0) as found:
        taken = pytest.raises(ConfigurationError, match=f"Port {found.port} on 127.0.0.1 is not available")
        with taken, bind_server(own, host="127.0.0.1", port=found.port):
            pass


@contextmanager
def serving(project):
    """A process that serves; gives its port and its process."""
    command = [sys.executable, "-m", "shopwright.cli.main", "serve", "--port", "0"]
    log = project.root / "log"
    with log.open("wb") as opened:
        process = subprocess.Popen([*command, "--project", str(project.root)], stderr=opened)
    try:
        until = time.monotonic() + 60
        while not (found := re.search(r"Serving .* at http://127.0.0.1:(\d+) ", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until
            time.sleep(0.05)
        yield int(found.group(1)), process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


class Client(threading.Thread):
    """Asks for scores, one after the other."""

    def __init__(self, port, stop):
        super().__init__()
        self.port, self.stop = port, stop
        self.statuses, self.versions = [], []

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.stop.is_set():
            connection.request("POST", "/predict", json.dumps(SESSION), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            document = json.loads(answer.read())
            self.statuses.append(answer.status)
            self.versions.append(document.get("model_version"))
            time.sleep(0.01)
        connection.close()


@pytest.mark.slow
def test_champions_are_exchanged_under_load_without_a_dropped_request(own):
    (own.root / "shopwright.toml").write_text("[service]\nrefresh_seconds = 0.1\n")
    with serving(own) as (port, process):
        stop = threading.Event()
        clients = [Client(port, stop) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        registry = Registry(own)
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            registry.promote("abandonment", 2, force_reason="for a test")
            time.sleep(0.5)
            registry.rollback("abandonment")
            time.sleep(0.5)
        stop.set()
        for client in clients:
            client.join()
        assert process.poll() is None
    for client in clients:
        assert set(client.statuses) == {200}
        assert set(client.versions) == {1, 2}
    assert sum(len(client.statuses) for client in clients) > 100


@pytest.mark.slow
def test_told_to_stop_it_answers_what_came_before(own):
    with serving(own) as (port, process):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request(
            "GET", "/health"
        )  # a connection that the server has accepted, however busy the machine
        connection.getresponse().read()
        body = json.dumps([SESSION] * 20_000)
        connection.putrequest("POST", "/bulk_predict")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        connection.send(body[:1_000].encode())
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.send(body[1_000:].encode())
        answer = connection.getresponse()
        assert answer.status == 200
        assert len(json.loads(answer.read())["sessions"]) == 20_000
        connection.close()
