"""One writer per project: an advisory lock that the operating system releases with the process."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shopwright.core.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def exclusive_lock(file: Path, command: str) -> Iterator[None]:
    """Hold the lock while the block runs.

    The operating system releases it when the process ends, also when it is killed.

    Args:
        file: the lock file; its folder is created, and it stays when the lock is released.
        command: what the holder runs, such as ``build``; an error of another process names it.

    Raises:
        BusyError: another process holds the lock; the message names its command and process id.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    # "a+" neither truncates nor needs the file: a process that does not get the lock must not erase the holder's name
    with file.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise BusyError(f"the project is in use by {holder}; try again when it has finished") from None
        lock.truncate(0)
        lock.write(f"`shopwright {command}` (process {os.getpid()})")
        lock.flush()
        yield
