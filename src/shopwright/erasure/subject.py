"""What is known of a person, as files that anybody can read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shopwright.contracts import BY_NAME
from shopwright.core.engine import attach_published, connect
from shopwright.core.errors import ConfigurationError
from shopwright.core.lock import exclusive_lock
from shopwright.core.spreadsheets import FORMULA
from shopwright.core.sql import quote_name, quote_text
from shopwright.erasure.identity import LakeTables, find_identity
from shopwright.erasure.lake_rows import record_matcher
from shopwright.ingest.adapters.collector import COLLECTOR
from shopwright.ingest.ledger import read_ledger
from shopwright.ingest.segments import COLLECTOR_SOURCE, Segments
from shopwright.ingest.tombstones import matcher_for
from shopwright.lake.delta import Lake, read_sql
from shopwright.tombstones import Erasure, Tombstones, declare, is_erased, row_condition, scope_of
from shopwright.tombstones.book import DEVICE_TIME, ORDER, PERSON, hash_all

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.core.engine import Connection
    from shopwright.erasure.identity import Identity
    from shopwright.settings import Project

_PUBLISHED_SCHEMAS = ("gold", "snapshots")


def export_subject(project: Project, person: str, out: Path) -> dict[str, int]:
    """Write all rows about a person to a folder, one JSON file and one CSV file a table.

    Rows are found as an erasure finds them, so that what is not in the export is not about the person.

    Args:
        project: the shop.
        person: an id of any source, or an e-mail address.
        out: the folder; it may exist if it is empty.

    Returns:
        Rows by table; only tables with rows.

    Raises:
        BusyError: another process writes to the project.
        ConfigurationError: the folder is not empty, or nothing is known of the person.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigurationError(f"{out} is not empty; name a new folder")
    with exclusive_lock(project.work / "lock", "subject"), connect() as connection:
        identity = find_identity(project, connection, [person])
        marks = _mark(identity)
        declare(connection, marks)
        out.mkdir(parents=True, exist_ok=True)
        counts = _export_lake(project, connection, marks, out)
        counts |= _export_records(project, connection, marks, out)
        counts |= _export_published(project, connection, out)
    if not counts:
        out.rmdir()
        raise ConfigurationError(f"nothing is known of '{person}'; ids are compared as they are written")
    summary = {
        "person": person,
        "ids": sorted(identity.ids),
        "orders": sorted(identity.orders),
        "rows": counts,
    }
    (out / "about.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return counts


def _mark(identity: Identity) -> Tombstones:
    """Return marks of a person that are written nowhere: exports find rows by what erasures find them."""
    blank = Tombstones("export")
    hashes = (
        *hash_all(blank, PERSON, identity.ids),
        *hash_all(blank, ORDER, identity.orders),
        *hash_all(blank, DEVICE_TIME, identity.device_times),
    )
    erasure = Erasure(
        "export", "", 1, hashes, has_emails=bool(identity.emails), has_moments=bool(identity.device_times)
    )
    return blank.with_erasure(erasure)


def _export_lake(project: Project, connection: Connection, marks: Tombstones, out: Path) -> dict[str, int]:
    tables, scope = LakeTables(connection, Lake(project.lake)), scope_of(marks)
    counts: dict[str, int] = {}
    for name, entity in BY_NAME.items():
        if not tables.has(name) or scope is None:
            continue
        condition = row_condition(entity, [column.name for column in entity.stored_columns], scope)
        if condition:
            query = f"select * exclude (_batch_seq, _row_number) from {tables.sql(name)} where {condition}"
            counts |= _write(connection, query, out, f"lake-{name}")
    return counts


def _export_records(project: Project, connection: Connection, marks: Tombstones, out: Path) -> dict[str, int]:
    """Write quarantined records, and collected events on disk."""
    lake = Lake(project.lake)
    files = [file.path for file in lake.files("quarantine")]
    by_batch = {row.batch_id: row for row in read_ledger(connection, lake)}
    records = []
    rows = connection.execute(
        f"select batch_id, source, file, rules, raw from ({read_sql('quarantine', files)})"
    )
    for batch_id, source, label, rules, raw in rows.fetchall():
        columns = by_batch[batch_id].column_names if batch_id in by_batch else ()
        if record_matcher(project, marks, source, label, columns).names_erased(raw or ""):
            records.append({"source": source, "file": label, "rules": rules, "raw": raw})
    matcher = matcher_for(COLLECTOR.mapping_for(COLLECTOR_SOURCE, ""), marks, project=project)
    segments = Segments(project.collector)
    collected = [
        {"segment": file.name, "raw": line}
        for folder in (segments.open, segments.closed)
        for file in sorted(folder.glob("*.jsonl"))
        for line in file.read_text("utf-8", errors="replace").splitlines()
        if matcher.names_erased(line)
    ]
    counts: dict[str, int] = {}
    for name, items in (("quarantine", records), ("collected-events", collected)):
        if items:
            (out / f"{name}.json").write_text(
                json.dumps(items, indent=1, ensure_ascii=False), encoding="utf-8"
            )
            counts[name] = len(items)
    return counts


def _export_published(project: Project, connection: Connection, out: Path) -> dict[str, int]:
    if not project.published.exists():
        return {}
    attach_published(
        connection, project.published, "warehouse"
    )  # views name the database that they were made in
    rows = connection.execute(
        "select table_schema, table_name, list(column_name order by ordinal_position) from information_schema.columns "
        f"where table_catalog = 'warehouse' and table_schema in {_PUBLISHED_SCHEMAS} and data_type = 'VARCHAR' "
        "and column_name in ('user_id', 'visitor_id', 'customer_id', 'person_id', 'unit_id') group by all order by all"
    ).fetchall()
    counts: dict[str, int] = {}
    for schema, table, columns in rows:
        condition = " or ".join(is_erased(quote_name(name)) for name in columns)
        query = f"select * from warehouse.{quote_name(schema)}.{quote_name(table)} where {condition}"
        counts |= _write(connection, query, out, f"{schema}-{table}")
    return counts


def _write(connection: Connection, query: str, out: Path, name: str) -> dict[str, int]:
    """Write the rows of a query as JSON and CSV; return how many there are, nothing where there are none."""
    connection.execute(f"create or replace temp table exported as {query}")
    row = connection.execute("select count(*) from exported").fetchone()
    if not row or not row[0]:
        return {}
    connection.execute(f"copy exported to {quote_text(str(out / f'{name}.json'))} (format json, array true)")
    described = connection.execute("describe exported").fetchall()
    safe = ", ".join(_escaped(str(column[0])) for column in described if column[1] == "VARCHAR")
    cells = f"select * replace ({safe}) from exported" if safe else "select * from exported"
    connection.execute(f"copy ({cells}) to {quote_text(str(out / f'{name}.csv'))} (format csv, header true)")
    return {name: int(row[0])}


def _escaped(name: str) -> str:
    """Return SQL of a column whose texts no spreadsheet runs as formulas."""
    column = quote_name(name)
    return f"case when regexp_matches({column}, {quote_text(FORMULA)}) then chr(39) || {column} else {column} end as {column}"
