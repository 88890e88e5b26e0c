"""The published warehouse for readers: opened once, and reopened after a build has replaced it."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from shopwright.core.engine import attach_published, connect
from shopwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shopwright.core.engine import Connection

_DATABASE = "warehouse"
"""Database name that the warehouse's views refer to."""


class PublishedWarehouse:
    """The last build whose tests passed, for a process that outlives a build; safe to share between threads."""

    def __init__(self, file: Path, *, threads: int | None = None) -> None:
        self.file = file
        self._threads = threads
        self._lock = Lock()
        self._current: tuple[tuple[int, ...], Connection] | None = None

    @property
    def identity(self) -> tuple[int, ...]:
        """A value that differs for every published build.

        Raises:
            ConfigurationError: nothing is published yet.
        """
        try:
            stat = self.file.stat()
        except FileNotFoundError:
            raise ConfigurationError("nothing is published yet. Run `shopwright run`") from None
        return (stat.st_ino, stat.st_mtime_ns, stat.st_size)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Open a cursor for one reader; it keeps reading the old build if a new one is published meanwhile.

        Raises:
            ConfigurationError: nothing is published yet.
        """
        with self._connect().cursor() as cursor:
            # a cursor inherits neither of these from its connection
            cursor.execute(f"use {_DATABASE}")
            cursor.execute("set TimeZone = 'UTC'")
            yield cursor

    def _connect(self) -> Connection:
        identity = self.identity
        with self._lock:
            if self._current is None or self._current[0] != identity:
                self._current = (identity, self._open())
            return self._current[1]

    def _open(self) -> Connection:
        # attached, not opened by path: DuckDB returns the old file for a path that anyone in this process still reads
        connection = connect(threads=self._threads)
        try:
            attach_published(connection, self.file, _DATABASE)
        except ConfigurationError:
            connection.close()
            raise
        return connection
