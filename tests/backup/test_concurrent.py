"""Backups while others write, and processes that are killed: what has a backup's or a shop's name is whole."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

from shopwright.backup import create_backup, restore, verify
from shopwright.testing import Shop
from tests.backup.shops import HEADER, NOW, assert_balances, collect, line, make_full_shop


def test_a_backup_during_ingest_and_collection_has_everything_that_was_taken_in_before(tmp_path):
    shop = make_full_shop(tmp_path / "shop")
    stop = threading.Event()
    failures, taken_in = [], []

    def work():
        number = 100
        while not stop.is_set():
            try:
                shop.write(f"{number}.csv", HEADER + line(f"B{number}", day=12))
                collect(shop.root, range(number, number + 1))
                shop.ingest()
            except Exception as error:
                failures.append(error)
                raise
            taken_in.append(number)
            number += 1

    worker = threading.Thread(target=work)
    worker.start()
    known = []
    try:
        for number in range(6):
            while len(taken_in) <= number:
                time.sleep(0.01)
            known.append(list(taken_in))
            create_backup(shop.project, tmp_path / f"backup-{number}", now=NOW)
    finally:
        stop.set()
        worker.join()
    assert failures == []
    for number, before in enumerate(known):
        restore(tmp_path / f"backup-{number}", tmp_path / f"again-{number}", now=NOW)
        again = Shop(tmp_path / f"again-{number}")
        assert_balances(again.root)
        orders = {order for (order,) in again.rows("order_id", entity="order_items")}
        assert {f"B{item}" for item in before} <= orders
        shutil.copytree(shop.raw, again.raw)
        again.ingest()  # events that were collected and not taken in yet
        assert_balances(again.root)
        events = [item for (item,) in again.rows("source_event_id")]
        assert {f"e{item}" for item in before} <= set(events)
        assert len(events) == len(set(events))


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 15))])
@pytest.mark.parametrize("form", ["backup", "backup.tar.zst"])
def test_a_killed_backup_or_restore_leaves_nothing_that_looks_whole(tmp_path, form, seed):
    chance = random.Random(seed)
    shop = make_full_shop(tmp_path / "shop")
    (shop.root / "models" / "artifacts" / "1" / "large.bin").write_bytes(chance.randbytes(60_000_000))
    backup, again = tmp_path / form, tmp_path / "again"
    commands = (
        ["backup", str(backup), "--project", str(shop.root), "--json"],
        ["restore", str(backup), str(again), "--json"],
    )
    for command, result in zip(commands, (backup, again), strict=True):
        _kill(command, after=chance.uniform(0.6, 1.6))
        if result == backup and backup.exists():
            verify(backup)
        if result == again and again.exists():
            assert_balances(again)
        if not result.exists():
            run = subprocess.run(
                [sys.executable, "-m", "shopwright.cli.main", *command],
                capture_output=True,
                check=True,
                text=True,
            )
            assert json.loads(run.stdout)["rows"] == {"events": 5, "order_items": 2}
    verify(backup)
    assert_balances(again)
    assert sorted(path.name for path in tmp_path.iterdir() if "restoring" in path.name) == []


def _kill(command, *, after):
    process = subprocess.Popen(
        [sys.executable, "-m", "shopwright.cli.main", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
