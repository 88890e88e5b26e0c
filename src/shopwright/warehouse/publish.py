"""Publishing: one rename makes a tested build the database that everyone reads."""

from __future__ import annotations

import mmap
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from shopwright.core.disk import sync_file, sync_folder

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.core.engine import Connection
    from shopwright.settings import Project

COPY_BYTES = 16 << 20

WarehouseReader = Callable[["Connection"], None]
"""Called with a connection to read from; must not write."""


def publish(
    project: Project, connection: Connection, *, while_copying: WarehouseReader | None = None
) -> None:
    """Replace the published database with a copy of the warehouse.

    Readers keep the file they have open; the next to open it gets the new one. A crash before the rename leaves the old
    one in place.

    Args:
        connection: the only connection that may write to the warehouse.
        while_copying: reads the warehouse during the copy, which keeps the disk busy but not the processor.
    """
    connection.execute("checkpoint")
    with ThreadPoolExecutor(1) as pool:
        copy = pool.submit(_copy_for_readers, project)
        if while_copying:
            while_copying(connection)
        copy.result()


def _copy_for_readers(project: Project) -> None:
    if not project.published.parent.exists():
        project.published.parent.mkdir()
        sync_folder(project.root)
    unfinished = project.published.with_suffix(".tmp")
    try:
        _copy_past_cache(project.warehouse, unfinished)
    except (OSError, AttributeError):  # the file system or the platform has no direct writes
        shutil.copyfile(project.warehouse, unfinished)
    sync_file(unfinished)
    unfinished.replace(project.published)
    # the new name too: a power cut must not bring back the old file after the build was called done
    sync_folder(project.published.parent)


def _copy_past_cache(source: Path, target: Path) -> None:
    """Copy a database file straight to disk: several times faster than through the page cache.

    Raises:
        OSError: the file system has no direct writes, or the file size is not a multiple of its block size.
        AttributeError: the platform has no direct writes.
    """
    target.unlink(missing_ok=True)
    buffer = mmap.mmap(-1, COPY_BYTES)  # page-aligned memory, as direct writes require
    source_fd = os.open(source, os.O_RDONLY)
    try:
        target_fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_DIRECT, 0o644)
        try:
            while count := os.readv(source_fd, [buffer]):
                with memoryview(buffer)[:count] as chunk:
                    if os.write(target_fd, chunk) != count:
                        raise OSError("short write")
        finally:
            os.close(target_fd)
    finally:
        os.close(source_fd)
