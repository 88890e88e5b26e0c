"""Raw CSV to tested gold, beside a bare copy and the classic pandas way, in one run.

Everything is run as a process of its own, so each figure includes starting Python. Inputs are simulated once and kept
in ``.bench``; results go to ``benchmarks/results.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import Measured, middle, run

ROOT = Path(__file__).parent.parent
PYTHON = sys.executable
SHOPWRIGHT = [PYTHON, "-m", "shopwright.cli.main"]
ROUNDS = 3
"""How often each of the short steps is run; the median counts."""
BAR_RATE, AIM_RATE, BAR_BYTES = 150_000, 250_000, 6 << 30


def main() -> None:
    """Simulate, measure, report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--events", type=int, default=20_000_000, help="events to simulate (default: %(default)s)"
    )
    parser.add_argument("--skip-pandas", action="store_true", help="leave out the slow rival")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results.md", help="report to write"
    )
    given = parser.parse_args()
    cache = ROOT / ".bench" / str(given.events)
    raw, day = _inputs(cache, given.events)
    work = cache / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    found = _measure(work, raw, day, with_pandas=not given.skip_pandas)
    report = _report(found, _rows(work / "shop"), raw)
    given.out.write_text(report, encoding="utf-8")
    print(report)
    shutil.rmtree(work)


def _inputs(cache: Path, events: int) -> tuple[Path, Path]:
    """Folders with all days but the last, and with the last day; simulated where they are not there yet."""
    raw, day = cache / "raw", cache / "day"
    if not (day / "done").exists():
        shutil.rmtree(cache, ignore_errors=True)
        raw.mkdir(parents=True)
        day.mkdir()
        command = [
            *SHOPWRIGHT,
            "simulate",
            str(raw),
            "--format",
            "rees46",
            "--months",
            "5",
            "--products",
            "54000",
        ]
        run(f"simulate {events:,} events", [*command, "--events", str(events)], log=cache / "log")
        _split_last_day(max(raw.glob("*.csv"), key=lambda file: file.stat().st_mtime), day)
        (day / "done").touch()
    return raw, day


def _split_last_day(file: Path, day: Path) -> None:
    """Move the rows of the last day of a sorted file to a file of their own."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        header = opened.readline()
        opened.seek(max(0, size - 4096))
        last = opened.read().splitlines()[-1][:10]
        low, high = len(header), size
        while low < high:  # the first byte from which on lines belong to the last day
            middle = (low + high) // 2
            opened.seek(middle)
            opened.readline()
            low, high = (middle + 1, high) if opened.read(10) < last else (low, middle)
        opened.seek(low)
        opened.readline()
        start = opened.tell()
        rows = opened.read()
    (day / "last-day.csv").write_bytes(header + rows)
    with file.open("r+b") as opened:
        opened.truncate(start)


def _measure(work: Path, raw: Path, day: Path, *, with_pandas: bool) -> dict[str, Measured]:
    log, shop = work / "log", work / "shop"
    found = {}
    _make_shop(shop, raw)
    found["bare"] = run("bare copy", _rival("bare", raw, work), log=log)
    (work / "bare.parquet").unlink()
    found["ingest"] = run("ingest", [*SHOPWRIGHT, "ingest", "--project", str(shop)], log=log)
    if with_pandas:
        found["pandas"] = run("pandas way", _rival("pandas", raw, work), log=log)
    found["build"] = run("build", [*SHOPWRIGHT, "build", "--project", str(shop)], log=log)
    found["start"] = _start(work / "tiny", work / "tiny-raw", log)
    shutil.copy(day / "last-day.csv", shop / "last-day.csv")
    settings = shop / "shopwright.toml"
    paths = json.dumps([str(raw), "last-day.csv"])
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace(f"path = {json.dumps(str(raw))}", f"path = {paths}"), encoding="utf-8")
    shutil.copytree(shop, work / "before")
    found["day"] = middle([_one_more_day(shop, work / "before", log) for _ in range(ROUNDS)])
    return found


def _start(shop: Path, raw: Path, log: Path) -> Measured:
    """Run a shop of 3,000 events once, then with one more such file at a time: hardly more than dbt's own time."""
    _make_shop(shop, raw)
    more = raw.with_name("tiny-more")
    for number in range(ROUNDS + 1):
        folder = more / str(number)
        command = [*SHOPWRIGHT, "simulate", str(folder), "--format", "rees46", "--events", "3000"]
        run("simulate a tiny shop", [*command, "--months", "1", "--seed", str(number)], log=log)
    raw.mkdir()
    rounds = []
    for number in range(ROUNDS + 1):
        (file,) = (more / str(number)).glob("*.csv")
        shutil.copy(file, raw / f"{number}.csv")
        rounds.append(run("a tiny shop", [*SHOPWRIGHT, "run", "--project", str(shop)], log=log))
    return middle(rounds[1:])


