"""``shopwright status``: where a shop stands."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from shopwright.cli.output import (
    DEFAULT_PROJECT,
    JsonOption,
    ProjectOption,
    print_json,
    stdout_console,
    table,
)
from shopwright.core.engine import connect
from shopwright.ingest.fingerprint import ChangedSource, find_changed_sources
from shopwright.ingest.ledger import LedgerIndex, LedgerRow, read_ledger
from shopwright.ingest.quarantine import count_open
from shopwright.ingest.segments import count_pending_segments
from shopwright.lake.delta import Lake, read_sql
from shopwright.settings import Project, load_project
from shopwright.simulate.effects import MarkedEvents, count_marked_events
from shopwright.warehouse.build import batches_behind, due_reason
from shopwright.warehouse.failures import FailedBuild, read_failed_build
from shopwright.warehouse.row_counts import count_rows


def command(project: ProjectOption = DEFAULT_PROJECT, as_json: JsonOption = False) -> None:
    """Show what is in the lake, collected, in quarantine and published, and whether a build is due.

    Example:
        shopwright status --project my-shop
    """
    loaded = load_project(project)
    with connect() as connection:
        lake = Lake(loaded.lake)
        ledger = read_ledger(connection, lake)
        marked = count_marked_events(
            connection, read_sql("events", [file.path for file in lake.files("events")])
        )
    document = {
        "project": str(loaded.root),
        "sources": _sources(ledger),
        "changed_sources": find_changed_sources(loaded, LedgerIndex(ledger)),
        "simulated_effects": marked,
        "collector_waiting": count_pending_segments(loaded, LedgerIndex(ledger)),
        "quarantine_open": sum(item.rows for item in count_open(loaded)),
        "published": _published(loaded),
        "failed_build": read_failed_build(loaded),
    }
    if as_json:
        print_json(document)
        return
    _show(loaded, document)


def _sources(ledger: list[LedgerRow]) -> list[dict[str, Any]]:
    grouped = defaultdict[tuple[str, str], list[LedgerRow]](list)
    for row in ledger:
        grouped[row.source, row.entity].append(row)
    return [
        {
            "source": source,
            "entity": entity,
            "files": len({row.file for row in rows if row.outcome in ("loaded", "empty", "identical")}),
            "failed": len({row.file for row in rows if row.outcome == "failed"}),
            "rows_accepted": sum(row.rows_accepted for row in rows),
            "last_at": max((row.last_at for row in rows if row.last_at), default=None),
            "ingested_at": max(row.ingested_at for row in rows),
        }
        for (source, entity), rows in sorted(grouped.items())
    ]


def _published(project: Project) -> dict[str, Any] | None:
    if not project.published.exists():
        return None
    at = datetime.fromtimestamp(project.published.stat().st_mtime, UTC).replace(tzinfo=None, microsecond=0)
    return {
        "at": at,
        "batches_behind": batches_behind(project),
        "due": due_reason(project),
        "tables": count_rows(project),
    }


def _show(project: Project, document: dict[str, Any]) -> None:
    console = stdout_console()
    if not document["sources"]:
        console.print(f"{project.root}: nothing in the lake yet; next: shopwright run")
        return
    columns = ("source", "entity", "files", "failed", "rows_accepted", "last_at", "ingested_at")
    rows = [[item[name] for name in columns] for item in document["sources"]]
    console.print(table("In the lake (times in UTC)", columns, rows))
    changed_sources: list[ChangedSource] = document["changed_sources"]
    for changed in changed_sources:
        console.print(f"\nNote: {changed.message}", markup=False)
    marked: list[MarkedEvents] = document["simulated_effects"]
    for effect in marked:
        console.print(
            f"\nSimulated data: {effect.marked:,} events carry a simulated effect ({effect.effect}), "
            f"{effect.changed:,} of them changed to purchases",
            markup=False,
        )
    if collected := document["collector_waiting"]:
        console.print(
            f"\nCollected and not yet ingested: {collected.segments:,} segment(s), {collected.size_bytes:,} bytes"
        )
    console.print(f"\nIn quarantine: {document['quarantine_open']:,} rows")
    failed_build: FailedBuild | None = document["failed_build"]
    if failed_build:
        console.print(f"Last build failed at {failed_build.at} UTC: {failed_build.message}", markup=False)
    published = document["published"]
    if published is None:
        console.print("Published: nothing yet; next: shopwright build")
        return
    behind = published["batches_behind"]
    reason = f"{behind} newer batch(es) in the lake" if behind else published["due"]
    due = f"{reason}; next: shopwright build" if reason else "up to date with the lake"
    console.print(f"Published: {published['at']} UTC, {due}\n")
    console.print(table("Gold tables", ("table", "rows"), published["tables"].items()))
