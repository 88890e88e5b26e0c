"""Connections to the query engine, with the same settings everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from shopwright.core.errors import ConfigurationError
from shopwright.core.sql import quote_name, quote_text

if TYPE_CHECKING:
    from pathlib import Path


Connection = duckdb.DuckDBPyConnection
"""An open connection. Types and errors of the engine are taken from here, so that few modules depend on the library."""
EngineError = duckdb.Error
"""Any failure of the engine."""
SchemaError = (duckdb.BinderException, duckdb.CatalogException)
"""A query names a table or a column that does not exist."""
StorageError = (OSError, duckdb.IOException, duckdb.OutOfMemoryException)
"""A file cannot be read or written, such as where a disk is full."""
DatabaseError = (duckdb.IOException, duckdb.SerializationException, duckdb.FatalException)
"""A database, or a file that it reads, is damaged, gone or cannot be written."""

ValueReadError = (duckdb.ConversionException, duckdb.InvalidInputException)
"""Text is not a value of the requested type."""


def connect(
    database: Path | None = None,
    *,
    threads: int | None = None,
    memory_limit: str | None = None,
    spill: Path | None = None,
    read_only: bool = False,
) -> Connection:
    """Open a database; its time zone is UTC, and it downloads no extensions.

    Args:
        database: the file; a database in memory if None.
        threads: number of threads; all cores if None.
        memory_limit: such as ``4GB``; beyond it the engine spills to disk.
        spill: folder for what does not fit into memory; created if absent.
        read_only: whether several processes may open the file, and none may write to it.
    """
    connection = duckdb.connect(
        str(database) if database else ":memory:",
        read_only=read_only,
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"},
    )
    connection.execute("set TimeZone = 'UTC'")
    # where Python runs a command line, the engine would print its bar among the results
    connection.execute("set enable_progress_bar = false")
    if threads:
        connection.execute(f"set threads = {int(threads)}")
    if memory_limit:
        connection.execute(f"set memory_limit = {quote_text(memory_limit)}")
    if spill:
        spill.mkdir(parents=True, exist_ok=True)
        connection.execute(f"set temp_directory = {quote_text(str(spill))}")
    return connection


def attach_published(connection: Connection, file: Path, name: str) -> None:
    """Attach a published warehouse under a name, read-only.

    Raises:
        ConfigurationError: it cannot be read; the message says what to do.
    """
    try:
        connection.execute(f"attach {quote_text(str(file))} as {quote_name(name)} (read_only)")
    except EngineError as error:
        reason = str(error).splitlines()[0]
        next_step = (
            "close the program that has it open"
            if "lock" in reason
            else "run `shopwright build` to publish it again"
        )
        raise ConfigurationError(f"{file} cannot be read ({reason}); {next_step}") from None
