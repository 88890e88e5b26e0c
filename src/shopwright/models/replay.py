"""The warehouse's feature views over other rows: with the future rewritten, or with one user's session so far.

The views are read from the published database as they are and created again in an in-memory database of the same name;
only the tables below them are replaced. So there is one definition of a feature, in SQL, for training, for serving and
for the proof that it does not look ahead.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shopwright.core.engine import attach_published, connect
from shopwright.core.errors import DataError
from shopwright.core.sql import quote_name, quote_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from shopwright.core.engine import Connection

WAREHOUSE = "warehouse"
"""Name of the database that the views were created in."""
ORIGINAL = "original"
"""Name of the database that holds the published rows, for rewrites to start from."""
PUBLISHED = "published"
"""Name of the attached published database."""
EXTRA_SCHEMA = "main"
"""Schema, in ``original``, of tables that do not come from the published database."""


@contextmanager
def replay(
    published: Path,
    table: str,
    rewrites: Mapping[str, str],
    *,
    extra_tables: Mapping[str, Mapping[str, NDArray[Any]]] | None = None,
) -> Iterator[Connection]:
    """Open a database in which one view is as published, over replaced tables.

    Args:
        published: the published database.
        table: the view, such as ``gold.feat_churn``.
        rewrites: table or view below it, such as ``silver.int_sessions``, to the SQL that replaces it. The SQL finds the
            published one as ``original.silver.int_sessions``, and the replacement of another one as
            ``warehouse.silver.int_sessionized_events``.
        extra_tables: further tables that the SQL may read, as ``original.main.NAME``: column to its values, (rows,).

    Raises:
        ConfigurationError: the published database cannot be read.
        DataError: the database has no such view, or the view does not depend on a rewritten table, so that the replay
            would prove nothing.
    """
    with connect() as connection:
        attach_published(connection, published, PUBLISHED)
        for name in (WAREHOUSE, ORIGINAL):
            connection.execute(f"attach ':memory:' as {name}")
        for name, columns in (extra_tables or {}).items():
            connection.register("columns", dict(columns))
            connection.execute(
                f"create table {ORIGINAL}.{EXTRA_SCHEMA}.{quote_name(name)} as select * from columns"
            )
            connection.unregister("columns")
        builder = _ViewBuilder(connection, rewrites)
        builder.build(table)
        if unused := sorted(rewrites.keys() - builder.built):
            raise DataError(f"{table} of the published warehouse does not depend on {', '.join(unused)}")
        connection.execute(f"use {WAREHOUSE}")
        yield connection


class _ViewBuilder:
    """Creates views and everything below them, each once."""

    def __init__(self, connection: Connection, rewrites: Mapping[str, str]) -> None:
        self._connection = connection
        self._rewrites = rewrites
        self._originals: set[str] = set()
        self.built: set[str] = set()
        """Tables and views created so far."""
        self._views = {
            f"{schema}.{name}": str(sql)
            for schema, name, sql in connection.execute(
                "select schema_name, view_name, sql from duckdb_views() "
                f"where database_name = {quote_text(PUBLISHED)} and not internal"
            ).fetchall()
        }
        self._tables = {
            f"{schema}.{name}"
            for schema, name in connection.execute(
                "select schema_name, table_name from duckdb_tables() "
                f"where database_name = {quote_text(PUBLISHED)}"
            ).fetchall()
        }

    def build(self, name: str) -> None:
        """Create a view, or its replacement, after everything that it reads."""
        if name in self.built:
            return
        self.built.add(name)
        if name in self._rewrites:
            self._build_inputs(self._rewrites[name])
            self._create(WAREHOUSE, name, self._rewrites[name])
        else:
            self._create(WAREHOUSE, name, self._published_query(name))

    def _build_original(self, name: str) -> None:
        """Create a table or view as published; what a view reads may still be replaced."""
        if name not in self._originals:
            self._originals.add(name)
            self._create(ORIGINAL, name, self._published_query(name))

    def _published_query(self, name: str) -> str:
        """Return the query for a table or view as published."""
        if name in self._tables:
            schema, _, table = name.partition(".")
            return f"select * from {PUBLISHED}.{quote_name(schema)}.{quote_name(table)}"
        if name not in self._views:
            raise DataError(f"the published warehouse has no {name}. Run `shopwright build` first")
        query = _view_query(self._views[name])
        self._build_inputs(query)
        return query

    def _build_inputs(self, query: str) -> None:
        """Create everything that a query reads."""
        for database, schema, table in referenced_tables(self._connection, query):
            if database in ("", WAREHOUSE):
                self.build(f"{schema}.{table}")
            elif database == ORIGINAL and schema != EXTRA_SCHEMA:
                self._build_original(f"{schema}.{table}")

    def _create(self, database: str, name: str, query: str) -> None:
        schema, _, table = name.partition(".")
        self._connection.execute(f"create schema if not exists {database}.{quote_name(schema)}")
        self._connection.execute(
            f"create view {database}.{quote_name(schema)}.{quote_name(table)} as {query}"
        )


def referenced_tables(connection: Connection, query: str) -> list[tuple[str, str, str]]:
    """Return the tables and views that a query reads, by DuckDB's own parser, in order of appearance.

    Args:
        connection: any; the query is parsed and not run, so its tables need not exist.
        query: one ``select`` statement.

    Returns:
        Database (empty if not stated), schema and name, without duplicates. References without a schema, which are those
        to the query's own common table expressions, are left out.

    Raises:
        DataError: DuckDB cannot take the query apart. A reference that is overlooked would be a table that nobody
            rewrites, so nothing is guessed.

    Example:
        >>> with connect() as connection:
        ...     referenced_tables(
        ...         connection, "with a as (from warehouse.gold.b) from a join silver.c using (d)"
        ...     )
        [('warehouse', 'gold', 'b'), ('', 'silver', 'c')]
    """
    row = connection.execute("select json_serialize_sql(?)", [query]).fetchone()
    tree = json.loads(row[0]) if row else {"error": True}
    if tree.get("error"):
        raise DataError(f"cannot take a view's query apart: {tree.get('error_message', 'no answer')}")
    return list(dict.fromkeys(_base_tables(tree)))


def _base_tables(node: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE" and node["schema_name"]:
            yield node["catalog_name"], node["schema_name"], node["table_name"]
        for child in node.values():
            yield from _base_tables(child)
    elif isinstance(node, list):
        for child in node:
            yield from _base_tables(child)


def _view_query(sql: str) -> str:
    """Return what follows the first ``AS`` of ``CREATE VIEW name AS ...``, as DuckDB prints it; dbt's views list no columns."""
    return sql.partition(" AS ")[2].rstrip().rstrip(";")
