"""A file that does not fit on the disk fails alone, and what it had written is removed."""

from __future__ import annotations

import gzip
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shopwright.testing import Shop

SOURCE = '[[sources]]\nname = "s"\nadapter = "event_stream"\npath = "raw"\n'
LINE = '{"event_id":"%s","event_at":"2025-03-01T10:00:00Z","event_type":"page_view","user_id":"u"}\n'
LIMIT = 4_000_000
COMMAND = [sys.executable, "-m", "shopwright.cli.main", "ingest", "--project"]


def _limit_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))


def _listen():
    """Undo what a test run in the background has inherited: Ctrl-C is ignored there."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize("kind", ["bomb", "wide"])
def test_a_file_that_fills_the_disk_fails_in_one_line_and_lets_the_others_in(tmp_path, kind):
    shop = Shop.make(tmp_path, SOURCE)
    shop.write("a.jsonl", LINE % "1")
    if kind == "bomb":  # small on disk, and great when it is unpacked
        shop.write("b.jsonl.gz", gzip.compress((LINE % "2").encode() * 100_000))
    else:  # bad records, which are split one by one into a copy that is greater than the file
        shop.write("b.jsonl", '{"event_id": "\\u0000", "x": "' + "\x01" * 900_000 + '"}\n\r' + LINE % "2")
    shop.write("c.jsonl", LINE % "3")
    run = subprocess.run(
        [*COMMAND, str(tmp_path)], preexec_fn=_limit_files, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1, run.stderr
    failed = [line for line in run.stdout.splitlines() if line.startswith("Failed:")]
    assert len(failed) == 1
    assert "does not fit on the disk while it is read" in failed[0]
    assert "Traceback" not in run.stderr
    assert [name for (name,) in shop.rows("source_event_id")] == ["1", "3"]
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 2 * LIMIT
    assert not (shop.project.work / "staging").exists()


def test_ctrl_c_is_one_line_and_exit_code_130(tmp_path):
    shop = Shop.make(tmp_path, SOURCE)
    shop.write("a.jsonl", "".join(LINE % number for number in range(400_000)))
    process = subprocess.Popen(
        [*COMMAND, str(tmp_path)],
        preexec_fn=_listen,  # noqa: PLW1509  # no threads here
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (shop.project.work / "staging").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err == "interrupted; what was finished is kept, run the command again to go on\n"
    assert Path(tmp_path / "raw" / "a.jsonl").exists()
    assert shop.ingest().total("rows_accepted") == 400_000
