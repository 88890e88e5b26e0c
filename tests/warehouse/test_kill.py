"""Killing ingest or build at any moment, and running again, gives what an undisturbed run gives."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time

import pytest

from tests.built import build_once
from tests.warehouse.shops import SHOPWRIGHT, gold, make_shop, run
from tests.warehouse.trade import trade_shop, write_trade

pytestmark = pytest.mark.slow

KILLS_A_ROUND = 10
MAX_SECONDS = 9.0


MENDING = (
    ("ingest", "--again", "clicks"),
    ("ingest", "--again", "till"),
    ("ingest", "--yes", "--forget", "{file}"),
)


@pytest.fixture(scope="module")
def undisturbed(dirty_raw, tmp_path_factory):
    project = make_shop(tmp_path_factory.mktemp("undisturbed"), raw=dirty_raw)
    assert run(project, "run").returncode == 0
    return gold(project.published)


@pytest.fixture(scope="module")
def trade(tmp_path_factory):
    return build_once(tmp_path_factory, "trade", write_trade)


@pytest.fixture(scope="module")
def undisturbed_trade(trade, tmp_path_factory):
    project = trade_shop(tmp_path_factory.mktemp("undisturbed-trade"))
    for file in _files_of(trade):
        _copy(file, project)
    finished = run(project, "run")
    assert finished.returncode == 0, finished.stderr
    return gold(project.published)


def _files_of(trade):
    """Return the files of the shop; those of the till are sorted, since the last statement of an order counts."""
    return sorted(path for path in trade.rglob("*") if path.suffix in (".jsonl", ".csv"))


# Of fifty kills, thirty are below, where files are also read again and taken out.
@pytest.mark.parametrize("seed", [0, pytest.param(3, marks=pytest.mark.long)])
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


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (2, 4))])
def test_kills_while_files_are_read_again_or_taken_out_lose_and_double_nothing(
    seed, trade, undisturbed_trade, tmp_path
):
    rng = random.Random(seed)
    project = trade_shop(tmp_path)
    statements = [file for file in _files_of(trade) if file.parent.name == "till"]
    files = [file for file in _files_of(trade) if file not in statements]
    rng.shuffle(files)
    for file in reversed(statements):  # these arrive in their order, wherever among the others
        files.insert(rng.randint(0, len(files)), file)
    positions = sorted(files.index(file) for file in statements)
    for position, file in zip(positions, statements, strict=True):
        files[position] = file
    arrived, killed = [], 0
    while killed < KILLS_A_ROUND:
        if files and (rng.random() < 0.6 or not arrived):
            arrived.append(_copy(files.pop(0), project))
        command = rng.choice(MENDING) if rng.random() < 0.4 else ("run",)
        file = str(rng.choice(arrived))
        killed += _run_and_kill(project, rng, *(argument.format(file=file) for argument in command))
    for file in files:
        _copy(file, project)
        run(project, "ingest")
    for source in ("clicks", "till"):  # what was taken out comes back to its place
        run(project, "ingest", "--again", source)
    finished = run(project, "run")
    assert finished.returncode == 0, finished.stderr
    assert run(project, "doctor").returncode == 0
    assert gold(project.published) == undisturbed_trade


def _copy(file, project):
    folder = project.root / ("till" if file.parent.name == "till" else "raw")
    return shutil.copy(file, folder)


def _run_and_kill(project, rng, *command) -> bool:
    """Run a command, or everything, and kill it at a random moment; an ingest alone takes the first tenth of the time."""
    after = rng.uniform(0.2, 1.5) if rng.random() < 0.5 else rng.uniform(1.5, MAX_SECONDS)
    process = subprocess.Popen(
        [*SHOPWRIGHT, *(command or ("run",)), "--project", str(project.root)],
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
