"""Plugin for dbt-duckdb: the lake's tables as views in the schema ``bronze``.

It runs whenever dbt opens the warehouse, so a plain ``dbt build`` reads the same lake as ``shopwright build``. The
views list the files that exist at that time: files loaded during a build belong to the next one.

The published database has the same views. So what no mapping names, ``properties`` and the raw text of quarantined records,
is in none of them unless the shop says ``publish_unmapped``; what the models need of it is computed here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbt.adapters.duckdb.plugins import BasePlugin

from shopwright.contracts import BY_NAME, ENTITIES
from shopwright.core.sql import quote_name
from shopwright.lake.delta import Lake, read_sql
from shopwright.lake.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shopwright.core.engine import Connection

_UNMAPPED = {"quarantine": "raw"} | {
    entity.name: "properties"
    for entity in ENTITIES
    if any(column.name == "properties" for column in entity.stored_columns)
}
"""The column of a table with what no mapping names."""


def _mark(name: str) -> str:
    """Return SQL of a mark of simulated data."""
    # a search of the text costs a tenth of parsing it, and of real events none passes
    value = f"nullif(json_extract_string(properties, '$.{name}'), '')"
    return f"""case when contains(properties, '"simulated_effect"') then {value} end"""


COMPUTED = {
    "events": {column.name: str(column.derived) for column in BY_NAME["events"].derived_columns}
    | {name: _mark(name) for name in ("simulated_effect", "original_event_type")}
}
"""Columns that are computed on read, as SQL over the stored ones; some of them need ``properties``."""


def view_sql(table: str, files: Iterable[Path], *, has_unmapped: bool = False) -> str:
    """Return SQL of the view of a lake table.

    Args:
        table: one of the lake's own tables, or an entity.
        files: Parquet files of the table.
        has_unmapped: whether it has what no mapping names.
    """
    hidden = () if has_unmapped or table not in _UNMAPPED else (f"* exclude ({_UNMAPPED[table]})",)
    computed = (f"{sql} as {quote_name(name)}" for name, sql in COMPUTED.get(table, {}).items())
    return f"select {', '.join([*(hidden or ('*',)), *computed])} from ({read_sql(table, files)})"


def create_views(connection: Connection, lake: Path, *, has_unmapped: bool = False) -> None:
    """Create or replace the view of every lake table; a table without files becomes an empty view.

    Args:
        connection: to the warehouse.
        lake: the lake's folder.
        has_unmapped: whether the views have what no mapping names.
    """
    tables = Lake(lake)
    connection.execute("create schema if not exists bronze")
    for name in [*(entity.name for entity in ENTITIES), *TABLES]:
        sql = view_sql(name, [file.path for file in tables.files(name)], has_unmapped=has_unmapped)
        connection.execute(f"create or replace view bronze.{quote_name(name)} as {sql}")


class Plugin(BasePlugin):
    """The plugin, named in the profile as ``shopwright.warehouse.bronze``; its config has the lake's folder."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Remember what the profile says; dbt-duckdb calls this once."""
        self._lake = Path(plugin_config["lake"])
        self._has_unmapped = bool(plugin_config["publish_unmapped"])

    def configure_connection(self, conn: Connection) -> None:
        """Set the time zone and create the views; dbt-duckdb calls this for each new connection."""
        conn.execute("set TimeZone = 'UTC'")
        create_views(conn, self._lake, has_unmapped=self._has_unmapped)
