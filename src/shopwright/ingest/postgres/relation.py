"""A table or query to be read: its columns, and the statements that read it from a watermark on."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.core.errors import SourceFileError, near_match
from shopwright.core.sql import quote_name, quote_text
from shopwright.ingest.adapters.postgres import NULL

if TYPE_CHECKING:
    from psycopg import Connection

    from shopwright.settings import SourceSettings

TIMES = ("date", "timestamp", "timestamptz")
ORDERED = (*TIMES, "int2", "int4", "int8", "float4", "float8", "numeric", "oid", "text", "varchar", "uuid")
"""Types of columns that can be watermarks, since their values order rows from old to new."""

_AS_JSON = ("A", "C")
_UNDEFINED_TABLE = "42P01"


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """One column of a relation."""

    name: str
    type: str
    """Name of the server's type, such as ``timestamptz``."""
    category: str
    """The server's category of types: ``A`` arrays, ``B`` booleans, ``C`` composites ..."""

    @property
    def text(self) -> str:
        """SQL of the value as it is written: arrays and composites as JSON, all others as their own text."""
        name = f"source.{quote_name(self.name)}"
        if self.category in _AS_JSON:
            return f"to_json({name})::text"
        if self.type == "bool":
            return f"{name}::text"  # true and false; without the cast it would be t and f
        if self.type == "money":
            return f"{name}::numeric"  # the text of money depends on the server's locale
        return name


@dataclass(frozen=True, slots=True)
class Pass:
    """One statement, and whether its rows are sorted by the watermark."""

    statement: str
    is_ordered: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or query as the server describes it."""

    sql: str
    columns: tuple[SourceColumn, ...]
    watermark: SourceColumn | None

    @property
    def header(self) -> bytes:
        """The line of column names."""
        quoted = ",".join(quote_name(column.name) for column in self.columns)
        return quoted.encode() + b"\n"

    def passes(self, source: SourceSettings, last: str | None) -> list[Pass]:
        """Return statements that together read every row that may be new.

        Rows without a watermark, and those whose watermark is ahead of the server's clock, are read every time:
        neither says where the next run can start.

        Args:
            source: its settings.
            last: greatest watermark loaded so far; None reads everything.
        """
        if self.watermark is None:
            return [Pass(self._copy(""), is_ordered=False)]
        name = f"source.{quote_name(self.watermark.name)}"
        start = f"{name} >= {self._start(source, last)}" if last is not None else f"{name} is not null"
        ready, late = start, f"{name} is null"
        if self.watermark.type in TIMES:
            clock = _clock(self.watermark, source.timezone)
            ready, late = f"{start} and {name} <= {clock}", f"{late} or {name} > {clock}"
        return [
            Pass(self._copy(f"where {ready} order by {name}"), is_ordered=True),
            Pass(self._copy(f"where {late}"), is_ordered=False),
        ]

    def _start(self, source: SourceSettings, last: str | None) -> str:
        column = self.watermark
        if column is None or last is None:
            raise ValueError("there is no watermark to start from")
        value = quote_text(last)
        if column.type not in TIMES or not source.lookback_seconds:
            return f"{value}::{column.type}"
        return f"{value}::{column.type} - interval '{source.lookback_seconds} seconds'"

    def _copy(self, clauses: str) -> str:
        columns = ", ".join(column.text for column in self.columns)
        # with a single column, an empty text would be an empty line, which readers skip
        quotes = ", force_quote *" if len(self.columns) == 1 else ""
        return (
            f"copy (select {columns} from {self.sql} as source {clauses}) "
            f"to stdout (format csv, null {quote_text(NULL)}{quotes})"
        )


def _clock(column: SourceColumn, zone: str) -> str:
    """Return SQL of the server's time in the column's type; columns without a zone are in the source's."""
    return "now()" if column.type == "timestamptz" else f"(now() at time zone {quote_text(zone)})"


def source_label(source: SourceSettings) -> str:
    """Return the name of the source's rows in the ledger: the table, or a query by its hash, and the watermark.

    After a change of table, query or watermark column the label is another one, so everything is read again.
    """
    name = source.table or f"query {hashlib.sha256(str(source.query).encode()).hexdigest()[:8]}"
    return f"{name} by {source.watermark}" if source.watermark else name


def describe(connection: Connection, source: SourceSettings) -> Relation:
    """Ask the server for the columns of the source's table or query.

    Raises:
        SourceFileError: there is no such table or column; the message suggests a similar name.
        psycopg.Error: any other error of the server.
    """
    sql = _table(source.table) if source.table else _derived(str(source.query))
    columns = _columns(connection, source, sql)
    if source.watermark is None:
        return Relation(sql, columns, None)
    by_name = {column.name: column for column in columns}
    if source.watermark not in by_name:
        raise SourceFileError(
            source_label(source),
            f"watermark column '{source.watermark}' is missing{near_match(source.watermark, by_name)} "
            f"(available: {', '.join(by_name)})",
        )
    watermark = by_name[source.watermark]
    if watermark.type not in ORDERED:
        raise SourceFileError(
            source_label(source),
            f"watermark column '{watermark.name}' is of type {watermark.type}, which does not order rows from old "
            f"to new; choose a column of type {', '.join(ORDERED)}",
        )
    return Relation(sql, columns, watermark)


def _derived(query: str) -> str:
    return f"({query.rstrip().rstrip(';')}\n)"  # on a line of its own: the query may end in a comment


def _table(name: str) -> str:
    return ".".join(quote_name(part) for part in name.split(".", maxsplit=1))


def _columns(connection: Connection, source: SourceSettings, sql: str) -> tuple[SourceColumn, ...]:
    statement = f"select * from {sql} as source limit 0"
    try:
        # prepared, since the protocol then accepts a single statement: nothing can be appended to a query
        cursor = connection.execute(statement.encode(), prepare=True)
    except Exception as error:
        if source.table and getattr(error, "sqlstate", None) == _UNDEFINED_TABLE:
            connection.rollback()
            raise SourceFileError(source_label(source), _no_table(connection, source.table)) from None
        raise
    described = [(column.name, column.type_code) for column in cursor.description or ()]
    rows = connection.execute(
        "select oid, typname, typcategory from pg_catalog.pg_type where oid = any(%s::oid[])",
        ([code for _, code in described],),
    ).fetchall()
    types = {oid: (str(name), str(category)) for oid, name, category in rows}
    counts = Counter(name.lower() for name, _ in described)
    for name, _ in described:
        if counts[name.lower()] > 1:
            raise SourceFileError(source_label(source), f"column '{name}' appears twice; rename one of them")
    return tuple(SourceColumn(name, *types[code]) for name, code in described)


def _no_table(connection: Connection, name: str) -> str:
    rows = connection.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_schema not in ('pg_catalog', 'information_schema') order by 1, 2"
    ).fetchall()
    tables = [f"{schema}.{table}" if "." in name else str(table) for schema, table in rows]
    return f"no table '{name}' that the database user can read{near_match(name, tables)}"
