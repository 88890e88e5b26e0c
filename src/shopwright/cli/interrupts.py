"""Ctrl-C in commands that it may end at once. Imports nothing that takes time, since it counts from the first moment on."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

INTERRUPTIBLE = ("ingest", "build", "run")
"""Commands that Ctrl-C ends at once."""


def end_on_interrupt() -> None:
    """Let Ctrl-C end the process, if its command is one of these and no parent ignores Ctrl-C for it."""
    if sys.argv[1:2] and sys.argv[1] in INTERRUPTIBLE and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(_number: int, _frame: object) -> None:
    """Say it in one line and exit at once.

    The engine does not always come back from an interrupted query, and what these commands write survives even a kill.
    """
    cursor = "\x1b[?25h" if sys.stderr.isatty() else ""  # a progress bar hides it
    with suppress(OSError):
        os.write(
            2, f"{cursor}interrupted; what was finished is kept, run the command again to go on\n".encode()
        )
    os._exit(130)
