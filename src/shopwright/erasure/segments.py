"""Erased people leave the collected events: segments are written again without the lines that name them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from shopwright.core.disk import sync_folder
from shopwright.ingest.adapters.collector import COLLECTOR
from shopwright.ingest.segments import COLLECTOR_SOURCE, Segments
from shopwright.ingest.tombstones import matcher_for

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.settings import Project
    from shopwright.tombstones import Tombstones

SUFFIX = ".erasing"
"""Ending of a segment that is not in place yet; nothing reads it."""


@dataclass(frozen=True, slots=True)
class RewrittenSegment:
    """A segment without some of its lines, which is not in place yet."""

    file: Path
    lines: int
    """Lines that are gone."""
    size: int
    """In bytes."""
    modified_ns: int
    """That of the segment before, so that an ingest knows it."""
    sha256: str

    def replace(self) -> None:
        """Put it in place of the old one; of an empty one nothing stays."""
        unfinished = self.file.with_suffix(SUFFIX)
        if self.size:
            unfinished.replace(self.file)
        else:
            self.file.unlink(missing_ok=True)
            unfinished.unlink()


def rewrite_segments(project: Project, tombstones: Tombstones) -> list[RewrittenSegment]:
    """Write each closed segment that names an erased person again, beside itself.

    Open segments are closed first, also those of a running service. What is written depends on segment and tombstones
    alone, so that it is the same after an interruption.
    """
    segments = Segments(project.collector)
    if not segments.closed.is_dir():
        return []
    segments.close_all()
    for leftover in segments.closed.glob(f"*{SUFFIX}"):
        leftover.unlink()
    matcher = matcher_for(COLLECTOR.mapping_for(COLLECTOR_SOURCE, ""), tombstones, project=project)
    rewritten = []
    for file in segments.closed_files():
        lines = file.read_bytes().splitlines(keepends=True)
        retained = [
            line for line in lines if not matcher.names_erased(line.decode("utf-8", errors="replace"))
        ]
        if len(retained) < len(lines):
            rewritten.append(_write(file, b"".join(retained), len(lines) - len(retained)))
    sync_folder(segments.closed)
    return rewritten


def _write(file: Path, content: bytes, lines: int) -> RewrittenSegment:
    modified_ns = file.stat().st_mtime_ns
    unfinished = file.with_suffix(SUFFIX)
    with unfinished.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.utime(unfinished, ns=(modified_ns, modified_ns))
    return RewrittenSegment(file, lines, len(content), modified_ns, sha256(content).hexdigest())
