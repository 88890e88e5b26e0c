"""What a published warehouse says of itself."""

from __future__ import annotations

import duckdb

from shopwright.core.errors import ConfigurationError


def build_settings(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The settings that the published warehouse was built with, such as ``shop_timezone``.

    Raises:
        ConfigurationError: no whole build is recorded.
    """
    fetched = connection.execute("select settings from meta.builds order by build_no desc limit 1").fetchone()
    if fetched is None:
        raise ConfigurationError("no whole build is published; run 'shopwright build'")
    parts = str(fetched[0]).split(";")
    return {name: value for name, _, value in (part.partition("=") for part in parts)}


def has_rows(connection: duckdb.DuckDBPyConnection, name: str, condition: str = "true") -> bool:
    """Whether gold has a table or view of this name with a row that fulfils a condition."""
    try:
        found = connection.execute(f"select 1 from gold.{name} where {condition} limit 1").fetchone()
    except duckdb.CatalogException:  # the shop has no such table
        return False
    return found is not None


def states_orders(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the shop stated its orders; else they come from purchase events.

    Raises:
        ConfigurationError: no whole build is recorded.
    """
    return build_settings(connection).get("orders", "").startswith("stated")
