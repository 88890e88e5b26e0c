"""Run the tests, and say in the last line how many of their processes crashed.

    python .ci/tested.py COMMAND...         such as: make test

A native library that crashes takes its process along, and with it the test that was running, which then says nothing of what it
tests. Where nothing else is wrong, those tests run once more, each run in a process of its own. If they pass, the whole passes, and
the last line still tells of the crash: one that comes back run after run is a fault to look for.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

AGAIN = ("-X", "faulthandler", "-m", "pytest", "--no-cov", "-m", "slow or not slow")
"""Arguments of Python that run a test by its name, with the place of a crash in view."""
_DOWN = re.compile(r"\[gw\d+\] node down: ")
"""What pytest-xdist prints when a process has ended without a word; it may follow the dots of tests on the same line."""
_CRASHED = re.compile(r"worker 'gw\d+' crashed while running '(.+)'")
_FAILED = re.compile(r"(?:FAILED|ERROR) ")
_SUMMARY = re.compile(r"=*\s*(\d+ (?:passed|failed|skipped|error).* in [\d.]+s.*?)\s*=*")


@dataclass
class Output:
    """What the output of a run says of its end."""

    crashes: int = 0
    """Processes that crashed, whether a test was running or not."""
    crashed: list[str] = field(default_factory=list)
    """Tests that were running in them."""
    failures: int = 0
    """Tests that failed, those that crashed among them."""
    summary: str = ""
    """Pytest's last line."""

    def add(self, line: str) -> None:
        """Read a line."""
        line = line.rstrip("\n")
        self.crashes += len(_DOWN.findall(line))
        if (match := _CRASHED.fullmatch(line)) and match[1] not in self.crashed:
            self.crashed.append(match[1])
        self.failures += _FAILED.match(line) is not None
        if match := _SUMMARY.fullmatch(line):
            self.summary = match[1]


def run(command: Iterable[str]) -> tuple[int, Output]:
    """Run a command; what it prints is printed as it comes.

    Returns:
        Its exit code, and what its output says.
    """
    output = Output()
    with subprocess.Popen(
        [*command], stdout=subprocess.PIPE, text=True, errors="replace", bufsize=1
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            output.add(line)
    return process.returncode, output


def run_again(tests: Iterable[str]) -> list[str]:
    """Run tests one by one, and return those that did not pass this time either."""
    return [test for test in tests if subprocess.run([sys.executable, *AGAIN, test], check=False).returncode]


def finish(code: int, output: Output, again: Callable[[Iterable[str]], list[str]]) -> int:
    """Run again what crashed, print the last line where anything did, and return the exit code.

    Args:
        code: exit code of the run.
        output: what the run printed.
        again: runs tests, and returns those that did not pass.
    """
    if not output.crashes and not output.crashed:
        return code
    crashes = max(output.crashes, len(output.crashed))
    told = f"{crashes} test process{'es' * (crashes > 1)} crashed"
    if code and output.crashed and output.failures == len(output.crashed):
        print(f"{told}; these tests run once more: {', '.join(output.crashed)}", flush=True)
        failed = again(output.crashed)
        if failed:
            print()  # a crash leaves its line unfinished
        passed = [test for test in output.crashed if test not in failed]
        told += f" ({len(passed)} of {len(output.crashed)} tests passed when run again"
        told += f": {', '.join(passed)})" if passed else ")"
        code = int(bool(failed))
    elif output.crashed:
        told += f" ({', '.join(output.crashed)}; not run again, since other tests failed too)"
    else:
        told += " (no test was running)"
    print(f"{output.summary}; {told}" if output.summary else told)
    return code


def main(command: list[str]) -> int:
    """Run the command and what crashed in it; return the exit code."""
    if not command:
        print(__doc__)
        return 2
    code, output = run(command)
    return finish(code, output, run_again)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
