"""One writer per project: an advisory lock that the operating system drops with the process."""

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
def exclusive(file: Path, doing: str) -> Iterator[None]:
    """Hold the lock while the block runs.

    Raises:
        BusyError: another process holds it; the message says which and what it does.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="utf-8") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            opened.seek(0)
            holder = opened.read().strip() or "another process"
            raise BusyError(f"the project is in use by {holder}; try again when it has finished") from None
        opened.truncate(0)
        opened.write(f"'shopwright {doing}' (process {os.getpid()})")
        opened.flush()
        yield
