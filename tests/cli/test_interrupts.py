"""Ctrl-C ends an ingest with one line, also while its packages are imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {package!r}:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, {handler})
sys.meta_path.insert(0, Interrupt())
sys.argv = ["shopwright", {command!r}, "--project", "none"]
from shopwright.cli.main import main
main()
"""


def _run(package, *, command="ingest", handler="signal.default_int_handler"):
    script = SCRIPT.format(package=package, command=command, handler=handler)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("package", ["typer", "duckdb", "shopwright.ingest.run"])
@pytest.mark.parametrize("command", ["ingest", "build"])
def test_an_interrupt_during_the_imports_is_one_line(package, command):
    ended = _run(package, command=command)
    assert ended.returncode == 130
    assert ended.stderr == "interrupted; what was finished is kept, run the command again to go on\n"


def test_an_interrupt_that_a_parent_ignores_is_ignored():
    ended = _run("typer", handler="signal.SIG_IGN")
    assert (ended.returncode, ended.stderr.startswith("error: ")) == (1, True)
