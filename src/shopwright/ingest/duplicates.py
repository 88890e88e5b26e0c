"""Finding duplicates: rows that say nothing new, given what their file or earlier batches said before.

A row with a key is a state of what the key names, so it is a duplicate only if it equals the *current* state: the row with
its key that arrived last. A row without a key is known by its content; see ``unkeyed_duplicates``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.sql import quote_name, quote_text
from shopwright.ingest.unkeyed_duplicates import find_unkeyed_duplicates
from shopwright.lake.delta import LakeFile, stored_sql

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from shopwright.contracts import Entity
    from shopwright.core.engine import Connection

COPY_NUMBER = "copy_number"
_TELLING = ("source_event_id", "user_id", "visitor_id", "product_id")
"""Optional columns that differ much between rows."""

ROWS_PER_BATCH = 1 << 36
"""More rows than a batch can have: the batch's number times this, plus the row's, is its position among all arrivals."""


def find_duplicates(
    connection: Connection,
    entity: Entity,
    names: list[str],
    path: Path,
    *,
    source: str,
    sequence: int,
    visible: list[LakeFile],
    span: tuple[datetime | None, datetime | None],
) -> int:
    """Put the numbers of a new file's duplicate rows into the table ``duplicates``.

    Args:
        connection: the connection to work with.
        entity: whose rows they are.
        names: columns that the file fills; all others are null.
        path: the new file.
        source: name of the file's source.
        sequence: its batch's place in the order of arrival; a file that is read again has one before later batches.
        visible: files of the lake that earlier batches made or are about to make visible.
        span: earliest and latest time of the new rows, naive UTC, where known.

    Returns:
        Number of duplicates.
    """
    connection.execute("create or replace temp table duplicates (row_number bigint)")
    overlapping = _overlapping(visible, *span, entity)
    if entity.is_keyed(names):
        _find_repeated_states(
            connection,
            entity,
            path,
            visible=[file for file in visible if file.batch_seq < sequence],
            overlapping=[file for file in overlapping if file.batch_seq < sequence],
        )
    if entity.may_lack_key:
        find_copies(connection, entity, names, path)
        connection.execute("insert into duplicates select row_number from copies")
        if overlapping:
            find_unkeyed_duplicates(
                connection,
                entity,
                names,
                path,
                hash_sql=lambda table: _hash_sql(entity, names, table),
                source=source,
                earlier=overlapping,
                span=span,
            )
    return _count(connection, "duplicates")


def _overlapping(
    visible: list[LakeFile], first_at: datetime | None, last_at: datetime | None, entity: Entity
) -> list[LakeFile]:
    """Return the files that may hold some of the same rows: their time spans overlap, or one has none."""
    if entity.time_column is None or first_at is None or last_at is None:
        return visible
    return [
        file
        for file in visible
        if file.first_at is None
        or file.last_at is None
        or not (file.last_at < first_at or file.first_at > last_at)
    ]


def _find_repeated_states(
    connection: Connection,
    entity: Entity,
    path: Path,
    *,
    visible: list[LakeFile],
    overlapping: list[LakeFile],
) -> None:
    """Find the rows that equal the row with their key that arrived before them."""
    key = ", ".join(map(quote_name, entity.stored_key))
    new = f"(select * from ({stored_sql(entity.name, [path])}) where {_has_key(entity)})"
    connection.execute("create or replace temp table previous_rows (row_number bigint, previous bigint)")
    shared_hashes = _shared_hashes(connection, f"hash({key})", new)
    if len(shared_hashes):
        connection.register("shared_hashes", {"h": shared_hashes})
        connection.execute(
            f"insert into previous_rows select * from (select _row_number, lag(_row_number) over "
            f"(partition by {key} order by _row_number) as previous from {new} "
            f"where hash({key}) in (select h from shared_hashes)) where previous is not null"
        )
        connection.unregister("shared_hashes")
        connection.execute(
            f"insert into duplicates select new._row_number from {new} as new "
            "join previous_rows on new._row_number = row_number "
            f"join {new} as old on old._row_number = previous where {_same_row(entity)}"
        )
    if overlapping:
        _find_current_states(connection, entity, new, visible=visible, overlapping=overlapping)


def _find_current_states(
    connection: Connection,
    entity: Entity,
    new: str,
    *,
    visible: list[LakeFile],
    overlapping: list[LakeFile],
) -> None:
    """Find the rows that equal the current state of their key in the lake.

    Only files whose times overlap can hold an equal row, but any later file may hold a newer state of the same key.
    """
    key_hash = f"hash({', '.join(map(quote_name, entity.stored_key))})"
    connection.execute(f"create or replace temp table new_keys as select distinct {key_hash} as h from {new}")
    fetched = connection.execute(
        f"select min(_batch_seq) from ({_keyed_sql(entity, overlapping)}) where {key_hash} in (select h from new_keys)"
    ).fetchone()
    if fetched is None or fetched[0] is None:
        return
    old = f"(select *, {_arrival_sql()} as arrival from ({_keyed_sql(entity, visible)}) where _batch_seq >= {fetched[0]})"
    key = ", ".join(map(quote_name, entity.stored_key))
    connection.execute(
        f"create or replace temp table current_rows as select max(arrival) as arrival from {old} "
        f"where {key_hash} in (select h from new_keys) group by {key}"
    )
    same_key = " and ".join(
        f"old.{quote_name(name)} is not distinct from new.{quote_name(name)}" for name in entity.stored_key
    )
    connection.execute(
        f"insert into duplicates select new._row_number from (select *, {key_hash} as h from {new}) as new "
        f"join (select *, {key_hash} as h from {old} where arrival in (select arrival from current_rows)) as old "
        f"on old.h = new.h and {same_key} where {_same_row(entity)} "
        "and new._row_number not in (select row_number from previous_rows)"
    )


def _keyed_sql(entity: Entity, files: list[LakeFile]) -> str:
    return (
        f"select * from ({stored_sql(entity.name, [file.path for file in files])}) where {_has_key(entity)}"
    )


def _has_key(entity: Entity) -> str:
    return f"{quote_name(entity.optional_key)} is not null" if entity.optional_key else "true"


def _arrival_sql() -> str:
    return f"(_batch_seq * {ROWS_PER_BATCH} + _row_number)"


def _same_row(entity: Entity) -> str:
    """Return SQL of whether the rows ``old`` and ``new`` are equal in every column of the contract."""
    return " and ".join(
        f"old.{quote_name(column.name)} is not distinct from new.{quote_name(column.name)}"
        for column in entity.stored_columns
    )


def find_copies(connection: Connection, entity: Entity, names: list[str], path: Path) -> int:
    """Put rows without a key that equal an earlier one into the table ``copies``: ``row_number``, ``copy`` from 2.

    Rows are compared in every stored column.

    Returns:
        Number of such rows.
    """
    connection.execute("create or replace temp table copies (row_number bigint, copy bigint)")
    rows = f"read_parquet({quote_text(str(path))}, file_row_number = true)"
    if entity.optional_key in names:
        rows = f"(select * from {rows} where {quote_name(str(entity.optional_key))} is null)"
    # rows with a hash of their own, nearly all of them, are never compared in full
    shared_hashes = _shared_hashes(connection, _hash_sql(entity, names), rows)
    if len(shared_hashes):
        connection.register("shared_hashes", {"h": shared_hashes})
        connection.execute(
            f"insert into copies select * from (select file_row_number, row_number() over "
            f"(partition by {', '.join(map(quote_name, names))} order by file_row_number) as copy "
            f"from {rows} where {_hash_sql(entity, names)} in (select h from shared_hashes)) "
            "where copy > 1"
        )
        connection.unregister("shared_hashes")
    return _count(connection, "copies")


def _count(connection: Connection, table: str) -> int:
    fetched = connection.execute(f"select count(*) from {table}").fetchone()
    return int(fetched[0]) if fetched else 0


def _hash_sql(entity: Entity, names: list[str], table: str = "") -> str:
    """Return SQL of a row's hash over the columns that differ most between rows.

    It is the engine's own hash, which may change with its version: compare it within one run only, never store it.
    """
    hashed = [
        column.name
        for column in entity.stored_columns
        if column.name in names
        and (column.required or column.name in (*entity.key, entity.time_column, *_TELLING, COPY_NUMBER))
    ]
    return f"hash({', '.join(table + quote_name(name) for name in hashed)})"


def _shared_hashes(
    connection: Connection, hash_sql: str, rows: str
) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Return the hashes that several rows have.

    Sorting them in NumPy takes a third of the time that grouping in the engine does.
    """
    fetched = connection.execute(f"select {hash_sql} as h from {rows}").fetchnumpy()["h"]
    ordered = np.sort(np.asarray(fetched, dtype=np.uint64))
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
