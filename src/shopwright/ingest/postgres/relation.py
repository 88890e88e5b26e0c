"""What is to be read: a table or a query, its columns, and the statements that read it from a watermark on."""

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
"""Types by which rows can be told older from newer."""

_AS_JSON = ("A", "C")
_UNDEFINED_TABLE = "42P01"


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """One column of what is read."""

    name: str
    type: str
    """Name of the server's type, such as ``timestamptz``."""
    category: str
    """The server's own class of types: ``A`` arrays, ``B`` booleans, ``C`` composites ..."""

    @property
    def text(self) -> str:
        """SQL of the value as it is to be written: what has no text of its own as JSON, all else by itself."""
        name = f"source.{quote_name(self.name)}"
        if self.category in _AS_JSON:
            return f"to_json({name})::text"
        if self.type == "bool":
            return f"{name}::text"  # true and false; alone it would be t and f
        if self.type == "money":
            return f"{name}::numeric"  # the type's own text depends on the server's language
        return name


@dataclass(frozen=True, slots=True)
class Pass:
    """One statement, and whether its rows come in the order of the watermark."""

    statement: str
    is_ordered: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or a query that the server knows."""

    sql: str
    columns: tuple[SourceColumn, ...]
    watermark: SourceColumn | None

    @property
    def header(self) -> bytes:
        """The line of column names."""
        quoted = ",".join(quote_name(column.name) for column in self.columns)
        return quoted.encode() + b"\n"

    def passes(self, source: SourceSettings, last: str | None) -> list[Pass]:
        """Statements that together read every row that may be new.

        Rows without a watermark, and those whose watermark lies ahead of the server's clock, are read each time:
        neither says where the next run may begin.

        Args:
            source: its settings.
            last: greatest watermark that was landed before.
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
        # of one column alone, an empty text would be an empty line
        quotes = ", force_quote *" if len(self.columns) == 1 else ""
        return (
            f"copy (select {columns} from {self.sql} as source {clauses}) "
            f"to stdout (format csv, null {quote_text(NULL)}{quotes})"
        )


def _clock(column: SourceColumn, zone: str) -> str:
    """The server's time as the column states times; those without a zone lie in the source's."""
    return "now()" if column.type == "timestamptz" else f"(now() at time zone {quote_text(zone)})"


def source_label(source: SourceSettings) -> str:
    """What the ledger calls the source's rows: the table, or a query by its digest, and the watermark.

    Another table, query or watermark column has another label, and is read from its beginning.
    """
    what = source.table or f"query {hashlib.sha256(str(source.query).encode()).hexdigest()[:8]}"
    return f"{what} by {source.watermark}" if source.watermark else what


def describe(connection: Connection, source: SourceSettings) -> Relation:
    """Ask the server what the source's table or query gives.

    Raises:
        SourceFileError: there is no such table or column; the message names the nearest.
        psycopg.Error: anything else the server objects to.
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
            f"(there are: {', '.join(by_name)})",
        )
    watermark = by_name[source.watermark]
    if watermark.type not in ORDERED:
        raise SourceFileError(
            source_label(source),
            f"watermark column '{watermark.name}' is of type {watermark.type}, which does not tell new rows "
            f"from old; choose one of {', '.join(ORDERED)}",
        )
    return Relation(sql, columns, watermark)


def _derived(query: str) -> str:
    return f"({query.rstrip().rstrip(';')}\n)"  # on a line of its own: the query may end in a comment


def _table(name: str) -> str:
    return ".".join(quote_name(part) for part in name.split(".", maxsplit=1))


def _columns(connection: Connection, source: SourceSettings, sql: str) -> tuple[SourceColumn, ...]:
    statement = f"select * from {sql} as source limit 0"
    try:
        # prepared: the protocol then takes one statement and no second one behind it
        cursor = connection.execute(statement.encode(), prepare=True)
    except Exception as error:
        if source.table and getattr(error, "sqlstate", None) == _UNDEFINED_TABLE:
            connection.rollback()
            raise SourceFileError(source_label(source), _no_table(connection, source.table)) from None
        raise
    described = [(column.name, column.type_code) for column in cursor.description or ()]
    found = connection.execute(
        "select oid, typname, typcategory from pg_catalog.pg_type where oid = any(%s::oid[])",
        ([code for _, code in described],),
    ).fetchall()
    types = {oid: (str(name), str(category)) for oid, name, category in found}
    times = Counter(name.lower() for name, _ in described)
    for name, _ in described:
        if times[name.lower()] > 1:
            raise SourceFileError(
                source_label(source), f"column '{name}' stands twice; give one another name"
            )
    return tuple(SourceColumn(name, *types[code]) for name, code in described)


def _no_table(connection: Connection, name: str) -> str:
    found = connection.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_schema not in ('pg_catalog', 'information_schema') order by 1, 2"
    ).fetchall()
    known = [f"{schema}.{table}" if "." in name else str(table) for schema, table in found]
    return f"no table '{name}' that the user may read{near_match(name, known)}"
