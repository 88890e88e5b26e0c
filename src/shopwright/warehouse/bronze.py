"""Plugin for dbt-duckdb: the lake's tables as views in the schema ``bronze``.

It runs whenever dbt opens the warehouse, so a plain ``dbt build`` reads the same lake as ``shopwright build``. The
views list the files that exist at that time: files loaded during a build belong to the next one.
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
    from shopwright.core.engine import Connection


def create_views(connection: Connection, lake: Path) -> None:
    """Create or replace the view of every lake table; a table without files becomes an empty view."""
    tables = Lake(lake)
    connection.execute("create schema if not exists bronze")
    for name in [*(entity.name for entity in ENTITIES), *TABLES]:
        files = [file.path for file in tables.files(name)]
        connection.execute(f"create or replace view bronze.{quote_name(name)} as {read_sql(name, files)}")


class Plugin(BasePlugin):
    """The plugin, named in the profile as ``shopwright.warehouse.bronze``; its config has the lake's folder."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Remember the lake's folder from the profile; dbt-duckdb calls this once."""
        self._lake = Path(plugin_config["lake"])

    def configure_connection(self, conn: Connection) -> None:
        """Set the time zone and create the views; dbt-duckdb calls this for each new connection."""
        conn.execute("set TimeZone = 'UTC'")
        create_views(conn, self._lake)
