"""How far a backup or a restore has come."""

from __future__ import annotations

from collections.abc import Callable

ProgressCallback = Callable[[str, int, int], None]
"""Called with what is being done, bytes done, and bytes in all."""


class ByteProgress:
    """Counts bytes, and reports them.

    Args:
        callback: what to call after each block; nothing is reported if None.
        total: bytes in all.
    """

    def __init__(self, callback: ProgressCallback | None, total: int) -> None:
        self._callback = callback
        self._total = total
        self._done = 0
        self._text = ""

    def begin(self, text: str) -> None:
        """Say which file comes next."""
        self._text = text
        self.advance(0)

    def advance(self, count: int) -> None:
        """Add bytes that are done."""
        self._done += count
        if self._callback:
            self._callback(self._text, self._done, self._total)
