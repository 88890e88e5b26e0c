"""Rows without a key that the lake holds already: a row is known by its content.

Columns that only one of two files of a source fills, and ``properties``, are no part of what a row is: the same month
exported again with one more column, or read by a mapping that gained a field, adds nothing. So rows are counted, as
multisets: of m rows of the new file that are equal to n rows of the lake, n are duplicates. Equal in every column comes
first.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from shopwright.core.sql import quote_list, quote_name, quote_text
from shopwright.lake.delta import LakeFile, stored_sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from shopwright.contracts import Entity
    from shopwright.core.engine import Connection

NO_IDENTITY = frozenset({"properties", "copy_number"})
"""Columns that say nothing about which row it is: whatever no mapping names, and a number that the loader gave."""


def find_unkeyed_duplicates(
    connection: Connection,
    entity: Entity,
    names: list[str],
    path: Path,
    *,
    hash_sql: Callable[[str], str],
    source: str,
    earlier: list[LakeFile],
    span: tuple[datetime | None, datetime | None],
) -> None:
    """Add the new file's rows without a key that the lake has already to the table ``duplicates``.

    Args:
        connection: the connection to work with.
        entity: whose rows they are.
        names: columns that the file fills; all others are null.
        path: the new file.
        hash_sql: returns SQL of a row's hash, for a prefix of its columns such as ``old.``.
        source: name of the file's source.
        earlier: files of the lake that may hold some of the same rows.
        span: earliest and latest time of the new rows, naive UTC, where known.
    """
    new = f"(select * from ({stored_sql(entity.name, [path])}) where {_has_no_key(entity, names)})"
    old = (
        f"(select * from ({stored_sql(entity.name, [file.path for file in earlier])}) "
        f"where {' and '.join([_has_no_key(entity), *_null_or_within(entity, names, span)])})"
    )
    # the hash is what the engine can join on; "is not distinct from" alone would compare every pair
    same_hash = f"{hash_sql('old.')} = {hash_sql('new.')}"
    connection.execute(
        f"insert into duplicates select new._row_number from {new} as new semi join {old} as old "
        f"on {same_hash} and {_same(names)} where new._row_number not in (select row_number from duplicates)"
    )
    equal = f"{same_hash} and {_same([column.name for column in entity.stored_columns])}"
    for identity, files in _identities(connection, entity, set(names), earlier).items():
        old = (
            f"(select * from ({stored_sql(entity.name, [file.path for file in files])}) "
            f"where _source = {quote_text(source)} and {_has_no_key(entity, [*identity])})"
        )
        _find_same_identity(connection, entity, path, old, equal=equal, identity=identity)


def _has_no_key(entity: Entity, names: list[str] | None = None) -> str:
    key = entity.optional_key
    return f"{quote_name(key)} is null" if key and (names is None or key in names) else "true"


def _same(names: list[str] | tuple[str, ...]) -> str:
    return " and ".join(
        f"old.{quote_name(name)} is not distinct from new.{quote_name(name)}" for name in names
    )


def _null_or_within(
    entity: Entity, names: list[str], span: tuple[datetime | None, datetime | None]
) -> list[str]:
    """Return conditions of equal rows of the lake: null in other columns, and within the time span."""
    conditions = [
        f"{quote_name(column.name)} is null" for column in entity.stored_columns if column.name not in names
    ]
    if entity.time_column and span[0] and span[1]:
        time = quote_name(entity.time_column)
        conditions.append(
            f"({time} is null or {time} between timestamptz '{span[0]}+00' and timestamptz '{span[1]}+00')"
        )
    return conditions


def _identities(
    connection: Connection, entity: Entity, names: set[str], earlier: list[LakeFile]
) -> dict[tuple[str, ...], list[LakeFile]]:
    """Return the files that fill other columns than the new one, by the columns that tell rows of both apart.

    Files that can hold no row that is equal but in such columns are left out.
    """
    paths = {str(file.path): file for file in earlier}
    filled = defaultdict[str, set[str]](set)
    for file, name in connection.execute(
        f"select file_name, name from parquet_schema({quote_list(list(paths))})"
    ).fetchall():
        filled[file].add(name)
    stored = [column.name for column in entity.stored_columns]
    by_identity = defaultdict[tuple[str, ...], list[LakeFile]](list)
    for path, columns in filled.items():
        if "properties" in names | columns or (columns ^ names) & {*stored} - NO_IDENTITY:
            by_identity[tuple(name for name in stored if name in names & columns - NO_IDENTITY)].append(
                paths[path]
            )
    return by_identity


def _find_same_identity(
    connection: Connection,
    entity: Entity,
    path: Path,
    old: str,
    *,
    equal: str,
    identity: tuple[str, ...],
) -> None:
    """Match what is left of the new file with what is left of some files of its source, row by row."""
    columns = ", ".join(map(quote_name, identity))
    new = f"({stored_sql(entity.name, [path])})"
    # only rows with an equal one on the other side are compared, which in most files are none
    connection.execute(
        f"create or replace temp table unmatched as select _row_number, {columns}, hash({columns}) as h, "
        f"row_number() over (partition by {columns} order by _row_number) as copy from {new} "
        f"where {_has_no_key(entity, [*identity])} and hash({columns}) in (select hash({columns}) from {old}) "
        "and _row_number not in (select row_number from duplicates)"
    )
    connection.execute(
        f"insert into duplicates select new._row_number from unmatched as new semi join "
        f"(select {columns}, hash({columns}) as h, row_number() over (partition by {columns}) as copy "
        f"from (select * from {old} where hash({columns}) in (select h from unmatched)) as old "
        f"anti join {new} as new on {equal}) as old "
        f"on old.h = new.h and old.copy = new.copy and {_same(identity)}"
    )
