"""Segments of collected events: where they are, and how the service hands them over to an ingest.

::

    collector/
    ├── lock                     held while a segment is written to or closed
    ├── open/    events-*.jsonl  appended to
    └── closed/  events-*.jsonl  complete, and never written to again; this is what an ingest reads

A writer appends while it holds the lock, and begins a new segment when its own is no longer in ``open``. So any process that
holds the lock may close any segment: no one is writing to it. If its last line has no end, a writer was killed in the middle
of it; that line was never acknowledged and is cut off. Rejected events are in segments of their own, ``rejected-*.jsonl``; an
ingest quarantines them under the rules they broke.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic, sleep
from typing import TYPE_CHECKING
from uuid import uuid4

from shopwright.core.disk import sync_folder
from shopwright.core.errors import BusyError
from shopwright.ingest.adapters.collector import COLLECTOR
from shopwright.ingest.files import SourceFile
from shopwright.settings import SourceSettings
from shopwright.settings.collector import SOURCE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shopwright.ingest.ledger import LedgerIndex
    from shopwright.settings import Project

COLLECTOR_SOURCE = SourceSettings(name=SOURCE_NAME, adapter=COLLECTOR.name, path="collector/closed")
"""The closed segments, as a source."""
ACCEPTED, REJECTED = "events", "rejected"
"""Kinds of segments; their file names begin with them."""
LOCK_TIMEOUT_SECONDS = 30.0
"""Limit of waiting for the lock; every holder is done within milliseconds."""
_BLOCK = 1 << 16
_MINUTE = "%Y%m%dT%H%M"


@dataclass(frozen=True, slots=True)
class Segments:
    """The segments below one folder."""

    root: Path

    @property
    def open(self) -> Path:
        """Folder of segments that are appended to."""
        return self.root / "open"

    @property
    def closed(self) -> Path:
        """Folder of complete segments."""
        return self.root / "closed"

    def create(self) -> None:
        """Create the folders."""
        self.open.mkdir(parents=True, exist_ok=True)
        self.closed.mkdir(exist_ok=True)
        sync_folder(self.root)
        sync_folder(self.root.parent)  # names the folder itself, and with it all that it holds

    def new_file(self, kind: str, now: datetime) -> Path:
        """Return the path of a new segment; names sort by time, and no two are the same.

        Args:
            kind: ``events`` or ``rejected``.
            now: the time, naive UTC.
        """
        return self.open / f"{kind}-{now:{_MINUTE}.%S%f}-{uuid4().hex[:8]}.jsonl"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock while the block runs.

        Raises:
            BusyError: another process has held it for ``LOCK_TIMEOUT_SECONDS``.
        """
        with (self.root / "lock").open("a") as file:
            deadline = monotonic() + LOCK_TIMEOUT_SECONDS
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if monotonic() > deadline:
                        raise BusyError(
                            f"another process has held {self.root / 'lock'} for {LOCK_TIMEOUT_SECONDS:g} s; "
                            "is a service suspended?"
                        ) from None
                    sleep(0.002)
            yield

    def close_all(self) -> None:
        """Close every open segment, so that it can be read."""
        with self.locked():
            for file in sorted(self.open.glob("*.jsonl")):
                self.close(file)

    def close(self, file: Path) -> None:
        """Close an existing segment; the caller holds the lock. An empty segment is deleted."""
        # the bytes reach the disk before the segment's new name says that they are complete
        with file.open("r+b") as segment:
            size = _complete_bytes(file)
            segment.truncate(size)
            os.fsync(segment.fileno())
        if size:
            file.rename(self.closed / file.name)
            sync_folder(self.closed)
        else:
            file.unlink()
        sync_folder(self.open)

    def closed_files(self) -> list[Path]:
        """Return the complete segments, oldest first; none where nothing was ever collected."""
        return sorted(self.closed.glob("*.jsonl"), key=lambda file: file.name.partition("-")[2])


def _complete_bytes(file: Path) -> int:
    """Return the size of a file up to the end of its last complete line."""
    with file.open("rb") as segment:
        end = segment.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - _BLOCK)
            segment.seek(start)
            line_end = segment.read(end - start).rfind(b"\n")
            if line_end >= 0:
                return start + line_end + 1
            end = start
    return 0


def all_sources(project: Project) -> tuple[SourceSettings, ...]:
    """Return the project's sources, with the collected events as the last one if there are any."""
    if not Segments(project.collector).closed.is_dir():
        return project.settings.sources
    collected = COLLECTOR_SOURCE.model_copy(update={"privacy": project.settings.collector.privacy})
    return (*project.settings.sources, collected)


def is_collected(source: SourceSettings) -> bool:
    """Return whether a source is that of collected events; no other one may have its name."""
    return source.name == COLLECTOR_SOURCE.name


def drain_segments(project: Project) -> list[SourceFile]:
    """Close all open segments, also those of a running service, and list the complete ones.

    Raises:
        BusyError: a service has held the lock of the segments for too long.
    """
    segments = Segments(project.collector)
    segments.close_all()
    return [SourceFile(file, as_of=_rejected_at(file)) for file in segments.closed_files()]


def _rejected_at(file: Path) -> datetime | None:
    """Return the minute in which a segment of rejected events was begun; None for one of accepted events.

    An event that was rejected for lying in the future is compared with that minute: by the time of the ingest it may lie in
    the past, and would be accepted although its sender was told that it was not.
    """
    kind, _, stem = file.name.partition("-")
    if kind != REJECTED:
        return None
    return datetime.strptime(stem.partition(".")[0], _MINUTE)  # noqa: DTZ007  # naive UTC, as all our times


@dataclass(frozen=True, slots=True)
class PendingSegments:
    """Segments that no ingest has loaded yet."""

    segments: int
    size_bytes: int


def count_pending_segments(project: Project, ledger: LedgerIndex) -> PendingSegments | None:
    """Count the segments on disk that no ingest has loaded; None where nothing was ever collected."""
    segments = Segments(project.collector)
    if not segments.closed.is_dir():
        return None
    files = [*segments.open.glob("*.jsonl"), *_not_ingested(segments.closed_files(), ledger)]
    sizes = [size for file in files if (size := _size_and_mtime(file)[0])]
    return PendingSegments(len(sizes), sum(sizes))


def _not_ingested(files: list[Path], ledger: LedgerIndex) -> list[Path]:
    settled = ledger.settled_files()
    return [
        file for file in files if (SOURCE_NAME, SourceFile(file).label, *_size_and_mtime(file)) not in settled
    ]


def _size_and_mtime(file: Path) -> tuple[int, int]:
    """Return size (bytes) and modification time (ns) of a segment; zeros where it no longer exists."""
    try:
        stat = file.stat()
    except FileNotFoundError:  # without the lock, another process may move it at any time
        return 0, 0
    return stat.st_size, stat.st_mtime_ns