def _one_more_day(shop: Path, before: Path, log: Path) -> Measured:
    """Run the shop as it was before its other day; where it lies may not change, since the warehouse knows its files by path."""
    shutil.rmtree(shop)
    shutil.copytree(before, shop)
    return run("run one more day", [*SHOPWRIGHT, "run", "--project", str(shop)], log=log)


def _make_shop(shop: Path, raw: Path) -> None:
    shop.mkdir()
    source = f'[[sources]]\nname = "clicks"\nadapter = "rees46"\npath = {json.dumps(str(raw))}\n'
    (shop / "shopwright.toml").write_text(source, encoding="utf-8")


def _rival(name: str, raw: Path, work: Path) -> list[str]:
    return [PYTHON, "-m", "benchmarks.rivals", name, str(raw), str(work)]


def _rows(shop: Path) -> tuple[int, int]:
    """Events read in all, and in the last file."""
    import duckdb  # noqa: PLC0415

    with duckdb.connect(str(shop / "published" / "warehouse.duckdb"), read_only=True) as connection:
        query = "select sum(rows_read), arg_max(rows_read, batch_seq) from gold.fct_ingest_ledger"
        total, last = connection.execute(query).fetchone() or (0, 0)
    return int(total), int(last)


def _report(found: dict[str, Measured], rows: tuple[int, int], raw: Path) -> str:
    total, last = rows
    first = total - last
    lines = [
        "# Benchmark: raw CSV to tested gold",
        "",
        (
            f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, {platform.machine()}, "
            f"Python {platform.python_version()}, DuckDB {version('duckdb')}, dbt {version('dbt-core')}. "
            f"{first:,} simulated REES46-like events in {len(list(raw.glob('*.csv')))} files "
            f"({sum(file.stat().st_size for file in raw.glob('*.csv')) / 1e9:.1f} GB of CSV), then {last:,} of one more day. "
            f"Each row is a process of its own, starting Python included; the last two are medians of {ROUNDS}. Ratios hold on any machine; seconds do not."
        ),
        "",
        "| step | seconds | CPU seconds | events a second | peak memory |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    names = {
        "bare": "bare DuckDB copy, CSV to one zstd Parquet file",
        "ingest": "`shopwright ingest`",
        "pandas": "pandas: million-row chunks, MD5 bucket, append",
        "build": "`shopwright build`, everything, tests included",
        "start": "`shopwright run`, 3,000 events more in a tiny shop (dbt's start-up)",
        "day": "`shopwright run`, one more day, tests included",
    }
    for key, name in names.items():
        if key in found:
            lines.append(_row(name, found[key], {"day": last, "start": 0}.get(key, first)))
    return "\n".join([*lines, "", *_verdicts(found, first)]) + "\n"


def _row(name: str, item: Measured, rows: int) -> str:
    rate = f"{item.rate(rows):,.0f}" if rows else ""
    return f"| {name} | {item.seconds:.1f} | {item.cpu_seconds:.1f} | {rate} | {item.peak_bytes / (1 << 30):.2f} GiB |"


def _verdicts(found: dict[str, Measured], rows: int) -> list[str]:
    whole = found["ingest"].seconds + found["build"].seconds
    rate = rows / whole
    peak = max(item.peak_bytes for key, item in found.items() if key not in ("bare", "pandas"))
    extra = found["day"].seconds - found["start"].seconds
    claims = [
        (
            "raw CSV to tested gold",
            f"{rate:,.0f} events a second",
            rate >= BAR_RATE,
            f"{BAR_RATE:,} (aim {AIM_RATE:,})",
        ),
        ("peak memory", f"{peak / (1 << 30):.2f} GiB", peak < BAR_BYTES, "under 6 GiB"),
        _ratio("ingest against the bare copy", found["ingest"].seconds / found["bare"].seconds, at_most=1.5),
        (
            "one more day, beyond dbt's start-up",
            f"{extra:.1f} s, {extra / whole:.1%} of ingest and build in full",
            extra <= 0.05 * whole,
            "at most 5 %",
        ),
    ]
    if "pandas" in found:
        claims.append(
            _ratio(
                "the pandas way against ingest", found["pandas"].seconds / found["ingest"].seconds, at_least=4
            )
        )
    head = ["| what | measured | bar | met |", "| --- | --- | --- | --- |"]
    return head + [
        f"| {what} | {value} | {bar} | {'yes' if met else '**no**'} |" for what, value, met, bar in claims
    ]


def _ratio(
    what: str, value: float, *, at_most: float | None = None, at_least: float | None = None
) -> tuple[str, str, bool, str]:
    if at_most is not None:
        return what, f"{value:.2f} times", value <= at_most, f"at most {at_most:g} times"
    return what, f"{value:.2f} times", value >= (at_least or 0), f"at least {at_least:g} times"


if __name__ == "__main__":
    main()
