"""A warehouse's feature views over other rows: with the future rewritten, or with one visitor's session so far.

The views are taken from the published database as they are and made again in a database in memory that bears the same name;
only the tables at their bottom are exchanged. So there is one definition of a feature, in SQL, for training, for serving and
for the proof that it does not look ahead.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shopwright.core.engine import attach_published, connect
from shopwright.core.errors import DataError
from shopwright.core.sql import quote_name, quote_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import duckdb
    from numpy.typing import NDArray

HOME = "warehouse"
"""Name of the database that the views were made in."""
ORIGINAL = "original"
"""Name of the database that holds what a rewriting starts from."""
FILE = "published"
"""Name of the published database."""
GIVEN = "main"
"""Its schema of tables that do not come from the published database."""
_REFERENCE = re.compile(rf'"?\b({HOME}|{ORIGINAL})"?\."?(\w+)"?\."?(\w+)"?')


@contextmanager
def replay(
    published: Path,
    table: str,
    rewrites: Mapping[str, str],
    *,
    given: Mapping[str, Mapping[str, NDArray[Any]]] | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in which one view is as published, over exchanged tables.

    Args:
        published: the published database.
        table: the view, as ``gold.feat_churn``.
        rewrites: table or view below it, as ``silver.int_sessions``, to the SQL that takes its place; the SQL finds the
            published one under ``original.silver.int_sessions``, and what takes the place of another one under
            ``warehouse.silver.int_sessionized_events``.
        given: further tables that the SQL may ask, under ``original.main.NAME``: column to its values, (rows,).

    Raises:
        ConfigurationError: the published database cannot be read.
        DataError: the database has no such view, or the view does not stand on what is to be rewritten, so that nothing
            would be shown by it.
    """
    with connect() as connection:
        attach_published(connection, published, FILE)
        for name in (HOME, ORIGINAL):
            connection.execute(f"attach ':memory:' as {name}")
        for name, columns in (given or {}).items():
            connection.register("columns", dict(columns))
            connection.execute(f"create table {ORIGINAL}.{GIVEN}.{quote_name(name)} as select * from columns")
            connection.unregister("columns")
        maker = _Maker(connection, rewrites)
        maker.make(table)
        if unreached := sorted(rewrites.keys() - maker.made):
            raise DataError(f"{table} of the published warehouse does not stand on {', '.join(unreached)}")
        connection.execute(f"use {HOME}")
        yield connection


class _Maker:
    """Makes views and what they stand on, each once."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, rewrites: Mapping[str, str]) -> None:
        self._connection = connection
        self._rewrites = rewrites
        self._originals: set[str] = set()
        self.made: set[str] = set()
        """Tables and views that were made so far."""
        self._views = {
            f"{schema}.{name}": str(sql)
            for schema, name, sql in connection.execute(
                "select schema_name, view_name, sql from duckdb_views() "
                f"where database_name = {quote_text(FILE)} and not internal"
            ).fetchall()
        }
        self._tables = {
            f"{schema}.{name}"
            for schema, name in connection.execute(
                "select schema_name, table_name from duckdb_tables() "
                f"where database_name = {quote_text(FILE)}"
            ).fetchall()
        }

    def make(self, name: str) -> None:
        """Make a view, or what takes its place, those below it first."""
        if name in self.made:
            return
        self.made.add(name)
        if name in self._rewrites:
            self._make_below(self._rewrites[name])
            self._create(HOME, name, self._rewrites[name])
        else:
            self._create(HOME, name, self._published(name))

    def _make_original(self, name: str) -> None:
        """Make a table or view as published, though over what was made."""
        if name not in self._originals:
            self._originals.add(name)
            self._create(ORIGINAL, name, self._published(name))

    def _published(self, name: str) -> str:
        """What a table or view holds as published."""
        if name in self._tables:
            schema, _, table = name.partition(".")
            return f"select * from {FILE}.{quote_name(schema)}.{quote_name(table)}"
        if name not in self._views:
            raise DataError(f"the published warehouse has no {name}; run 'shopwright build' first")
        body = _body(self._views[name])
        self._make_below(body)
        return body

    def _make_below(self, body: str) -> None:
        """Make what a body asks."""
        for database, schema, table in dict.fromkeys(_REFERENCE.findall(body)):
            if database == HOME:
                self.make(f"{schema}.{table}")
            elif schema != GIVEN:
                self._make_original(f"{schema}.{table}")

    def _create(self, database: str, name: str, body: str) -> None:
        schema, _, table = name.partition(".")
        self._connection.execute(f"create schema if not exists {database}.{quote_name(schema)}")
        self._connection.execute(f"create view {database}.{quote_name(schema)}.{quote_name(table)} as {body}")


def _body(sql: str) -> str:
    """What comes after the first ``AS`` of ``CREATE VIEW name AS ...``; views of dbt name no columns."""
    return re.split(r"\sAS\s", sql, maxsplit=1, flags=re.IGNORECASE)[1].rstrip().rstrip(";")
