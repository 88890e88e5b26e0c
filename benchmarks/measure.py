"""Running a command as a process and reading what it took, from the operating system's own accounts."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Measured:
    """What one process took."""

    name: str
    seconds: float
    cpu_seconds: float
    peak_bytes: int

    def rate(self, rows: int) -> float:
        """Rows a second."""
        return rows / self.seconds


def run(name: str, command: list[str], *, log: Path) -> Measured:
    """Run a command to its end. What the one before left to be written is on disk before it starts.

    Raises:
        SystemExit: it failed; its output is in ``log``.
    """
    print(f"  {name} ...", end="", flush=True, file=sys.stderr)
    os.sync()
    started = perf_counter()
    with log.open("ab") as opened:
        process = subprocess.Popen(command, stdout=opened, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{name} failed with {process.returncode}; see {log}")
    print(f" {seconds:.1f} s", file=sys.stderr)
    return Measured(name, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def middle(found: list[Measured]) -> Measured:
    """The one that took the median time; of two in the middle the slower one."""
    return sorted(found, key=lambda each: each.seconds)[len(found) // 2]
