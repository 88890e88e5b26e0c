"""How many bytes a query reads from Parquet files: what it needs by the files' own accounts, and what engines read.

Needed are the chunks of those columns without which the query does not bind, in the row groups that it cannot skip,
and the footers. Read is what DuckDB logs of its file system, and what pyarrow takes from a file that counts.
"""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb
import pyarrow.parquet as pq
from duckdb.sqltypes import DuckDBPyType

from shopwright.core.sql import quote_name, quote_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Leaf = tuple[str, ...]
"""A column as a path: ("region",), or ("items", "net_amount") for a field of an array's structs."""

Groups = dict[Leaf, list[int]]
"""Which row groups of which leaves."""

FILTERED: Leaf = ("order_id",)
"""The column by which one order is found."""


JOINS = ("JOIN", "CROSS_PRODUCT")
"""How the names of operators end that bring tables together."""


@dataclass(frozen=True, slots=True)
class Table:
    """One Parquet file, the name queries know it by, and the bytes of each column chunk."""

    name: str
    path: Path
    chunks: dict[Leaf, dict[int, int]]
    """Compressed bytes by leaf and row group."""
    types: dict[Leaf, str]
    footer_bytes: int

    @property
    def file_bytes(self) -> int:
        """Bytes of the whole file."""
        return self.path.stat().st_size

    def whole(self, leaf: Leaf) -> list[Leaf]:
        """All leaves that lie in the same top-level column."""
        return [other for other in self.chunks if other[0] == leaf[0]]

    def bytes_of(self, groups: Groups) -> int:
        """Bytes of the footer and of these chunks; 0 where there are none, since then the file stays closed."""
        chunks = sum(self.chunks[leaf][group] for leaf, found in groups.items() for group in found)
        return self.footer_bytes + chunks if groups else 0


@dataclass(slots=True)
class Layout:
    """Tables that answer questions together, in connections of their own."""

    tables: list[Table]
    counting: duckdb.DuckDBPyConnection = field(init=False)
    """Keeps nothing in memory from one query to the next, so every query reads its files."""
    warm: duckdb.DuckDBPyConnection = field(init=False)
    """As it comes: keeps what it read."""

    def __post_init__(self) -> None:
        self.counting, self.warm = self._connect(), self._connect()
        self.counting.execute("set enable_external_file_cache = false")

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        connection.execute("set threads = 2")
        for table in self.tables:
            source = f"read_parquet({quote_text(str(table.path))})"
            connection.execute(f"create view {table.name} as select * from {source}")
        return connection

    @property
    def file_bytes(self) -> int:
        """Bytes of all files."""
        return sum(table.file_bytes for table in self.tables)


def read_table(name: str, path: Path) -> Table:
    """Read the accounts that a Parquet file keeps of itself."""
    found = duckdb.from_query(
        f"select path_in_schema, row_group_id, total_compressed_size from parquet_metadata({quote_text(str(path))})"
    ).fetchall()
    chunks: dict[Leaf, dict[int, int]] = {}
    for text, group, size in found:
        chunks.setdefault(_leaf(text), {})[group] = size
    with path.open("rb") as opened:
        opened.seek(-8, os.SEEK_END)
        footer = int.from_bytes(opened.read(4), "little") + 8
    return Table(name, path, chunks, _types(path), footer)


def _leaf(path_in_schema: str) -> Leaf:
    return tuple(part for part in path_in_schema.split(", ") if part not in ("list", "element"))


def _types(path: Path) -> dict[Leaf, str]:
    found: dict[Leaf, str] = {}
    relation = duckdb.read_parquet(str(path))
    for name, kind in zip(relation.columns, relation.types, strict=True):
        if kind.id == "list":
            found |= {
                (name, inner): str(inner_kind)
                for inner, inner_kind in _fields(_fields(kind)["child"]).items()
            }
        else:
            found[name,] = str(kind)
    return found


def _fields(kind: DuckDBPyType) -> dict[str, DuckDBPyType]:
    """The types inside a type by name; an array's only one is named child."""
    return {name: inner for name, inner in kind.children if isinstance(inner, DuckDBPyType)}


def needed_leaves(tables: list[Table], query: str) -> dict[str, set[Leaf]]:
    """The leaves without which the query does not bind, by table.

    Of an array whose length alone is asked for, that is its smallest leaf: any one knows the length.
    """
    connection = duckdb.connect()
    for table in tables:
        connection.execute(_empty(table, without=set()))
    needed: dict[str, set[Leaf]] = {}
    for table in tables:
        named = {leaf for leaf in table.types if all(part in query for part in leaf)}
        found = {leaf for leaf in named if not _binds(connection, query, table, {leaf})}
        arrays = {leaf[0] for leaf in table.types if len(leaf) > 1} - {leaf[0] for leaf in found}
        for array in arrays:
            leaves = table.whole((array,))
            if not _binds(connection, query, table, set(leaves)):
                found.add(min(leaves, key=lambda leaf, table=table: sum(table.chunks[leaf].values())))  # type: ignore[misc]
        needed[table.name] = found
    return needed


