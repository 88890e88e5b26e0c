"""One open segment of a writer: bytes appended under the lock, on disk before anybody is told so."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from shopwright.ingest.segments import sync_folder

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from shopwright.ingest.segments import Segments
    from shopwright.settings import CollectorSettings


class SegmentWriter:
    """The segment of one kind that a writer appends to; it may be closed by others between two writes.

    Args:
        segments: where segments lie.
        kind: ``events`` or ``rejected``.
        settings: when a segment is full or old.
    """

    def __init__(self, segments: Segments, kind: str, settings: CollectorSettings) -> None:
        self._segments = segments
        self._kind = kind
        self._settings = settings
        self._file: Path | None = None
        self._descriptor = -1
        self._begun: datetime | None = None

    def append(self, data: bytes, now: datetime) -> None:
        """Append whole lines, and wait until the disk has them; the lock is held.

        Raises:
            OSError: they could not be written; the segment is as it was, or given up.
        """
        self.close_if_due(now)
        if self._file is None or not self._file.exists():
            self._begin(now)
        before = os.fstat(self._descriptor).st_size
        try:
            _write(self._descriptor, data)
            os.fsync(self._descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, before)
                if not before and self._file is not None:
                    self._file.unlink(missing_ok=True)  # nothing of it was acknowledged
            self._let_go()  # after a failed fsync nothing can be said of this file's pages
            raise

    def close_if_due(self, now: datetime) -> None:
        """Close the segment where it is full or old; the lock is held."""
        if self._file is None or self._begun is None:
            return
        if not self._file.exists():
            self._let_go()  # somebody else has closed it
            return
        age = (now - self._begun).total_seconds()  # negative where the clock went back
        if (
            not 0 <= age < self._settings.segment_seconds
            or os.fstat(self._descriptor).st_size >= self._settings.segment_bytes
        ):
            self.close()

    def close(self) -> None:
        """Close the segment, if one is open; the lock is held."""
        file = self._file
        self._let_go()
        if file is not None and file.exists():
            self._segments.close(file)

    @property
    def is_open(self) -> bool:
        """Whether something was written that is not closed yet, as far as this writer knows."""
        return self._file is not None

    def _begin(self, now: datetime) -> None:
        self._let_go()
        file = self._segments.new_file(self._kind, now)
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        try:
            sync_folder(self._segments.open)
        except OSError:  # without its name on disk, nothing written into it would be
            with suppress(OSError):
                file.unlink(missing_ok=True)
            self._let_go()
            raise
        self._file, self._begun = file, now

    def _let_go(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._file, self._begun = -1, None, None


def _write(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
