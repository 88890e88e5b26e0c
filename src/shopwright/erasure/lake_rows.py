"""Erased people leave the lake: parts with rows of theirs are written again without them, in one commit."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shopwright.contracts import ENTITIES
from shopwright.contracts.schema import Kind
from shopwright.core.errors import ConfigurationError
from shopwright.core.sql import quote_list, quote_name, quote_text
from shopwright.ingest.adapters import find_adapter
from shopwright.ingest.files import data_name
from shopwright.ingest.ledger import ledger_files, read_ledger, write_ledger
from shopwright.ingest.notes import ERASED_ROWS
from shopwright.ingest.segments import COLLECTOR_SOURCE, all_sources
from shopwright.ingest.tombstones import matcher_for, redactor_for
from shopwright.lake.delta import AddedFile, Intent, Lake, LakeFile, write_parquet
from shopwright.tombstones import TextMatcher, is_erased, row_condition, scope_of
from shopwright.tombstones.book import DEVICE_TIME, ORDER, PERSON

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shopwright.contracts import Column, Entity
    from shopwright.core.engine import Connection
    from shopwright.erasure.segments import RewrittenSegment
    from shopwright.ingest.ledger import LedgerRow
    from shopwright.settings import Project
    from shopwright.tombstones import RowScope, Tombstones


@dataclass(slots=True)
class LakeErasure:
    """What left the lake."""

    rows: Counter[str] = field(default_factory=Counter)
    """Rows by table."""
    old_files: list[Path] = field(default_factory=list)
    """Files that the tables lost; they are still on disk."""
    sources: set[str] = field(default_factory=set)
    """Files of the sources that the rows came from, by their names in the ledger."""


def erase_from_lake(
    project: Project,
    connection: Connection,
    lake: Lake,
    tombstones: Tombstones,
    *,
    segments: Iterable[RewrittenSegment] = (),
) -> LakeErasure:
    """Remove all rows and quarantined records of erased people in one commit. The caller holds the project's lock.

    Args:
        project: the shop.
        connection: an engine that knows the tombstones.
        lake: the lake, without interrupted commits.
        tombstones: who was erased.
        segments: collected segments that are about to be replaced; the ledger gets their new identity.
    """
    scope = scope_of(tombstones)
    result = LakeErasure()
    if scope is None:
        return result
    intent = Intent(lake.sequence() + 1)
    accepted, quarantined = Counter[int](), Counter[int]()
    for entity in ENTITIES:
        _erase_entity(connection, lake, entity, scope, intent, counts=accepted, result=result)
    ledger = read_ledger(connection, lake)
    _erase_quarantine(
        project, connection, lake, tombstones, intent, ledger, counts=quarantined, result=result
    )
    by_name = {segment.file.name: segment for segment in segments}
    redact = redactor_for(project, tombstones)
    adjusted = {
        row.batch_seq: redact(
            _adjust(row, accepted[row.batch_seq], quarantined[row.batch_seq], by_name.get(_segment_name(row)))
        )
        for row in ledger
    }
    changed_rows = {
        row.batch_seq: adjusted[row.batch_seq] for row in ledger if adjusted[row.batch_seq] != row
    }
    result.sources = {
        row.file
        for row in changed_rows.values()
        if accepted[row.batch_seq] + quarantined[row.batch_seq] and row.source != COLLECTOR_SOURCE.name
    }
    if changed_rows:
        _rewrite_ledger(connection, lake, intent, ledger, changed_rows, result)
        lake.commit(intent)
    return result


def _erase_entity(
    connection: Connection,
    lake: Lake,
    entity: Entity,
    scope: RowScope,
    intent: Intent,
    *,
    counts: Counter[int],
    result: LakeErasure,
) -> None:
    files = {file.path: file for file in lake.files(entity.name)}
    if not files:
        return
    _collect_ids(connection, entity, list(files))
    condition = _condition(connection, entity, _scan(files), scope)
    if condition is None:
        return
    hits = connection.execute(
        f"select filename, _batch_seq, count(*) from {_scan(files)} where {condition} group by all"
    ).fetchall()
    for _, batch, rows in hits:
        counts[int(batch)] += rows
        result.rows[entity.name] += rows
    paths = {str(name) for name, _, _ in hits}
    for file in (item for item in files.values() if str(item.path) in paths):
        new_file = _rewrite(connection, lake, entity, file, scope, sequence=intent.sequence)
        intent.remove(entity.name, [file.path.name])
        result.old_files.append(file.path)
        if new_file:
            intent.add(entity.name, new_file)


def _scan(files: Iterable[Path]) -> str:
    paths = quote_list([str(path) for path in files])
    return f"read_parquet({paths}, union_by_name = true, filename = true)"


def _stored_columns(connection: Connection, entity: Entity, source: str) -> list[Column]:
    """Return the columns of an entity that a file has, or some file of several."""
    described = connection.execute(f"describe select * from {source}").fetchall()
    stored = {str(row[0]) for row in described}
    return [column for column in entity.stored_columns if column.name in stored]


def _condition(connection: Connection, entity: Entity, source: str, scope: RowScope) -> str | None:
    """Return SQL of whether a row of a file is erased, by the tables of ``_collect_ids``."""
    return row_condition(
        entity,
        [column.name for column in _stored_columns(connection, entity, source)],
        scope,
        person=lambda value: f"{value} in (select id from erased_people)",
        order=lambda value: f"{value} in (select id from erased_orders)",
        device_time=lambda value: is_erased(value, DEVICE_TIME),
    )


def _collect_ids(connection: Connection, entity: Entity, files: list[Path]) -> None:
    """Put the ids in a table's files that have a tombstone into tables.

    Hashing each distinct id once is many times faster than hashing those of each row.
    """
    columns = _stored_columns(connection, entity, _scan(files))
    id_columns = [column.name for column in columns if column.kind is Kind.PERSON_ID]
    orders = [column.name for column in columns if column.kind is Kind.ORDER_ID]
    _collect(connection, "erased_people", id_columns, files, kind=PERSON)
    _collect(connection, "erased_orders", orders, files, kind=ORDER)


def _collect(connection: Connection, table: str, columns: list[str], files: list[Path], *, kind: str) -> None:
    """Put the values of columns that have a tombstone into a table."""
    connection.execute(f"create or replace temp table {table} (id varchar)")
    for name in columns:
        connection.execute(
            f"insert into {table} select id from (select distinct {quote_name(name)} as id from {_scan(files)}) "
            f"where {is_erased('id', kind)}"
        )


def _rewrite(
    connection: Connection, lake: Lake, entity: Entity, file: LakeFile, scope: RowScope, *, sequence: int
) -> AddedFile | None:
    """Write a part again without erased rows, in the same order; return None where no row is left."""
    target = lake.new_file(entity.name, sequence)
    source = f"read_parquet({quote_text(str(file.path))})"
    condition = _condition(connection, entity, source, scope)
    batches = connection.execute(
        f"select min(_batch_seq), max(_batch_seq) from {source} where not ({condition})"
    ).fetchone()
    # the columns of this file alone: what another file has and this one lacks stays null
    written = write_parquet(connection, f"select * from {source} where not ({condition})", target)
    if not written.rows or batches is None:
        target.unlink()
        return None
    return replace(
        written,
        # the bounds of the file before: wider than needed, and true
        first_at=_iso(file.first_at),
        last_at=_iso(file.last_at),
        batch_seq=batches[0] if batches[0] == batches[1] else None,
    )


def _iso(timestamp: object) -> str | None:
    return f"{timestamp.isoformat(timespec='microseconds')}Z" if timestamp else None  # type: ignore[attr-defined]  # a datetime


def _erase_quarantine(
    project: Project,
    connection: Connection,
    lake: Lake,
    tombstones: Tombstones,
    intent: Intent,
    ledger: list[LedgerRow],
    *,
    counts: Counter[int],
    result: LakeErasure,
) -> None:
    by_batch = {row.batch_id: row for row in ledger}
    matchers: dict[tuple[str, str, tuple[str, ...]], TextMatcher] = {}
    for file in lake.files("quarantine"):
        rows = connection.execute(
            f"select quarantine_id, batch_seq, batch_id, source, file, raw from read_parquet({quote_text(str(file.path))})"
        ).fetchall()
        ids = []
        for quarantine_id, batch, batch_id, source, label, raw in rows:
            columns = by_batch[batch_id].column_names if batch_id in by_batch else ()
            key = (source, data_name(label), columns)
            if key not in matchers:
                matchers[key] = record_matcher(project, tombstones, source, label, columns)
            if matchers[key].names_erased(raw or ""):
                ids.append(quarantine_id)
                counts[int(batch)] += 1
        if not ids:
            continue
        result.rows["quarantine"] += len(ids)
        result.old_files.append(file.path)
        intent.remove("quarantine", [file.path.name])
        if len(ids) < len(rows):
            target = lake.new_file("quarantine", intent.sequence)
            connection.execute("create or replace temp table erased_records (id varchar)")
            connection.execute("insert into erased_records select unnest($ids::varchar[])", {"ids": ids})
            written = write_parquet(
                connection,
                f"select * from read_parquet({quote_text(str(file.path))}) "
                "where quarantine_id not in (select id from erased_records)",
                target,
            )
            batches = {int(row[1]) for row in rows if row[0] not in set(ids)}
            intent.add("quarantine", replace(written, batch_seq=batches.pop() if len(batches) == 1 else None))


def record_matcher(
    project: Project, tombstones: Tombstones, source: str, label: str, columns: tuple[str, ...]
) -> TextMatcher:
    """Return what finds people in the quarantined records of a file.

    Args:
        project: the shop.
        tombstones: who is to be found.
        source: name of its source; of one that is gone all columns count, since nobody knows which name people.
        label: the file's name in the ledger.
        columns: its columns, where it is delimited.
    """
    settings = next((item for item in all_sources(project) if item.name == source), None)
    try:
        if settings is not None:
            mapping = find_adapter(settings.adapter).mapping_for(settings, data_name(label))
            return matcher_for(mapping, tombstones, project=project, columns=columns)
    except ConfigurationError:
        pass  # settings of today no longer fit the file
    return TextMatcher(tombstones, frozenset(columns), columns)


def _segment_name(row: LedgerRow) -> str:
    """Return the name of the segment of collected events that a ledger row is about; empty for other files."""
    return row.file.rpartition("/")[2] if row.source == COLLECTOR_SOURCE.name else ""


def _adjust(row: LedgerRow, accepted: int, quarantined: int, segment: RewrittenSegment | None) -> LedgerRow:
    """Return a ledger row that counts erased rows as ignored, with the identity of its segment of today."""
    erased = accepted + quarantined
    notes = json.loads(row.notes or "{}")
    if erased:
        notes[ERASED_ROWS] = {"somebody": notes.get(ERASED_ROWS, {}).get("somebody", 0) + erased}
    adjusted = replace(
        row,
        rows_accepted=row.rows_accepted - accepted,
        rows_quarantined=row.rows_quarantined - quarantined,
        rows_ignored=row.rows_ignored + erased,
        notes=json.dumps(notes) if notes else None,
    )
    if segment:
        return replace(
            adjusted, size_bytes=segment.size, modified_ns=segment.modified_ns, sha256=segment.sha256
        )
    return adjusted


def _rewrite_ledger(
    connection: Connection,
    lake: Lake,
    intent: Intent,
    ledger: list[LedgerRow],
    changed_rows: dict[int, LedgerRow],
    result: LakeErasure,
) -> None:
    files = ledger_files(connection, lake)
    affected = {name: batches for name, batches in files.items() if batches & changed_rows.keys()}
    batches = set().union(*affected.values())
    rows = [changed_rows.get(row.batch_seq, row) for row in ledger if row.batch_seq in batches]
    intent.add("ledger", write_ledger(connection, lake, rows, intent.sequence))
    intent.remove("ledger", affected)
    result.old_files += [lake.folder("ledger") / name for name in affected]
