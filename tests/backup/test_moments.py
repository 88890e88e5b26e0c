"""A backup that is taken at any moment of an ingest holds a whole state of the shop, and one that is killed leaves none."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopwright.backup import create_backup, restore, verify
from shopwright.backup.restore import UNFINISHED
from shopwright.core.errors import BackupError
from shopwright.ingest import loader
from shopwright.lake.delta import Lake
from shopwright.settings import load_project
from shopwright.testing import Shop
from tests.backup.shops import (
    HEADER,
    NOW,
    SETTINGS,
    assert_balances,
    collect,
    lake_rows,
    line,
)

STEPS = [
    (Lake, "new_file"),
    (Lake, "commit"),
    (Lake, "_apply"),
    (Lake, "_append"),
    (Lake, "_open"),
    (loader.BatchLoader, "load"),
    (loader.BatchLoader, "record"),
    (loader.BatchLoader, "retire"),
    (loader.BatchLoader, "commit"),
]
OPERATIONS = ["ingest", "again", "forget"]


def interrupting(patch, step, call, *, after, action):
    """Run an action once, before or after a call of a step."""
    owner, name = step
    original, calls = getattr(owner, name), []

    def interrupted(*args, **kwargs):
        calls.append(name)
        is_it = len(calls) == call
        if is_it and not after:
            action()
        result = original(*args, **kwargs)
        if is_it and after:
            action()
        return result

    patch.setattr(owner, name, interrupted)


def run(shop, operation):
    if operation == "ingest":
        shop.write("2.csv", HEADER + line("A2", day=12) + line("A0") + "bad\n")
        shop.ingest()
    elif operation == "again":
        shop.read_again("lines")
    else:
        shop.forget("0.csv")


@pytest.mark.slow
@settings(max_examples=12)
@given(
    operation=st.sampled_from(OPERATIONS),
    step=st.sampled_from(STEPS),
    call=st.integers(1, 4),
    after=st.booleans(),
    form=st.sampled_from(["backup", "backup.tar.zst"]),
)
def test_a_backup_at_any_moment_is_one_state_from_which_the_shop_goes_on(
    tmp_path_factory, operation, step, call, after, form
):
    folder = tmp_path_factory.mktemp("moment")
    shop = Shop.make(folder / "shop", SETTINGS)
    for number in range(2):
        shop.write(f"{number}.csv", HEADER + line(f"A{number}", day=10 + number) + "bad\n")
        shop.ingest()
    collect(shop.root, range(4))
    before = {entity: lake_rows(shop.root, entity) for entity in ("order_items", "events")}

    def take() -> None:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(*step, original)  # what the backup itself calls does not count
            create_backup(shop.project, folder / form, now=NOW)

    original = getattr(*step)
    with pytest.MonkeyPatch.context() as patch:
        interrupting(patch, step, call, after=after, action=take)
        run(shop, operation)
    if not (folder / form).exists():  # the operation takes that step less often
        create_backup(shop.project, folder / form, now=NOW)
    after_it = {entity: lake_rows(shop.root, entity) for entity in before}
    verify(folder / form)
    report = restore(folder / form, folder / "again", now=NOW)
    assert_balances(folder / "again")
    restored = {entity: lake_rows(folder / "again", entity) for entity in before}
    assert restored["order_items"] in (before["order_items"], after_it["order_items"])
    assert sum(map(len, restored.values())) == sum(report.manifest.rows.values())
    # events that were collected are in the lake or in a segment, and come in with the next ingest exactly once
    (folder / "shop").rename(folder / "lost")
    (folder / "again").rename(folder / "shop")
    shutil.copytree(folder / "lost" / "raw", folder / "shop" / "raw")
    shop.ingest()
    assert_balances(shop.root)
    assert len(lake_rows(shop.root, "events")) == 4
    shutil.rmtree(folder)


KILLED = """
import os, sys
from datetime import datetime
from pathlib import Path
from shopwright.backup import create_backup, restore
from shopwright.settings import load_project
NOW = datetime(2026, 1, 2)
shop, backup, to = map(Path, sys.argv[2:5])
calls, kill_at = 0, int(sys.argv[5])

def counted(event, arguments):
    # every file that is opened, renamed, linked or deleted is a moment at which the machine may die
    global calls
    if event in ("open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.chmod", "os.utime", "os.rmdir"):
        calls += 1
        if calls == kill_at:
            os._exit(9)

project = load_project(shop)
sys.addaudithook(counted)
if sys.argv[1] == "backup":
    create_backup(project, to, now=NOW)
else:
    restore(backup, to, now=NOW, replaces=True)
