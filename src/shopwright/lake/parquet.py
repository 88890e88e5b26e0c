"""Parquet files of the lake: their columns, and SQL that writes and reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.contracts import BY_NAME
from shopwright.core.disk import hash_file
from shopwright.core.engine import EngineError
from shopwright.core.errors import LakeError
from shopwright.core.sql import quote_list, quote_name, quote_text
from shopwright.lake.commits import AddedFile
from shopwright.lake.tables import ROW_NUMBER, STATEMENT, TABLES, TECHNICAL, TableColumn

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shopwright.core.engine import Connection


def lake_columns(table: str) -> tuple[TableColumn, ...]:
    """Return the columns of a lake table as stored: those of its contract, then the technical ones.

    Args:
        table: one of the lake's own tables, such as ``ledger``, or an entity.
    """
    if table in TABLES:
        return TABLES[table]
    entity = BY_NAME[table]
    columns = tuple(
        TableColumn(column.name, column.kind.sql_type, column.kind.lake_type, column.meaning)
        for column in entity.stored_columns
    )
    return (*columns, *([STATEMENT] if entity.whole else []), *TECHNICAL)


def write_parquet(connection: Connection, select: str, file: Path) -> AddedFile:
    """Write a query's rows to one Parquet file of the lake.

    Returns:
        The file with its size and number of rows, but without their time span.
    """
    connection.execute(
        f"copy ({select}) to {quote_text(str(file))} (format parquet, compression zstd, compression_level 1)"
    )
    fetched = connection.fetchone()
    return AddedFile(file.name, file.stat().st_size, int(fetched[0]) if fetched else 0)


@dataclass(frozen=True, slots=True)
class Part:
    """A file of rows as it is found in a folder."""

    added: AddedFile
    """How a commit would add it."""
    batches: tuple[int, ...]
    """Numbers of the batches of its rows."""


def describe_part(connection: Connection, table: str, file: Path) -> Part:
    """Read a file of rows for what its commit recorded of it.

    Raises:
        LakeError: it cannot be read.
    """
    columns = [column.name for column in lake_columns(table)]
    batch, time = batch_column(table), time_column(table)
    batches_of_rows = f"list(distinct {batch} order by {batch})" if batch in columns else "[]"
    at = quote_name(time) if time else "null::timestamptz"
    text = "strftime(%s at time zone 'UTC', '%%Y-%%m-%%dT%%H:%%M:%%S.%%fZ')"
    query = (
        f"select count(*), {batches_of_rows}, bool_and({at} is not null), {text % f'min({at})'}, {text % f'max({at})'} "
        f"from ({stored_sql(table, [file])})"
    )
    try:
        fetched = connection.execute(query).fetchone()
    except EngineError as error:
        raise LakeError(table, f"{file.name} cannot be read ({str(error).splitlines()[0]})") from None
    rows, batches, has_times, first, last = fetched or (0, [], False, None, None)
    added = AddedFile(
        file.name,
        file.stat().st_size,
        rows,
        first if has_times else None,
        last if has_times else None,
        batches[0] if len(batches) == 1 else None,
        hash_file(file),
    )
    return Part(added, tuple(batches))


def time_column(table: str) -> str | None:
    """Return the column of a table's own time, by which its files have statistics; None where it has none."""
    return BY_NAME[table].time_column if table in BY_NAME else None


def batch_column(table: str) -> str:
    """Return the column with the number of the batch of a row."""
    return "_batch_seq" if table in BY_NAME else "batch_seq"


def stored_sql(table: str, files: Iterable[Path]) -> str:
    """Return SQL that reads a lake table as it is stored: times have a zone.

    A file has only the columns that its source fills; the others are null, as in the Delta protocol. After the stored
    columns follows the position of the row in its file, ``_row_number``.

    Args:
        table: one of the lake's own tables, such as ``ledger``, or an entity.
        files: Parquet files of the table; without any, the SQL returns no rows.
    """
    columns = lake_columns(table)
    empty = ", ".join(
        f"null::{item.stored_type} as {quote_name(item.name)}" for item in (*columns, ROW_NUMBER)
    )
    paths = [str(file) for file in files]
    rows = f"(select {empty} where false)"
    if not paths:
        return rows
    stored = f"read_parquet({quote_list(paths)}, union_by_name = true, file_row_number = true)"
    return f"{rows} union all by name (select * rename (file_row_number as {ROW_NUMBER.name}) from {stored})"


def read_sql(table: str, files: Iterable[Path]) -> str:
    """Return SQL that reads a lake table with the warehouse's types: times are naive UTC.

    Args:
        table: one of the lake's own tables, such as ``ledger``, or an entity.
        files: Parquet files of the table; without any, the SQL returns no rows.
    """
    columns = (*lake_columns(table), *(() if table in TABLES else (ROW_NUMBER,)))
    read = ", ".join(f"{item.read_sql()} as {quote_name(item.name)}" for item in columns)
    return f"select {read} from ({stored_sql(table, files)})"
