"""Writer of a segment: bytes are appended under the lock and are on disk before they are acknowledged."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from shopwright.core.disk import sync_folder

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from shopwright.ingest.segments import Segments
    from shopwright.settings import CollectorSettings


class SegmentWriter:
    """Appends to the open segment of one kind. Another process, such as an ingest, may close it between two writes.

    Args:
        segments: folder of the segments.
        kind: ``events`` or ``rejected``.
        settings: size and age at which a segment is closed.
    """

    def __init__(self, segments: Segments, kind: str, settings: CollectorSettings) -> None:
        self._segments = segments
        self._kind = kind
        self._settings = settings
        self._file: Path | None = None
        self._descriptor = -1
        self._opened_at: datetime | None = None

    def append(self, data: bytes, now: datetime) -> None:
        """Append complete lines and wait until they are on disk. The caller holds the lock.

        Args:
            data: complete lines.
            now: current time, naive UTC.

        Raises:
            OSError: the lines could not be written; the segment is unchanged, or abandoned.
        """
        self.close_if_due(now)
        if self._file is None or not self._file.exists():
            self._open(now)
        size = os.fstat(self._descriptor).st_size
        try:
            _write(self._descriptor, data)
            os.fsync(self._descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, size)
                if not size and self._file is not None:
                    self._file.unlink(missing_ok=True)  # none of it was acknowledged
            self._release()  # after a failed fsync the state of the file's pages is unknown
            raise

    def close_if_due(self, now: datetime) -> None:
        """Close the segment if it is full or old enough. The caller holds the lock."""
        if self._file is None or self._opened_at is None:
            return
        if not self._file.exists():
            self._release()  # another process closed it
            return
        age = (now - self._opened_at).total_seconds()  # negative if the clock was set back
        if (
            not 0 <= age < self._settings.segment_seconds
            or os.fstat(self._descriptor).st_size >= self._settings.segment_bytes
        ):
            self.close()

    def close(self) -> None:
        """Close the segment, if one is open. The caller holds the lock."""
        file = self._file
        self._release()
        if file is not None and file.exists():
            self._segments.close(file)

    @property
    def is_open(self) -> bool:
        """Whether a segment is open, as far as this writer knows."""
        return self._file is not None

    def _open(self, now: datetime) -> None:
        self._release()
        file = self._segments.new_file(self._kind, now)
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        try:
            sync_folder(self._segments.open)
        except OSError:  # until the folder is synced, a crash could lose the file with all it holds
            with suppress(OSError):
                file.unlink(missing_ok=True)
            self._release()
            raise
        self._file, self._opened_at = file, now

    def _release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._file, self._opened_at = -1, None, None


def _write(descriptor: int, data: bytes) -> None:
    remaining = memoryview(data)
    while remaining:  # a write may be partial
        remaining = remaining[os.write(descriptor, remaining) :]
