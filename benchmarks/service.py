"""How fast the service answers: 200 scores a second on one worker, with and without a picture, and a million rows at once.

    python -m benchmarks.service [--project DIR] [--rate 200] [--seconds 20] [--rows 1000000]

Starts the server itself, on loopback, and asks it over an own small client with an open loop: a request is due at its moment
whether or not the ones before were answered, and its latency counts from that moment. Writes ``benchmarks/service.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.csv as pacsv

from shopwright.core.engine import connect
from shopwright.registry import Registry
from shopwright.settings import load_project

if TYPE_CHECKING:
    from collections.abc import Iterator

REPORT = Path(__file__).with_suffix(".md")
CONNECTIONS = 32
WARM_UP_SECONDS = 2.0
BODIES = 500
"""Different sessions that are asked about, one after the other."""
COLUMNS = ("total_views", "total_carts", "session_duration_minutes", "experiment_group", "device", "channel")
COMMAND = [sys.executable, "-m", "shopwright.cli.main"]


@dataclass(frozen=True, slots=True)
class Load:
    """What a load came to."""

    name: str
    sent: int
    failed: int
    milliseconds: np.ndarray
    """Latency of each request from the moment it was due."""

    def row(self, bar: str) -> str:
        """As a line of a table."""
        p50, p99, p999 = np.percentile(self.milliseconds, [50, 99, 99.9])
        return (
            f"| {self.name} | {self.sent:,} | {self.failed} | {p50:.1f} | {p99:.1f} | {p999:.1f} | "
            f"{self.milliseconds.max():.1f} | {bar} |"
        )


@dataclass(frozen=True, slots=True)
class Bulk:
    """What a bulk prediction came to."""

    rows: int
    alone_seconds: float
    """Seconds of scoring arrays, in this process, on one thread."""
    file_seconds: float
    """From a CSV in memory to a CSV in memory, in this process."""
    served_seconds: float
    """From the first byte sent to the last byte received."""
    peak_bytes: int
    """Of the server, after a tenth of the rows, and after all of them."""
    peak_of_tenth_bytes: int


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--project", type=Path, help="a shop with a champion of abandonment; one is made where not given"
    )
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shopwright-bench-") as folder:
        work = Path(folder)
        root = given.project or _made(work)
        bodies, csv, tenth = _material(root, work, given.rows)
        with _serving(root, work) as (port, process):
            loads = [
                asyncio.run(_load(name, port, path, bodies, given.rate, given.seconds))
                for name, path in (
                    ("without a picture", "/predict"),
                    ("with a picture", "/predict?plot=waterfall"),
                )
            ]
            _bulk(port, tenth)
            peak_of_tenth = _peak(process)
            served = _bulk(port, csv)
            peak = _peak(process)
        bulk = Bulk(given.rows, *_in_process(root, csv), served, peak, peak_of_tenth)
    REPORT.write_text(_report(given.rate, given.seconds, loads, bulk, _kind(root)), encoding="utf-8")
    print(REPORT.read_text(encoding="utf-8"))


def _made(work: Path) -> Path:
    """A shop with a champion."""
    root = work / "shop"
    steps = (
        ["init", str(root), "--template", "clickstream", "--source-path", str(root / "raw")],
        ["simulate", str(root / "raw"), "--format", "event_stream", "--events", "600000", "--seed", "7"],
        ["run", "--project", str(root)],
        ["train", "abandonment", "--project", str(root)],
    )
    for step in steps:
        print(f"  shopwright {step[0]} ...", file=sys.stderr, flush=True)
        subprocess.run([*COMMAND, *step], check=True, stdout=subprocess.DEVNULL)
    if Registry(load_project(root)).champion("abandonment") is None:
        raise SystemExit("no version passed the gate")
    return root


def _material(root: Path, work: Path, rows: int) -> tuple[list[bytes], Path, Path]:
    """Bodies of single requests, and CSVs of all rows and of a tenth of them, from the shop's own sessions."""
    query = f"select {', '.join(COLUMNS)} from gold.feat_abandonment order by session_key"
    with connect(load_project(root).published, read_only=True) as connection:
        sessions = connection.execute(query).to_arrow_table()
    files = [work / "all.csv", work / "tenth.csv"]
    for file, count in zip(files, (rows, rows // 10), strict=True):
        repeated = sessions.take(np.arange(count) % sessions.num_rows)
        pacsv.write_csv(
            repeated.add_column(0, "session_id", [[f"s{number}" for number in range(count)]]), file
        )
    some = sessions.take(np.linspace(0, sessions.num_rows - 1, BODIES).astype(int)).to_pylist()
    bodies = [json.dumps(session).encode() for session in some]
    return bodies, files[0], files[1]


@contextmanager
def _serving(root: Path, work: Path) -> Iterator[tuple[int, int]]:
    """The server's port and process id."""
    log = work / "server.log"
    with log.open("wb") as opened:
        command = [*COMMAND, "serve", "--project", str(root), "--port", "0"]
        process = subprocess.Popen(command, stderr=opened, env=_without_limit(os.environ))
    try:
        while not (found := re.search(r"Serving .* at http://127.0.0.1:(\d+) ", log.read_text())):
            if process.poll() is not None:
                raise SystemExit(log.read_text())
            time.sleep(0.1)
        yield int(found.group(1)), process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _without_limit(environment: os._Environ[str]) -> dict[str, str]:
    """The environment without a key, since nothing but this asks."""
    return {name: value for name, value in environment.items() if name != "SHOPWRIGHT_API_KEY"}


async def _load(name: str, port: int, path: str, bodies: list[bytes], rate: float, seconds: float) -> Load:
    """Ask at a steady rate, whatever the answers take."""
    print(f"  {name}: {rate:g} a second for {seconds:g} s ...", file=sys.stderr, flush=True)
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    latencies: list[float] = []
    failed = 0

    async def ask(due: float, body: bytes, *, counts: bool) -> None:
        nonlocal failed
        reader, writer = await free.get()
        status = await _asked(reader, writer, path, body)
        free.put_nowait((reader, writer))
        if counts:
            latencies.append((time.perf_counter() - due) * 1_000)
            failed += status != 200

    async def drive(count: int, *, counts: bool) -> None:
        started = time.perf_counter() + 0.05
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                due = started + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(ask(due, bodies[number % len(bodies)], counts=counts))

    await drive(int(rate * WARM_UP_SECONDS), counts=False)
    await drive(int(rate * seconds), counts=True)
    while not free.empty():
        _, writer = free.get_nowait()
        writer.close()
        await writer.wait_closed()
    return Load(name, len(latencies), failed, np.array(latencies))


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, body: bytes) -> int:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", answer, re.IGNORECASE)
    await reader.readexactly(int(length.group(1)) if length else 0)
    return int(answer.split(b" ", 2)[1])


def _bulk(port: int, csv: Path) -> float:
    """Seconds of a bulk prediction."""
    print(f"  bulk: {csv.stat().st_size / 1e6:.0f} MB of CSV ...", file=sys.stderr, flush=True)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    started = time.perf_counter()
    with csv.open("rb") as body:
        headers = {"Content-Type": "text/csv", "Content-Length": str(csv.stat().st_size)}
        connection.request("POST", "/bulk_predict", body, headers)
        answer = connection.getresponse()
        while answer.read(1 << 20):
            pass
    if answer.status != 200:
        raise SystemExit(f"bulk prediction failed with {answer.status}")
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


def _in_process(root: Path, csv: Path) -> tuple[float, float]:
    """Seconds of scoring arrays, and of scoring a CSV, on one thread of this process."""
    import io  # noqa: PLC0415

    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    from shopwright.service.app import build_service  # noqa: PLC0415
    from shopwright.service.bulk import BulkFormat, BulkJob, score_file  # noqa: PLC0415
    from shopwright.service.session_fields import SESSION_FIELDS  # noqa: PLC0415

    service = build_service(load_project(root))
    champion = service.champion_loader.current()
    table = pacsv.read_csv(csv)
    columns = {
        name: table[name].to_numpy().astype(np.float64)
        if SESSION_FIELDS[name].is_number
        else np.array(table[name].to_pylist(), dtype=object)
        for name in COLUMNS
    }
    content = csv.read_bytes()
    with threadpool_limits(1):
        started = time.perf_counter()
        champion.scorer.probabilities(columns, table.num_rows)
        alone = time.perf_counter() - started
        started = time.perf_counter()
        scoring = BulkJob(champion, service.settings)
        score_file(scoring, (BulkFormat.CSV, io.BytesIO(content)), (BulkFormat.CSV, io.BytesIO()))
        return alone, time.perf_counter() - started


def _peak(process: int) -> int:
    """Most memory that a process held so far, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(found.group(1)) * 1024 if found else 0


def _kind(root: Path) -> str:
    champion = Registry(load_project(root)).show("abandonment")
    return f"{champion.parameters.get('kind', 'trees')}, version {champion.number}"


def _report(rate: float, seconds: float, loads: list[Load], bulk: Bulk, kind: str) -> str:
    bars = ("p99 under 10 ms", "p99 under 150 ms")
    lines = "\n".join(load.row(bar) for load, bar in zip(loads, bars, strict=True))
    load1, _, _ = os.getloadavg()
    return f"""# The service under load

<!-- Written by `python -m benchmarks.service`; do not edit. -->

One worker on loopback, {os.cpu_count()} cores shared with the client; load average at the end {load1:.1f}. The champion of
abandonment explains every answer exactly, on one thread. {rate:g} requests a second for {seconds:g} s on {CONNECTIONS}
connections, sent when they are due; latency in milliseconds from that moment to the last byte.

| `POST /predict` | requests | failed | p50 | p99 | p99.9 | worst | bar |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
{lines}

`POST /bulk_predict`, CSV to CSV, {bulk.rows:,} sessions of {len(COLUMNS)} fields:

| what | seconds | rows a second | times scoring alone |
| --- | ---: | ---: | ---: |
| scoring alone: arrays in this process | {bulk.alone_seconds:.1f} | {bulk.rows / bulk.alone_seconds:,.0f} | 1.0 |
| CSV to CSV in this process | {bulk.file_seconds:.1f} | {bulk.rows / bulk.file_seconds:,.0f} | {bulk.file_seconds / bulk.alone_seconds:.1f} |
| over HTTP, upload and download included | {bulk.served_seconds:.1f} | {bulk.rows / bulk.served_seconds:,.0f} | {bulk.served_seconds / bulk.alone_seconds:.1f} (bar: 4) |

Peak memory of the server: {bulk.peak_of_tenth_bytes / 1e6:.0f} MB after a tenth of the rows, {bulk.peak_bytes / 1e6:.0f} MB after all of them.
Champion: {kind}.
"""


if __name__ == "__main__":
    main()