os._exit(0)
"""


def kill(what, shop, backup, to, *, at):
    """Run a backup or a restore in a process that dies at one of its calls; return whether it got that far."""
    command = [sys.executable, "-c", KILLED, what, str(shop), str(backup), str(to), str(at)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode in (0, 9), done.stderr
    return done.returncode == 9


MOMENTS = [1, 20, 60, 110, 160, 210, 260, 330, 400]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["new", pytest.param("new.tar.zst", marks=pytest.mark.long)])
def test_a_backup_that_is_killed_is_none_and_the_next_one_is_whole(shop, backup, tmp_path, form):
    killed = 0
    for at in MOMENTS:
        killed += kill("backup", shop.root, backup, tmp_path / form, at=at)
        if (tmp_path / form).exists():  # it had its name already
            verify(tmp_path / form)
        create_backup(shop.project, tmp_path / f"{at}-{form}", now=NOW)
        assert_balances(shop.root)
        for leftover in tmp_path.glob(".*.unfinished"):
            # killed between the manifest and the name it is whole; before that it must not look so
            with suppress(BackupError):
                verify(leftover)
                assert (leftover / "manifest.sha256").exists()
        if (tmp_path / form).is_dir():
            shutil.rmtree(tmp_path / form)
        (tmp_path / form).unlink(missing_ok=True)
    assert killed >= 4
    create_backup(shop.project, tmp_path / form, now=NOW)
    verify(tmp_path / form)
    assert not list(tmp_path.glob(".*.unfinished"))
    assert not (shop.root / ".shopwright" / "backup").exists()


@pytest.mark.slow
def test_a_restore_that_is_killed_leaves_the_present_project_or_the_whole_restored_one(
    shop, backup, tmp_path
):
    shop.write("2.csv", HEADER + line("A2", day=12))
    shop.ingest()
    present, restored = lake_rows(shop.root, "order_items"), 0
    target = tmp_path / "target"
    killed = 0
    for at in MOMENTS:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(shop.root, target)
        killed += kill("restore", shop.root, backup, target, at=at)
        rows = lake_rows(target, "order_items")
        assert len(rows) in (2, len(present))
        restored += len(rows) == 2
        assert_balances(target)
        assert load_project(target).settings.sources
        if len(rows) == 2:
            # what was there is beside it, whole
            (aside,) = [
                item
                for item in tmp_path.iterdir()
                if item.name.startswith(("target.before", "target.restoring")) and (item / "lake").is_dir()
            ]
            assert lake_rows(aside, "order_items") == present
            shutil.rmtree(aside)
        else:
            assert rows == present
    assert killed >= 4
    assert restored >= 1
    shutil.rmtree(target)
    restore(backup, target, now=NOW)
    assert {item.name for item in tmp_path.iterdir()} == {"shop", "backup", "target"}


@pytest.mark.slow
def test_a_process_killed_while_it_restores_leaves_no_project_or_a_whole_one(made_backup, tmp_path):
    code = textwrap.dedent(
        f"""
        from datetime import datetime
        from pathlib import Path
        from shopwright.backup import restore
        print("ready", flush=True)
        restore(Path({str(made_backup)!r}), Path({str(tmp_path / "again")!r}), now=datetime(2026, 1, 2))
        """
    )
    for seed in range(4):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        time.sleep(random.Random(seed).uniform(0.0, 0.15))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        if (tmp_path / "again").exists():
            assert_balances(tmp_path / "again")
            shutil.rmtree(tmp_path / "again")
    restore(Path(made_backup), tmp_path / "again", now=NOW)
    assert_balances(tmp_path / "again")
    assert {item.name for item in tmp_path.iterdir()} == {"again"}


def test_what_a_killed_restore_left_is_deleted_so_that_no_part_of_it_looks_whole(
    backup, tmp_path, monkeypatch
):
    left, whole = tmp_path / "again.restoring-20250101T000000Z", tmp_path / "again.restoring-20260102T000000Z"
    shutil.copytree(backup / "shop", left)
    (left / UNFINISHED).touch()
    (tmp_path / "again.restoring-empty").mkdir()
    shutil.copytree(backup / "shop", whole)  # killed when it was whole, or the project that was put aside
    remove_tree = shutil.rmtree

    def die(folder, **options):
        if not options.get("ignore_errors"):
            raise KeyboardInterrupt
        remove_tree(folder, **options)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", die)
        with pytest.raises(KeyboardInterrupt):
            restore(backup, tmp_path / "again", now=NOW)
    assert (left / UNFINISHED).exists()
    restore(backup, tmp_path / "again", now=NOW)
    assert {item.name for item in tmp_path.iterdir()} == {"backup", "again", whole.name}
