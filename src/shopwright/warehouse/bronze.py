"""Plugin for dbt-duckdb: the lake's tables as views in the schema ``bronze``.

It runs whenever dbt opens the warehouse, so a plain ``dbt build`` reads the same lake as ``shopwright build``. The
views name the files that are visible at that moment: what lands during a build belongs to the next one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbt.adapters.duckdb.plugins import BasePlugin

from shopwright.contracts import ENTITIES
from shopwright.core.sql import quote_name
from shopwright.lake.delta import Lake, read_sql
from shopwright.lake.tables import TABLES

if TYPE_CHECKING:
    import duckdb


def create_views(connection: duckdb.DuckDBPyConnection, lake: Path) -> None:
    """Make or renew the view of every lake table; a table without files gives an empty view."""
    tables = Lake(lake)
    connection.execute("create schema if not exists bronze")
    for name in [*(entity.name for entity in ENTITIES), *TABLES]:
        files = [file.path for file in tables.files(name)]
        connection.execute(f"create or replace view bronze.{quote_name(name)} as {read_sql(name, files)}")


class Plugin(BasePlugin):
    """Named in the profile as ``shopwright.warehouse.bronze`` with the lake's folder in its config."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Called once, with the config of the profile."""
        self._lake = Path(plugin_config["lake"])

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Called by dbt-duckdb for each new connection."""
        conn.execute("set TimeZone = 'UTC'")
        create_views(conn, self._lake)