def _empty(table: Table, *, without: set[Leaf]) -> str:
    """SQL of an empty table of the same columns but some."""
    columns: dict[str, list[str]] = {}
    for leaf, kind in table.types.items():
        if leaf not in without:
            columns.setdefault(leaf[0], []).append(f"{quote_name(leaf[-1])} {kind}")
    nested = {leaf[0] for leaf in table.types if len(leaf) > 1}
    listed = [
        f"{quote_name(name)} struct({', '.join(fields)})[]" if name in nested else fields[0]
        for name, fields in columns.items()
    ]
    return f"create or replace table {table.name} ({', '.join(listed)})"


def _binds(connection: duckdb.DuckDBPyConnection, query: str, table: Table, without: set[Leaf]) -> bool:
    connection.execute(_empty(table, without=without))
    try:
        connection.execute(f"explain {query}")
    except duckdb.BinderException:
        return False
    finally:
        connection.execute(_empty(table, without=set()))
    return True


def needed_groups(table: Table, leaves: set[Leaf], *, order_id: str | None) -> Groups:
    """The row groups to read of each leaf: all, or those that may hold the order, and of other columns those that do."""
    groups = {leaf: list(table.chunks[leaf]) for leaf in leaves}
    if order_id is None or not leaves:
        return groups
    holding = _groups_holding(table, order_id)
    return {leaf: _groups_allowing(table, order_id) if leaf == FILTERED else holding for leaf in groups}


def _groups_allowing(table: Table, order_id: str) -> list[int]:
    """Row groups whose least and greatest id let the order be in them."""
    found = duckdb.execute(
        f"select row_group_id from parquet_metadata({quote_text(str(table.path))}) "
        "where path_in_schema = 'order_id' and $1 between stats_min_value and stats_max_value",
        [order_id],
    ).fetchall()
    return [group for (group,) in found]


def _groups_holding(table: Table, order_id: str) -> list[int]:
    found = duckdb.execute(
        f"""
        with groups as (
            select row_group_id, sum(row_group_num_rows) over (order by row_group_id) as rows_to_here
            from parquet_metadata({quote_text(str(table.path))})
            where path_in_schema = 'order_id'
        ),
        hits as (
            select file_row_number
            from read_parquet({quote_text(str(table.path))}, file_row_number = true)
            where order_id = $1
        )
        select distinct (select min(row_group_id) from groups where rows_to_here > hits.file_row_number) from hits
        """,
        [order_id],
    ).fetchall()
    return [group for (group,) in found]


def bytes_read(layout: Layout, query: str) -> int:
    """Bytes that DuckDB reads from the layout's files for a query, by the log of its file system."""
    connection = layout.counting
    connection.execute("call enable_logging('FileSystem')")
    connection.execute(query).fetchall()
    connection.execute("call disable_logging()")
    paths = [str(table.path) for table in layout.tables]
    found = connection.execute(
        "select coalesce(sum(bytes), 0) from duckdb_logs_parsed('FileSystem') where op = 'READ' and path in $1",
        [paths],
    ).fetchone()
    connection.execute("call truncate_duckdb_logs()")
    return int(found[0]) if found else 0


@dataclass(frozen=True, slots=True)
class Profile:
    """What the engine's own profile says of a query."""

    bytes_read: int
    """The counter total_bytes_read."""
    joins: int


def profile(layout: Layout, query: str, scratch: Path) -> Profile:
    """Run a query under DuckDB's profiler, whose output goes through a file."""
    connection = layout.counting
    connection.execute("pragma enable_profiling = 'json'")
    connection.execute(f"pragma profiling_output = {quote_text(str(scratch))}")
    wanted = json.dumps({"TOTAL_BYTES_READ": "true", "OPERATOR_NAME": "true"})
    connection.execute(f"pragma custom_profiling_settings = {quote_text(wanted)}")
    connection.execute(query).fetchall()
    connection.execute("pragma disable_profiling")
    found = json.loads(scratch.read_text(encoding="utf-8"))
    return Profile(found["total_bytes_read"], sum(name.endswith(JOINS) for name in _operators(found)))


def _operators(node: dict[str, object]) -> Iterator[str]:
    yield str(node.get("operator_name", ""))
    children = node["children"]
    if isinstance(children, list):
        for child in children:
            yield from _operators(child)


class _Counting(io.FileIO):
    """A file that counts what is read of it."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.count += len(found)
        return found


def bytes_of_leaves(table: Table, groups: Groups) -> int:
    """Bytes that pyarrow reads for these chunks alone; it opens single fields of an array's structs."""
    if not groups:
        return 0
    dotted = {tuple(path.split(".")): path for path in _dotted(table.path)}
    names = {
        tuple(part for part in leaf if part not in ("list", "element")): path for leaf, path in dotted.items()
    }
    with _Counting(str(table.path)) as opened:
        file = pq.ParquetFile(opened, pre_buffer=False)
        opened.count = table.footer_bytes  # instead of the 64 kB in which pyarrow looks for the footer
        for leaf, found in groups.items():
            file.read_row_groups(found, columns=[names[leaf]], use_threads=False)
        return opened.count


def _dotted(path: Path) -> list[str]:
    schema = pq.ParquetFile(path).schema
    return [schema.column(number).path for number in range(len(schema))]
