"""Killing ingest or build at any moment, and running again, gives what an undisturbed run gives."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time

import pytest

from tests.warehouse.shops import SHOPWRIGHT, gold, make_shop, run

pytestmark = pytest.mark.slow

KILLS_A_ROUND = 10
MAX_SECONDS = 9.0


@pytest.fixture(scope="module")
def undisturbed(dirty_raw, tmp_path_factory):
    project = make_shop(tmp_path_factory.mktemp("undisturbed"), raw=dirty_raw)
    assert run(project, "run").returncode == 0
    return gold(project.published)


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (2, 3, 4))])
def test_fifty_kills_lose_and_double_nothing(seed, dirty_raw, undisturbed, tmp_path):
    rng = random.Random(seed)
    project = make_shop(tmp_path)
    raw = project.root / "raw"
    raw.mkdir()
    files = sorted([*dirty_raw.glob("*.jsonl"), *dirty_raw.glob("events/*.jsonl")])
    rng.shuffle(files)
    killed = 0
    while killed < KILLS_A_ROUND:
        if files and (rng.random() < 0.5 or not any(raw.iterdir())):
            shutil.copy(files.pop(), raw)
        killed += _run_and_kill(project, rng)
    for file in files:
        shutil.copy(file, raw)
    finished = run(project, "run")
    assert finished.returncode == 0, finished.stderr
    assert run(project, "doctor").returncode == 0
    assert gold(project.published) == undisturbed


def _run_and_kill(project, rng) -> bool:
    """Run everything and kill it at a random moment; an ingest alone takes the first tenth of the time."""
    after = rng.uniform(0.2, 1.5) if rng.random() < 0.5 else rng.uniform(1.5, MAX_SECONDS)
    process = subprocess.Popen(
        [*SHOPWRIGHT, "run", "--project", str(project.root)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(timeout=after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(0.05)
        return True
    return False
