"""Expressions in SQL that a source's settings state for a column: each is about one row, and evaluates alike every time.

A row that is quarantined and replayed alone must get the value that it would have got within its file. So an expression
may not look beyond its row, nor at the clock, nor at chance. What it may use instead is ``record_number``.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from shopwright.core.engine import EngineError, connect
from shopwright.core.errors import near_match
from shopwright.core.sql import quote_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shopwright.core.engine import Connection
    from shopwright.settings import SourceSettings

RECORD_NUMBER = "record_number"
"""Name under which an expression can use the number of its record: the line it begins on, from 1; in Parquet and JSON
arrays its position, from 1. It is the number that the quarantine shows."""

DOCUMENT = "doc"
"""Name under which an expression over JSON uses the whole record."""

_CLOCK = {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"}
"""Words that read the clock and are written like columns."""

_UNNEST = {"unnest", "unlist", "regexp_split_to_table", "generate_subscripts"}


def uses_record_number(expressions: Iterable[str | None]) -> bool:
    """Return whether one of the expressions may use the number of its record.

    Example:
        >>> uses_record_number(["lower(email)", "order_id || '-' || RECORD_NUMBER"])
        True
    """
    return any(re.search(rf"\b{RECORD_NUMBER}\b", text or "", re.IGNORECASE) for text in expressions)


def refused_expressions(source: SourceSettings) -> list[str]:
    """Return what is wrong with the expressions of a source, one line each, before any file is read.

    Example:
        >>> from shopwright.settings import SourceSettings
        >>> mapping = {"user_id": {"sql": "lowr(email)"}}
        >>> source = SourceSettings(name="clicks", adapter="mapped", path="raw", map=mapping)
        >>> refused_expressions(source)
        ["source 'clicks', column 'user_id': `lowr(email)`: there is no function 'lowr'; did you mean 'lower'?"]
    """
    problems = ((name, item.sql, _problem(item.sql)) for name, item in source.map.items() if item.sql)
    return [describe(source.name, name, sql, problem) for name, sql, problem in problems if problem]


def describe(source: str, column: str, sql: str, problem: str) -> str:
    """Return one line that names source, column and expression."""
    return f"source '{source}', column '{column}': `{' '.join(sql.split())}`: {problem}"


def binding_problem(connection: Connection, sql: str, columns: dict[str, str]) -> str | None:
    """Return why an expression cannot be evaluated over columns of these SQL types; None where it can."""
    values = ", ".join(f"null::{sql_type} as {quote_name(name)}" for name, sql_type in columns.items())
    try:
        connection.execute(f"explain select ({sql}\n)::varchar from (select {values or 'null as nothing'})")
    except EngineError as error:
        return str(error).splitlines()[0]
    return None


def _problem(sql: str) -> str | None:
    with connect() as connection:
        fetched = connection.execute(
            "select json_serialize_sql($sql)", {"sql": f"select (\n{sql}\n)"}
        ).fetchone()
        parsed = json.loads(fetched[0]) if fetched else {}
        if parsed.get("error"):
            return f"{parsed['error_message']}"
        select = parsed["statements"][0]["node"]
        if len(select["select_list"]) != 1 or select["from_table"]["type"] != "EMPTY":
            return "is not one expression"
        nodes = list(_nodes(select["select_list"][0]))
        return _beyond_row(nodes) or _unknown_function(nodes) or _does_not_bind(connection, sql, nodes)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every node of a parsed expression."""
    if isinstance(value, dict):
        if "class" in value:
            yield value
        for item in value.values():
            yield from _nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nodes(item)


def _beyond_row(nodes: list[dict[str, Any]]) -> str | None:
    """Return what an expression looks at beside its row; None where nothing."""
    return next((problem for node in nodes if (problem := _node_problem(node))), None)


def _node_problem(node: dict[str, Any]) -> str | None:
    name = str(node.get("function_name", "") or [*node.get("column_names", []), ""][0]).lower()
    problem = None
    match node["class"]:
        case "WINDOW":
            problem = f"the window function '{name}' looks beyond its row; `{RECORD_NUMBER}` numbers records"
        case "SUBQUERY":
            problem = "a subquery looks beyond its row"
        case "PARAMETER":
            problem = "a parameter has no value"
        case "FUNCTION" if name in _UNNEST:
            problem = f"'{name}' makes several rows of one, and none of an empty list"
        case "FUNCTION" if name == "getvariable":  # one holds the key of hashed values
            problem = f"'{name}' looks beyond its row"
        case "FUNCTION" if name in _functions("aggregate"):
            problem = f"the aggregate '{name}' looks beyond its row"
        case "FUNCTION" if name in _functions("volatile"):
            problem = f"'{name}' has another value each time"
        case "COLUMN_REF" if name in _CLOCK:
            problem = f"'{name}' has another value each time"
    return problem


def _unknown_function(nodes: list[dict[str, Any]]) -> str | None:
    for node in nodes:
        name = str(node.get("function_name", "")).lower()
        if node["class"] == "FUNCTION" and not node["is_operator"] and name not in _functions("all"):
            return f"there is no function '{name}'{near_match(name, _functions('all'))}"
    return None


def _does_not_bind(connection: Connection, sql: str, nodes: list[dict[str, Any]]) -> str | None:
    """Return why an expression is wrong whatever the file's columns are, which are all text."""
    references = [node["column_names"] for node in nodes if node["class"] == "COLUMN_REF"]
    if any(len(names) > 1 for names in references):
        return None
    columns = {names[0]: "varchar" for names in references}
    columns |= {name: "bigint" for name in columns if name.lower() == RECORD_NUMBER}
    problem = binding_problem(connection, sql, columns)
    if problem and DOCUMENT in columns:
        problem = binding_problem(connection, sql, columns | {DOCUMENT: "json"})
    return problem


@cache
def _functions(kind: str) -> frozenset[str]:
    """Return names of functions: ``all``, ``aggregate`` (and nothing else) or ``volatile``."""
    with connect() as connection:
        rows = connection.execute(
            "select lower(function_name), function_type, stability, coalesce(macro_definition, '') "
            "from duckdb_functions()"
        ).fetchall()
    scalars = {name for name, function_type, _, _ in rows if function_type == "scalar"}
    aggregates = {name for name, function_type, _, _ in rows if function_type == "aggregate"} - scalars
    volatile = {name for name, _, stability, _ in rows if stability not in (None, "CONSISTENT")}
    for name, function_type, _, definition in rows:
        called = set(re.findall(r"(\w+)\(", definition)) if function_type == "macro" else set()
        if called & aggregates:
            aggregates.add(name)
        if called & volatile or any(word in definition for word in _CLOCK):
            volatile.add(name)
    by_kind = {
        "all": {name for name, _, _, _ in rows} | _UNNEST,
        "aggregate": aggregates,
        "volatile": volatile - {"error"},
    }
    return frozenset(by_kind[kind])
