"""The collector under load: 5,000 events a second, as many as it takes, and none lost when it is killed.

Starts the service on loopback over an empty shop, sends from threads of this process, and looks into the lake in the end.
Results go to ``benchmarks/collector.md``.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOPWRIGHT = [sys.executable, "-m", "shopwright.cli.main"]
BROKEN = (OSError, http.client.HTTPException)
BAR_RATE, ASKED_RATE = 5_000, 5_500
"""Events a second: what has to be met, and what is sent to meet it."""
SENDERS = 16
SMALL, LARGE = 100, 1_000
"""Events of a batch: as a shop's software would send them, and as a shop that imports would."""


@dataclass(slots=True)
class Sent:
    """What one sender has sent, and how it fared."""

    names: list[str] = field(default_factory=list)
    """Ids of acknowledged events."""
    seconds: list[float] = field(default_factory=list)
    """From the moment a batch was due to its acknowledgement."""
    repeated: int = 0
    """Batches that had to be sent again."""
    duplicate: int = 0
    """Events whose first sending had been kept, though nobody was told."""


class Sender(threading.Thread):
    """Sends batch after batch until it is told to stop, each again until it is acknowledged.

    Args:
        name: beginning of its events' ids.
        port: where the service listens.
        size: events of a batch.
        every: seconds between the moments at which batches are due; as fast as can be where 0.
    """

    def __init__(self, name: str, port: int, *, size: int, every: float = 0.0) -> None:
        super().__init__(name=name, daemon=True)
        self.port, self.size, self.every = port, size, every
        self.stopped = threading.Event()
        self.sent = Sent()

    def run(self) -> None:
        """Send."""
        started = time.perf_counter()
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            for number in count():
                names = [f"{self.name}-{number}-{place}" for place in range(self.size)]
                body = json.dumps([_event(name) for name in names])
                due = started + number * self.every if self.every else time.perf_counter()
                time.sleep(max(0.0, due - time.perf_counter()))
                if self.stopped.is_set():
                    return
                self._send(connection, body)
                self.sent.seconds.append(time.perf_counter() - due)
                self.sent.names += names

    def _send(self, connection: http.client.HTTPConnection, body: str) -> None:
        while True:
            try:
                connection.request("POST", "/v1/events", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                document = json.loads(answer.read())
            except ConnectionRefusedError:
                connection.close()  # it is not there yet, and has got nothing
                time.sleep(0.02)
                continue
            except BROKEN:
                connection.close()
            else:
                if answer.status == 202:
                    self.sent.duplicate += document["duplicate"]
                    return
                if answer.status not in {429, 503}:
                    raise SystemExit(f"the service answered {document}")
            self.sent.repeated += 1
            time.sleep(0.02)


def _event(name: str) -> dict[str, object]:
    return {
        "event_id": name,
        "event_at": "2025-03-01T10:15:00Z",
        "event_type": "product_view",
        "user_id": f"user-{hash(name) % 10_000}",
        "session_id": f"session-{hash(name) % 30_000}",
        "product_id": str(hash(name) % 5_000),
        "category": "home.kitchen.pans",
        "price": 12.5,
        "device": "mobile",
        "country": "DE",
        "page_url": "https://shop.example/products/pan-24",
        "properties": {"position": 3, "list": "recommended"},
    }


@contextmanager
def serving(shop: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The service in a process of its own, until the block ends."""
    with (shop / "log").open("ab") as log:
        process = subprocess.Popen(
            [*SHOPWRIGHT, "serve", "--project", str(shop), "--port", str(port)], stdout=log, stderr=log
        )
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise SystemExit((shop / "log").read_text(encoding="utf-8"))
            if _answers(port):
                break
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
    except BROKEN:
        return False


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        found: int = door.getsockname()[1]
        return found


def send(name: str, port: int, seconds: float, *, size: int, rate: float = 0.0) -> tuple[list[Sent], float]:
    """Send for a while.

    Args:
        rate: events a second; as fast as can be where 0.

    Returns:
        What each sender sent, and the seconds that it took.
    """
    every = SENDERS * size / rate if rate else 0.0
    senders = [Sender(f"{name}{number}", port, size=size, every=every) for number in range(SENDERS)]
    started = time.perf_counter()
    for sender in senders:
        sender.start()
    time.sleep(seconds)
    for sender in senders:
        sender.stopped.set()
    for sender in senders:
        sender.join()
    return [sender.sent for sender in senders], time.perf_counter() - started


def send_and_kill(shop: Path, port: int, seconds: float, kills: int) -> list[Sent]:
    """Send at speed while the service is killed again and again, and let it end in peace the last time."""
    senders = [Sender(f"kill{number}", port, size=SMALL) for number in range(SENDERS)]
    for kill in range(kills + 1):
        with serving(shop, port) as process:
            if not kill:
                for sender in senders:
                    sender.start()
            time.sleep(seconds)
            if kill < kills:
                process.send_signal(signal.SIGKILL)
                process.wait()
                continue
            for sender in senders:
                sender.stopped.set()
            for sender in senders:
                sender.join()
    return [sender.sent for sender in senders]


def in_lake(shop: Path) -> tuple[list[str], float, dict[str, int]]:
    """Drain, and read what is there.

    Returns:
        Ids of the events in the lake, seconds that the ingest took, and its counts.
    """
    started = time.perf_counter()
    ran = subprocess.run(
        [*SHOPWRIGHT, "ingest", "--project", str(shop), "--json"], check=True, capture_output=True
    )
    seconds = time.perf_counter() - started
    report = json.loads(ran.stdout)
    import duckdb  # noqa: PLC0415

    query = "select source_event_id from read_parquet($1, union_by_name = true)"
    found = duckdb.connect().execute(query, [str(shop / "lake" / "events" / "*.parquet")]).fetchall()
    return (
        [name for (name,) in found],
        seconds,
        {key: report[key] for key in report if key.startswith("rows_")},
    )


def _quantile(seconds: list[float], share: float) -> float:
    """In milliseconds."""
    return sorted(seconds)[int(share * (len(seconds) - 1))] * 1_000


def _row(what: str, sent: list[Sent], seconds: float, size: int) -> str:
    times = [each for sender in sent for each in sender.seconds]
    events = sum(len(sender.names) for sender in sent)
    return (
        f"| {what} | {size:,} | {events:,} | {events / seconds:,.0f} | {_quantile(times, 0.5):.1f} | "
        f"{_quantile(times, 0.99):.1f} |"
    )


def main() -> None:
    """Serve, send, kill, drain, report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collector", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=20, help="length of each part (default: %(default)s)"
    )
    parser.add_argument("--kills", type=int, default=5, help="how often it is killed (default: %(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "collector.md", help="report to write"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = _measure(Path(folder), given.seconds, given.kills)
    given.out.write_text(report, encoding="utf-8")
    print(report)


def _measure(shop: Path, seconds: float, kills: int) -> str:
    limits = "[service]\nrequests_per_second = 100000\nburst = 100000\n"
    (shop / "shopwright.toml").write_text(limits, encoding="utf-8")
    port = _free_port()
    with serving(shop, port):
        send("warm", port, 1, size=SMALL, rate=ASKED_RATE)
        steady, took = send("steady", port, seconds, size=SMALL, rate=ASKED_RATE)
        small, took_small = send("small", port, seconds, size=SMALL)
        large, took_large = send("large", port, seconds, size=LARGE)
    rows = [
        _row(f"{ASKED_RATE:,} events a second asked for", steady, took, SMALL),
        _row(f"as fast as {SENDERS} senders can", small, took_small, SMALL),
        _row(f"as fast as {SENDERS} senders can", large, took_large, LARGE),
    ]
    killed = send_and_kill(shop, port, max(2.0, seconds / 4), kills)
    landed, drained, counts = in_lake(shop)
    acknowledged = {
        name for part in (steady, small, large, killed) for sender in part for name in sender.names
    }
    rate = sum(len(sender.names) for sender in steady) / took
    return _report(
        rows,
        [
            (
                "events a second, each on disk when it is acknowledged",
                f"{rate:,.0f}",
                f"{BAR_RATE:,}",
                rate >= BAR_RATE,
            ),
            (
                "acknowledged events that are not in the lake",
                f"{len(acknowledged - set(landed)):,}",
                "0",
                acknowledged <= set(landed),
            ),
            (
                "events that are in the lake twice",
                f"{len(landed) - len(set(landed)):,}",
                "0",
                len(landed) == len(set(landed)),
            ),
        ],
        f"The service was killed (SIGKILL) {kills} times while {SENDERS} senders sent as fast as they could: "
        f"{sum(sender.repeated for sender in killed):,} batches were sent again, and "
        f"{sum(sender.duplicate for sender in killed):,} of their events had been kept before the kill and were told apart by "
        f"their ids. `shopwright ingest` then took {counts['rows_read']:,} events in {drained:.1f} s, starting Python "
        f"included: {counts['rows_accepted']:,} accepted, {counts['rows_duplicate']:,} duplicate, "
        f"{counts['rows_quarantined']:,} quarantined.",
    )


def _report(rows: list[str], claims: list[tuple[str, str, str, bool]], told: str) -> str:
    lines = [
        "# Benchmark: the collector",
        "",
        (
            f"Written by `python -m benchmarks.collector` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores shared by "
            f"service and senders, {platform.machine()}, Python {platform.python_version()}, DuckDB {version('duckdb')}, "
            f"uvicorn {version('uvicorn')}. One worker, {SENDERS} connections. Times run from the moment a batch was due to "
            "its acknowledgement; nothing is acknowledged before an fsync."
        ),
        "",
        "| load | events a batch | acknowledged | a second | p50 ms | p99 ms |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        *rows,
        "",
        told,
        "",
        "| what | measured | bar | met |",
        "| --- | ---: | ---: | --- |",
        *(f"| {what} | {value} | {bar} | {'yes' if met else '**no**'} |" for what, value, bar, met in claims),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
