"""A test process that crashes is counted and told in the last line, whether its test passes the second time or not."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / ".ci" / "tested.py"
PASSED = "==== 7 passed, 1 skipped in 10.20s ===="


@pytest.fixture(scope="module")
def tested():
    spec = importlib.util.spec_from_file_location("tested", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tested"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["tested"]


def crash(number, test):
    return [
        f"..[gw{number}] node down: Not properly terminated",
        f"worker 'gw{number}' crashed while running '{test}'",
        f"FAILED {test} - worker 'gw{number}' crashed while r...",
    ]


def finish(tested, lines, *, code=1, failed=()):
    output = tested.Output()
    for line in lines:
        output.add(f"{line}\n")
    again = []

    def run_again(tests):
        again.extend(tests)
        return [test for test in tests if test in failed]

    return tested.finish(code, output, run_again), again


def test_without_a_crash_nothing_is_added(tested, capsys):
    assert finish(tested, [PASSED], code=0) == (0, [])
    assert finish(tested, ["FAILED tests/a.py::b - assert 1 == 2", "1 failed in 2.0s"]) == (1, [])
    assert capsys.readouterr().out == ""


def test_a_crash_is_told_even_if_the_test_passes_again(tested, capsys):
    assert finish(tested, [*crash(0, "a.py::b[x y]"), PASSED]) == (0, ["a.py::b[x y]"])
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == (
        "7 passed, 1 skipped in 10.20s; 1 test process crashed (1 of 1 tests passed when run again: a.py::b[x y])"
    )


def test_a_test_that_crashes_again_fails_the_whole(tested, capsys):
    lines = [*crash(0, "a.py::b"), *crash(1, "a.py::c"), PASSED]
    assert finish(tested, lines, failed=["a.py::c"]) == (1, ["a.py::b", "a.py::c"])
    assert "2 test processes crashed (1 of 2 tests passed when run again: a.py::b)" in capsys.readouterr().out


def test_beside_another_failure_nothing_runs_again(tested, capsys):
    lines = [*crash(0, "a.py::b"), "ERROR a.py::d - OSError", PASSED]
    assert finish(tested, lines) == (1, [])
    assert (
        "1 test process crashed (a.py::b; not run again, since other tests failed too)"
        in capsys.readouterr().out
    )


def test_a_crash_between_tests_is_told_too(tested, capsys):
    assert finish(tested, ["...[gw3] node down: Not properly terminated", PASSED], code=0) == (0, [])
    assert capsys.readouterr().out.endswith("; 1 test process crashed (no test was running)\n")


@pytest.mark.slow
@pytest.mark.parametrize("recovers", [True, False])
def test_a_real_crash_of_a_real_process_is_in_the_last_line(tmp_path, recovers):
    (tmp_path / "test_it.py").write_text(
        "import os, pathlib, signal\n"
        "def test_fine(): pass\n"
        "def test_dies():\n"
        f"    flag = pathlib.Path({str(tmp_path / 'flag')!r})\n"
        f"    if not flag.exists() or not {recovers}:\n"
        "        flag.touch()\n"
        "        os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "2", "test_it.py"]
    # without the other plugins, which take seconds to import in each process
    plugins = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin,pytest_cov.plugin"}
    result = subprocess.run(
        [sys.executable, str(SCRIPT), *command],
        cwd=tmp_path,
        env=os.environ | plugins,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == (not recovers)
    last = result.stdout.splitlines()[-1]
    assert last.startswith("1 failed, 1 passed in ")
    assert f"; 1 test process crashed ({int(recovers)} of 1 tests passed when run again" in last
    assert "Fatal Python error: Segmentation fault" in result.stderr
