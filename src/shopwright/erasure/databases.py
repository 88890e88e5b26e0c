"""Erased people leave the warehouse: a new file gets what no build can compute again, and a full build fills it.

Deleting rows would not do: DuckDB keeps freed blocks, with what was in them, in the file.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shopwright.core.engine import EngineError, connect
from shopwright.core.sql import quote_name, quote_text
from shopwright.tombstones import declare, is_erased

if TYPE_CHECKING:
    from shopwright.core.engine import Connection
    from shopwright.settings import Project
    from shopwright.tombstones import Tombstones

RETAINED = "table_schema in ('meta', 'snapshots') or (table_schema = 'gold' and table_name like 'scores\\_%' escape '\\')"
"""Tables that a full build does not compute: its own state, states of profiles, and scores of models."""

UNIT_COUNTS = "select experiment, variant, count(*) from gold.fct_experiment_units where {condition} group by all order by all"


def count_experiment_units(project: Project, tombstones: Tombstones) -> dict[str, dict[str, int]]:
    """Count the units of erased people by experiment and variant, as the published database has them.

    What experiments concluded then rests on them: the counts are retained when the units are gone.
    """
    if not project.published.exists():
        return {}
    counts: dict[str, dict[str, int]] = {}
    try:
        with connect(project.published, read_only=True) as connection:
            declare(connection, tombstones)
            rows = connection.execute(UNIT_COUNTS.format(condition=is_erased("unit_id"))).fetchall()
    except EngineError:  # without experiments there are no units
        return {}
    for experiment, variant, count in rows:
        counts.setdefault(str(experiment), {})[str(variant)] = count
    return counts


def renew_warehouse(project: Project, tombstones: Tombstones) -> Counter[str]:
    """Replace the warehouse by a new file with the retained tables alone, without rows of erased people.

    The next build must be a full one, which it is since the tombstones changed.

    Returns:
        Rows that did not come along, by table.
    """
    removed = Counter[str]()
    if not project.warehouse.exists():
        return removed
    unfinished = project.warehouse.with_suffix(".erasing")
    unfinished.unlink(missing_ok=True)
    try:
        with connect(project.warehouse) as connection:
            connection.execute("checkpoint")  # nothing may stay in a log beside the file
        with connect(unfinished) as connection:
            declare(connection, tombstones)
            connection.execute(f"attach {quote_text(str(project.warehouse))} as old (read_only)")
            for schema, table in _tables(connection):
                if count := _copy(connection, schema, table):
                    removed[f"{schema}.{table}"] = count
            connection.execute("detach old")
            connection.execute("checkpoint")
    except EngineError:
        # a warehouse that cannot be read is made anew, without earlier states of profiles
        unfinished.unlink(missing_ok=True)
        project.warehouse.unlink()
    else:
        unfinished.replace(project.warehouse)
    for leftover in (
        project.warehouse.with_name(f"{project.warehouse.name}.wal"),
        unfinished.with_suffix(".wal"),
    ):
        leftover.unlink(missing_ok=True)
    return removed


def _tables(connection: Connection) -> list[tuple[str, str]]:
    rows = connection.execute(
        "select table_schema, table_name from information_schema.tables "
        f"where table_catalog = 'old' and table_type = 'BASE TABLE' and ({RETAINED}) order by all"
    ).fetchall()
    return [(str(schema), str(table)) for schema, table in rows]


def _copy(connection: Connection, schema: str, table: str) -> int:
    """Copy a table without the rows of erased people; return how many those are."""
    columns = connection.execute(
        "select column_name, data_type, comment from duckdb_columns() where database_name = 'old' "
        "and schema_name = $schema and table_name = $table order by column_index",
        {"schema": schema, "table": table},
    ).fetchall()
    source, target = (f"{prefix}{quote_name(schema)}.{quote_name(table)}" for prefix in ("old.", ""))
    texts = [quote_name(name) for name, kind, _ in columns if kind == "VARCHAR"] if schema != "meta" else []
    erased = " or ".join(map(is_erased, texts)) or "false"
    connection.execute(f"create schema if not exists {quote_name(schema)}")
    connection.execute(f"create table {target} as select * from {source} where not ({erased})")
    for name, _, comment in columns:
        if comment is not None:
            connection.execute(f"comment on column {target}.{quote_name(name)} is {quote_text(comment)}")
    row = connection.execute(
        f"select (select count(*) from {source}) - (select count(*) from {target})"
    ).fetchone()
    return int(row[0]) if row else 0


def clear_traces(project: Project) -> int:
    """Delete what builds and runs leave behind: compiled SQL, results with failing rows, logs, temporary files.

    Returns:
        Number of deleted files.
    """
    folders = [project.work / name for name in ("target", "logs", "staging", "spill", "backup")]
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    files += [project.work / "failed_build.json", project.published.with_suffix(".tmp")]
    # what dbt read of the models' SQL spares the next build ten seconds, and holds no data
    traces = [file for file in files if file.name != "partial_parse.msgpack" and file.exists()]
    for file in traces:
        file.unlink()
    return len(traces)
