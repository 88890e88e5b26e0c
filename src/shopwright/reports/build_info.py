"""Facts about the published build: its settings, and which tables hold rows."""

from __future__ import annotations

from shopwright.core.engine import Connection, SchemaError
from shopwright.core.errors import ConfigurationError


def build_settings(connection: Connection) -> dict[str, str]:
    """Return the settings of the published build, such as ``shop_timezone``.

    Raises:
        ConfigurationError: no complete build is published.
    """
    row = connection.execute("select settings from meta.builds order by build_no desc limit 1").fetchone()
    if row is None:
        raise ConfigurationError("no complete build is published. Run `shopwright build`")
    pairs = (pair.partition("=") for pair in str(row[0]).split(";"))
    return {name: value for name, _, value in pairs}


def has_rows(connection: Connection, table: str, condition: str = "true") -> bool:
    """Return whether gold has a table or view of this name with a row that meets a condition."""
    try:
        row = connection.execute(f"select 1 from gold.{table} where {condition} limit 1").fetchone()
    except SchemaError:  # the shop has no such table
        return False
    return row is not None


def states_orders(connection: Connection) -> bool:
    """Return whether the shop has orders of its own; else they are derived from purchase events.

    Raises:
        ConfigurationError: no complete build is published.
    """
    return build_settings(connection).get("orders", "").startswith("stated")
