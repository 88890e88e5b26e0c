"""Segments of collected events: where they lie, and how they change hands between the service and an ingest.

::

    collector/
    ├── lock                     held while a segment is written to or closed
    ├── open/    events-*.jsonl  appended to
    └── closed/  events-*.jsonl  whole, and never written to again; this is what an ingest reads

A writer appends under the lock, and begins a new segment when the one it had has gone from ``open``. So whoever holds the
lock may close any segment: nobody is writing to it, and a last line without an end is one that a writer was killed in. Such a
line was never acknowledged, and is cut off. Events that were refused lie in segments of their own, ``rejected-*.jsonl``; an
ingest puts them into quarantine by the rules they broke.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import TYPE_CHECKING
from uuid import uuid4

from shopwright.core.errors import BusyError
from shopwright.ingest.adapters.collector import COLLECTOR
from shopwright.ingest.files import SourceFile
from shopwright.settings import SourceSettings
from shopwright.settings.collector import SOURCE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shopwright.ingest.ledger import Known
    from shopwright.settings import Project

SOURCE = SourceSettings(name=SOURCE_NAME, adapter=COLLECTOR.name, path="collector/closed")
"""The closed segments, as a source."""
GOOD, REJECTED = "events", "rejected"
"""Beginnings of the names of segments."""
LONGEST_WAIT_SECONDS = 30.0
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
        """Folder of segments that are whole."""
        return self.root / "closed"

    def make(self) -> None:
        """Make the folders."""
        self.open.mkdir(parents=True, exist_ok=True)
        self.closed.mkdir(exist_ok=True)
        sync_folder(self.root)

    def new_file(self, kind: str, now: datetime) -> Path:
        """Where to begin a segment; names grow with time, and no two are the same.

        Args:
            kind: ``events`` or ``rejected``.
            now: the time, naive UTC.
        """
        return self.open / f"{kind}-{now:{_MINUTE}.%S%f}-{uuid4().hex[:8]}.jsonl"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock while the block runs; every holder is done within moments.

        Raises:
            BusyError: another process has held it for half a minute.
        """
        with (self.root / "lock").open("a") as opened:
            given_up = monotonic() + LONGEST_WAIT_SECONDS
            while True:
                try:
                    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if monotonic() > given_up:
                        raise BusyError(
                            f"another process has held {self.root / 'lock'} for {LONGEST_WAIT_SECONDS:g} s; "
                            "is a service suspended?"
                        ) from None
                    sleep(0.002)
            yield

    def close_all(self) -> None:
        """Close every segment that is open, so that it can be read."""
        with self.locked():
            for file in sorted(self.open.glob("*.jsonl")):
                self.close(file)

    def close(self, file: Path) -> None:
        """Close a segment; the lock is held, and the segment is there.

        Its bytes reach the disk before its name says that they are whole.
        """
        with file.open("r+b") as opened:
            whole = _whole_bytes(file)
            opened.truncate(whole)
            os.fsync(opened.fileno())
        if whole:
            file.rename(self.closed / file.name)
            sync_folder(self.closed)
        else:
            file.unlink()
        sync_folder(self.open)

    def closed_files(self) -> list[Path]:
        """Segments that are whole, oldest first; none where nothing was ever collected."""
        return sorted(self.closed.glob("*.jsonl"), key=lambda file: file.name.partition("-")[2])


def sync_folder(folder: Path) -> None:
    """Let the names in a folder reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _whole_bytes(file: Path) -> int:
    """Size of a file up to the end of its last whole line."""
    with file.open("rb") as opened:
        at = opened.seek(0, os.SEEK_END)
        while at > 0:
            start = max(0, at - _BLOCK)
            opened.seek(start)
            place = opened.read(at - start).rfind(b"\n")
            if place >= 0:
                return start + place + 1
            at = start
    return 0


def all_sources(project: Project) -> tuple[SourceSettings, ...]:
    """The project's sources, and the collected events where there are any."""
    is_collecting = Segments(project.collector).closed.is_dir()
    return (*project.settings.sources, *([SOURCE] if is_collecting else []))


def drain(project: Project) -> list[SourceFile]:
    """Close the open segments, also those of a service that runs, and list all that can be read.

    Raises:
        BusyError: a service is writing, and does not come to an end.
    """
    segments = Segments(project.collector)
    segments.close_all()
    return [SourceFile(file, judged_at=_rejected_at(file)) for file in segments.closed_files()]


def _rejected_at(file: Path) -> datetime | None:
    """The minute in which a segment of rejected events was begun; None for one of good events.

    Time may not make good what its sender was told is wrong: a moment that lay too far ahead still does.
    """
    kind, _, rest = file.name.partition("-")
    if kind != REJECTED:
        return None
    return datetime.strptime(rest.partition(".")[0], _MINUTE)  # noqa: DTZ007  # naive UTC, as all our times


def forget(project: Project, known: Known) -> int:
    """Delete the segments that were ingested and are older than the settings let them be.

    Returns:
        How many there were.
    """
    keep_days = project.settings.collector.keep_days
    if keep_days is None:
        return 0
    before = datetime.now(UTC) - timedelta(days=keep_days)
    files = Segments(project.collector).closed_files()
    waiting = set(_not_ingested(files, known))
    old = [file for file in files if file not in waiting and _is_old(file, before)]
    for file in old:
        file.unlink()
    return len(old)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Segments that no ingest has taken in yet."""

    segments: int
    size_bytes: int


def waiting(project: Project, known: Known) -> Waiting | None:
    """What waits for an ingest, as far as it is on disk; None where nothing was ever collected."""
    segments = Segments(project.collector)
    if not segments.closed.is_dir():
        return None
    files = [*segments.open.glob("*.jsonl"), *_not_ingested(segments.closed_files(), known)]
    sizes = [size for file in files if (size := _stamp(file)[0])]
    return Waiting(len(sizes), sum(sizes))


def _not_ingested(files: list[Path], known: Known) -> list[Path]:
    looks = known.looks()
    return [file for file in files if (SOURCE_NAME, SourceFile(file).label, *_stamp(file)) not in looks]


def _stamp(file: Path) -> tuple[int, int]:
    """Size and age of a segment; nothing of one that has gone, as it may at any moment that the lock is not held."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _is_old(file: Path, before: datetime) -> bool:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC) <= before
