"""A service that is killed while events come in has lost none that it acknowledged, and doubles none."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress

import pytest
from events import check_ledger, event, ids

pytestmark = pytest.mark.slow

SENDERS, EVENTS = 4, 25
KILLS = 2
BROKEN = (OSError, http.client.HTTPException)


def _free_port():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


def _answers(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with closing(connection), suppress(*BROKEN):
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    return False


@contextmanager
def serving(shop, port):
    """The service in a process of its own, killed when the block ends."""
    command = [sys.executable, "-m", "shopwright.cli.main", "serve"]
    with (shop.root / "log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--project", str(shop.root), "--port", str(port)], stdout=log, stderr=log
        )
    try:
        last = time.monotonic() + 60
        while not _answers(port):
            assert process.poll() is None, (shop.root / "log").read_text()
            assert time.monotonic() < last
            time.sleep(0.1)
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


class Sender(threading.Thread):
    """Sends batch after batch, each of them again until it is acknowledged."""

    def __init__(self, number, port, stop):
        super().__init__()
        self.number, self.port, self.stop = number, port, stop
        self.acknowledged, self.repeated = [], 0

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with closing(connection):
            while not self.stop.is_set():
                names = [f"{self.number} {len(self.acknowledged)} {place}" for place in range(EVENTS)]
                self._send(connection, json.dumps([event(name) for name in names]))
                self.acknowledged += names

    def _send(self, connection, body):
        while True:
            try:
                connection.request("POST", "/v1/events", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                document = json.loads(answer.read())
            except BROKEN:
                connection.close()  # it opens anew with the next request
            else:
                assert answer.status in {202, 429, 503}, document
                if answer.status == 202:
                    assert document["accepted"] + document["duplicate"] == EVENTS
                    return
            self.repeated += 1
            time.sleep(0.05)


def test_a_service_killed_under_load_loses_and_doubles_nothing(shop):
    port, stop = _free_port(), threading.Event()
    senders = [Sender(number, port, stop) for number in range(SENDERS)]
    for kill in range(KILLS):
        with serving(shop, port):
            if not kill:
                for sender in senders:
                    sender.start()
            time.sleep(1.5)
            subprocess.run(
                [sys.executable, "-m", "shopwright.cli.main", "ingest", "--project", str(shop.root)],
                check=True,
                capture_output=True,
            )
    with serving(shop, port):
        time.sleep(1)
        stop.set()
        for sender in senders:
            sender.join()
    shop.ingest()
    sent = sorted(set().union(*(sender.acknowledged for sender in senders)))
    assert sum(sender.repeated for sender in senders) > 0
    assert len(sent) > 1_000
    assert ids(shop) == sent
    assert shop.quarantine() == []
    check_ledger(shop)
