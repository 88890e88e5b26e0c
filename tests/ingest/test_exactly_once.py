"""Whatever an ingest is interrupted in, the next one ends with every record in the lake once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from deltalake import DeltaTable

from shopwright.core.errors import BusyError
from shopwright.core.lock import exclusive_lock
from shopwright.ingest import loader
from shopwright.ingest import run as running
from shopwright.lake.delta import Lake
from shopwright.testing import Shop

SETTINGS = """
[[sources]]
name = "clicks"
adapter = "event_stream"
path = "raw"
"""
FILES, LINES = 6, 20


class Killed(BaseException):
    """Stands for the end of the process: nothing in the code may catch it."""


@pytest.fixture
def shop(tmp_path):
    new_shop = Shop.make(tmp_path, SETTINGS)
    for number in range(FILES):
        new_shop.write(f"events-{number}.jsonl", _events(number))
    new_shop.write("catalog.jsonl", '{"product_id": "17", "name": "Soap"}\n')
    return new_shop


def _events(number):
    lines = [
        f'{{"event_id": "{number}-{line}", "timestamp": "2024-03-0{number + 1}T10:00:{line:02d}Z", '
        f'"event_type": "page_view", "user_id": "u{line}"}}'
        for line in range(LINES)
    ]
    return "\n".join([*lines, '{"event_id": "bad"}', lines[0]]) + "\n"


def check(shop):
    """Nothing is lost, nothing is there twice, nothing is left over."""
    expected_rows = sorted((f"{number}-{line}",) for number in range(FILES) for line in range(LINES))
    assert shop.rows("source_event_id") == expected_rows
    assert shop.rows("product_id", entity="products") == [("17",)]
    assert len(shop.quarantine()) == FILES
    ledger = [row for row in shop.ledger() if row.entity == "events"]
    assert [
        sum(getattr(row, name) for row in ledger) for name in ("rows_read", "rows_accepted", "rows_duplicate")
    ] == [
        FILES * (LINES + 2),
        FILES * LINES,
        FILES,
    ]
    lake = Lake(shop.project.lake)
    for table in ("events", "products", "ledger", "quarantine"):
        visible = {file.path.name for file in lake.files(table)}
        assert {file.name for file in lake.folder(table).glob("*.parquet")} == visible
    assert list((shop.project.lake / "_intents").glob("*")) == []
    assert not (shop.project.work / "staging").exists()


STEPS = [
    (Lake, "new_file"),
    (Lake, "commit"),
    (Lake, "_apply"),
    (Lake, "_append"),
    (loader.BatchLoader, "load"),
    (loader.BatchLoader, "record"),
    (loader.BatchLoader, "commit"),
]


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", [1, 3])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[name for _, name in STEPS])
def test_an_ingest_killed_around_any_step_is_finished_by_the_next(
    shop, monkeypatch, owner, name, call, after
):
    original, calls = getattr(owner, name), []

    def killed(*args, **kwargs):
        calls.append(name)
        if len(calls) == call and not after:
            raise Killed
        result = original(*args, **kwargs)
        if len(calls) == call:
            raise Killed
        return result

    monkeypatch.setattr(loader, "COMMIT_FILES", 2)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killed)
        with suppress(Killed):
            shop.ingest()
    shop.ingest()
    check(shop)
    assert shop.ingest().rows == []


def test_an_ingest_killed_again_and_again_still_ends_right(shop, monkeypatch):
    monkeypatch.setattr(loader, "COMMIT_FILES", 1)
    original, chance = Lake._append, random.Random(5)

    def killed(self, *args):
        if chance.random() < 0.3:
            raise Killed
        original(self, *args)
        if chance.random() < 0.3:
            raise Killed

    monkeypatch.setattr(Lake, "_append", killed)
    for _ in range(60):
        try:
            if not shop.ingest().rows:
                break
        except Killed:
            continue
    check(shop)


def test_a_table_whose_first_commit_was_never_written_is_started_anew(shop):
    (shop.project.lake / "events" / "_delta_log").mkdir(parents=True)
    shop.ingest()
    check(shop)


def _start(shop):
    code = textwrap.dedent(
        f"""
        from pathlib import Path
        from shopwright.ingest import loader
        from shopwright.testing import Shop
        loader.COMMIT_FILES = 1
        print("ready", flush=True)
        Shop(Path({str(shop.root)!r})).ingest()
        """
    )
    started = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert started.stdout.readline() == b"ready\n"
    return started


@pytest.mark.parametrize("seed", range(4))
def test_a_process_killed_at_a_random_moment_loses_and_doubles_nothing(shop, seed):
    process = _start(shop)
    time.sleep(random.Random(seed).uniform(0.0, 0.9))
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    shop.ingest()
    check(shop)


def test_a_second_process_is_told_who_holds_the_project(shop):
    code = (
        f"from shopwright.core.lock import exclusive_lock; from pathlib import Path; import sys\n"
        f"with exclusive_lock(Path({str(shop.project.work / 'lock')!r}), 'build'):\n"
        f"    print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(BusyError, match=rf"`shopwright build` \(process {holder.pid}\)"):
        shop.ingest()
    holder.communicate()
    shop.ingest()
    check(shop)


def test_a_lock_is_free_after_an_error_inside(tmp_path):
    with pytest.raises(ZeroDivisionError), exclusive_lock(tmp_path / "lock", "one"):
        _ = 1 / 0
    with exclusive_lock(tmp_path / "lock", "two"):
        assert (tmp_path / "lock").read_text() == f"`shopwright two` (process {os.getpid()})"


def test_any_delta_reader_gets_typed_rows(shop):
    shop.write(
        "more.jsonl", '{"timestamp": 1709287200123, "event": "purchase", "user_id": 5, "price": 1.25}\n'
    )
    shop.ingest()
    table = DeltaTable(str(shop.project.lake / "events")).to_pyarrow_table()
    assert table.num_rows == FILES * LINES + 1
    types = {field.name: str(field.type) for field in table.schema}
    assert types["event_at"] == "timestamp[us, tz=UTC]"
    assert types["price"] == "decimal128(18, 4)"
    assert types["_batch_seq"] == "int64"
    bought = next(row for row in table.to_pylist() if row["event_type"] == "purchase")
    assert (bought["event_at"].isoformat(), bought["price"]) == (
        "2024-03-01T10:00:00.123000+00:00",
        Decimal("1.2500"),
    )


def test_the_statistics_of_a_commit_are_those_of_its_rows(shop):
    shop.ingest()
    actions = DeltaTable(str(shop.project.lake / "events")).get_add_actions(flatten=True)
    assert sum(actions["num_records"].to_pylist()) == FILES * LINES
    assert min(str(at) for at in actions["min.event_at"].to_pylist()).startswith("2024-03-01 10:00:00")
    lake = Lake(shop.project.lake)
    for file in lake.files("events"):
        assert (file.first_at.second, file.last_at.second, file.rows) == (0, LINES - 1, LINES)


def test_files_that_vanish_while_they_are_taken_in_fail_alone(shop, monkeypatch):
    original = running.IngestRun._ingest_file

    def vanish(self, source, file, **options):
        if file.path.name == "events-3.jsonl":
            Path(file.path).unlink()
        return original(self, source, file, **options)

    monkeypatch.setattr(running.IngestRun, "_ingest_file", vanish)
    report = shop.ingest()
    assert [(Path(row.file).name, row.reason) for row in report.failed] == [
        ("events-3.jsonl", "was deleted after the files were listed")
    ]
    assert report.total("rows_accepted") == (FILES - 1) * LINES + 1
