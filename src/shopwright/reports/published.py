"""The published warehouse as readers hold it: opened once, and anew when a build has replaced it."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from shopwright.core.engine import attach_published, connect
from shopwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

_NAME = "warehouse"
"""Its views name the database they lie in."""


class PublishedWarehouse:
    """The last build whose tests passed, for a process that lives longer than one build; threads may share it."""

    def __init__(self, file: Path, *, threads: int | None = None) -> None:
        self.file = file
        self._threads = threads
        self._lock = Lock()
        self._opened: tuple[tuple[int, ...], duckdb.DuckDBPyConnection] | None = None

    @property
    def identity(self) -> tuple[int, ...]:
        """What changes with every build that is published.

        Raises:
            ConfigurationError: nothing was published yet.
        """
        try:
            found = self.file.stat()
        except FileNotFoundError:
            raise ConfigurationError("nothing is published yet; run 'shopwright run' first") from None
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of its own for one reader; who holds one while a build is published reads on in the old.

        Raises:
            ConfigurationError: nothing was published yet.
        """
        with self._current().cursor() as cursor:
            # a cursor takes over neither
            cursor.execute(f"use {_NAME}")
            cursor.execute("set TimeZone = 'UTC'")
            yield cursor

    def _current(self) -> duckdb.DuckDBPyConnection:
        identity = self.identity
        with self._lock:
            if self._opened is None or self._opened[0] != identity:
                self._opened = (identity, self._open())
            return self._opened[1]

    def _open(self) -> duckdb.DuckDBPyConnection:
        # opened by its path, the engine would give back the old file as long as anybody in this process reads it
        opened = connect(threads=self._threads)
        try:
            attach_published(opened, self.file, _NAME)
        except ConfigurationError:
            opened.close()
            raise
        return opened
