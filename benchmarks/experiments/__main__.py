"""A read-out from aggregates, beside the same figures from rows of users and from tea-tasting alone, in one run.

``python -m benchmarks.experiments`` makes the units of one experiment once (all metrics, five variants), lets each side
read them from the same DuckDB file in processes of their own, in turn, insists on equal figures, and writes
``benchmarks/experiments.md``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.experiments.measurements import Agreement, Run
from benchmarks.experiments.report import report
from benchmarks.experiments.sides import SIDES, UNITS
from benchmarks.experiments.units import EXPERIMENT
from benchmarks.measure import run

ROOT = Path(__file__).parents[2]
SAME_WITHIN = 1e-6
"""Greatest difference, relative to the figure, that counts as none: six digits."""


def main() -> None:
    """Prepare, measure, compare, report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.experiments", description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000, help="users to make (default: %(default)s)")
    parser.add_argument(
        "--repeats", type=int, default=5, help="processes of each side (default: %(default)s)"
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "benchmarks" / "experiments.md", help="report to write"
    )
    given = parser.parse_args()
    work = ROOT / ".bench" / "experiments"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    file = work / "units.duckdb"
    # by a process of its own: what this one holds would count as the peak memory of those that it starts
    command = [sys.executable, "-m", "benchmarks.experiments.units", str(file), str(given.users)]
    run(f"{given.users:,} users", command, log=work / "log")
    runs = _measure(file, given.repeats)
    agreements = {name: agreement(runs["whole"][0].figures, found[0].figures) for name, found in runs.items()}
    text = report(runs, agreements, users=given.users, scans=_scans(file), file_bytes=file.stat().st_size)
    given.out.write_text(text, encoding="utf-8")
    print(text)
    shutil.rmtree(work)


def _measure(file: Path, repeats: int) -> dict[str, list[Run]]:
    """All sides in turn, so that what else the machine does befalls all of them alike."""
    found: dict[str, list[Run]] = {name: [] for name in SIDES}
    for number in range(repeats):
        for name in SIDES:
            log = file.with_name(f"{name}-{number}.json")
            command = [sys.executable, "-m", "benchmarks.experiments.sides", name, str(file)]
            process = run(name, command, log=log)
            told: dict[str, Any] = json.loads(log.read_text(encoding="utf-8"))
            found[name].append(Run(told["seconds"], process, told["figures"]))
    return found


def agreement(ours: dict[str, float], theirs: dict[str, float]) -> Agreement:
    """Compare the figures that both have.

    Raises:
        SystemExit: they differ in the first six digits, or there are none.
    """
    both = {name: _apart(ours[name], theirs[name]) for name in ours if name in theirs}
    farthest = max(both, key=both.__getitem__, default="")
    if not both or both[farthest] > SAME_WITHIN:
        raise SystemExit(f"figures differ: {farthest}: {ours.get(farthest)} and {theirs.get(farthest)}")
    return Agreement(len(both), farthest, both[farthest])


def _apart(one: float, other: float) -> float:
    return abs(one - other) / max(abs(one), abs(other)) if one != other else 0.0


class _Counting:
    """A connection that counts how often the units are scanned."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.scans: list[int] = []

    def execute(self, query: str, parameters: object = None) -> duckdb.DuckDBPyConnection:
        plan = self._connection.execute(f"explain {query}", parameters).fetchall()
        self.scans.append(sum(text.count("SEQ_SCAN") for _, text in plan))
        return self._connection.execute(query, parameters)


def _scans(file: Path) -> dict[str, int]:
    """How often our read-out goes through the units, with and without the quantile."""
    from shopwright.experiments.aggregates import DIMENSIONS, read_aggregates  # noqa: PLC0415
    from shopwright.metrics import METRICS, Kind  # noqa: PLC0415

    additive = [METRICS[name] for name in EXPERIMENT.metrics if METRICS[name].kind is not Kind.QUANTILE]
    found = {}
    with duckdb.connect(str(file), read_only=True) as connection:
        for name, metrics in (("additive", additive), ("all", None)):
            counting: Any = _Counting(connection)
            read_aggregates(
                counting, EXPERIMENT, metrics=metrics, dimensions=(*DIMENSIONS, "exposed_date"), units=UNITS
            )
            found[name] = sum(counting.scans)
    return found


if __name__ == "__main__":
    main()
