"""The tables that a query reads, by DuckDB's own parser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shopwright.core.engine import connect
from shopwright.core.errors import DataError
from shopwright.models.replay import referenced_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database: queries are parsed, never run."""
    with connect() as database:
        yield database


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        ('select * from "warehouse"."silver"."a"', ["warehouse.silver.a"]),
        ("with a as (from warehouse.silver.b) from a", ["warehouse.silver.b"]),
        (
            "from original.silver.a union all by name from warehouse.gold.b",
            ["original.silver.a", "warehouse.gold.b"],
        ),
        ("select (select max(x) from warehouse.gold.a) as x", ["warehouse.gold.a"]),
        ("select 1 where exists (from warehouse.gold.a)", ["warehouse.gold.a"]),
        (
            "from warehouse.gold.a semi join original.silver.b using (k)",
            ["warehouse.gold.a", "original.silver.b"],
        ),
        ("from range(3) as t, lateral (from warehouse.gold.a) as u", ["warehouse.gold.a"]),
        ("from warehouse.gold.a as one join warehouse.gold.a as two using (k)", ["warehouse.gold.a"]),
        ("from silver.a", [".silver.a"]),
        ("select 'from warehouse.gold.a' as x -- warehouse.gold.b", []),
    ],
)
def test_every_reference_is_found_and_nothing_else(
    connection: duckdb.DuckDBPyConnection, query: str, tables: list[str]
) -> None:
    assert [".".join(table) for table in referenced_tables(connection, query)] == tables


@pytest.mark.parametrize("query", ["selec", "pivot warehouse.gold.a on b using sum(c)"])
def test_a_query_that_cannot_be_taken_apart_is_refused(
    connection: duckdb.DuckDBPyConnection, query: str
) -> None:
    with pytest.raises(DataError, match="cannot take a view's query apart"):
        referenced_tables(connection, query)
