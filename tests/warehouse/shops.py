"""Small shops for the tests of the warehouse, and what is compared of them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb

from shopwright.ingest.run import ingest
from shopwright.settings import Project, load_project

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence
    from pathlib import Path

NOW = datetime(2026, 1, 1)  # noqa: DTZ001  # naive UTC, as everywhere
HEALTH = (
    "fct_ingest_ledger",
    "fct_event_merges",
    "fct_merged_rows",
    "fct_simulated_effects",
    "fct_data_tests",
    "fct_freshness",
)
"""Tables that tell how the data came, and so may differ between two ways of coming."""

SHOPWRIGHT = [sys.executable, "-m", "shopwright.cli.main"]


def make_shop(
    root: Path, *, raw: Path | str = "raw", adapter: str = "event_stream", extra: str = ""
) -> Project:
    """Return a project with one source, in ``raw``."""
    root.mkdir(parents=True, exist_ok=True)
    source = f'[[sources]]\nname = "clicks"\nadapter = "{adapter}"\npath = {json.dumps(str(raw))}\n'
    (root / "shopwright.toml").write_text(extra + source, encoding="utf-8")
    return load_project(root)


def sheet_csv(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as the text of a CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def take_in(project: Project) -> None:
    """Ingest, and see that every file balances."""
    for row in ingest(project, now=NOW).rows:
        assert row.outcome != "failed", row
        counts = (row.rows_accepted, row.rows_quarantined, row.rows_duplicate, row.rows_ignored)
        assert row.rows_read == sum(counts)


def run(project: Project, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command about a project as a user would."""
    return subprocess.run(
        [*SHOPWRIGHT, *command, "--project", str(project.root)], capture_output=True, text=True, check=False
    )


def gold(database: Path) -> dict[str, tuple[int, str]]:
    """Rows and digest of every gold table, health tables aside; the order of rows does not matter."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'gold' order by table_name"
        ).fetchall()
        return {name: _digest(connection, name) for (name,) in names if name not in HEALTH}


def _digest(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[int, str]:
    rows = connection.execute(f'select * from gold."{name}" order by all').fetchall()
    return len(rows), hashlib.sha256(repr(rows).encode()).hexdigest()


def deal(lines: list[str], into: Path, name: str, rng: random.Random, *, files: int) -> None:
    """Deal lines at random to files, some of them twice."""
    into.mkdir(parents=True, exist_ok=True)
    hands: list[list[str]] = [[] for _ in range(files)]
    for line in lines:
        rng.choice(hands).append(line)
        if rng.random() < 0.05:
            rng.choice(hands).append(line)
    for number, hand in enumerate(hands):
        rng.shuffle(hand)
        (into / f"{name}-{number}.jsonl").write_text("".join(hand), encoding="utf-8")
