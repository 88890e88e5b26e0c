"""An erasure from start to end: tombstones first, then store after store, and the receipt last.

The tombstones are the to-do record: they say who goes, by hash, and which erasure is not finished. A process may be killed at
any moment; each step finds by the tombstones what is left to do, so that going on is doing it again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shopwright.contracts import BY_NAME
from shopwright.core.errors import ConfigurationError
from shopwright.core.lock import exclusive_lock
from shopwright.core.sql import quote_text
from shopwright.erasure.databases import clear_traces, count_experiment_units, renew_warehouse
from shopwright.erasure.identity import Identity, find_identity, find_inactive
from shopwright.erasure.lake_rows import LakeErasure, erase_from_lake
from shopwright.erasure.leftovers import find_leftovers
from shopwright.erasure.receipts import Receipt, StoreResult, write_receipt
from shopwright.erasure.segments import rewrite_segments
from shopwright.ingest.files import path_of
from shopwright.ingest.loader import workspace
from shopwright.lake.delta import Lake, read_sql
from shopwright.tombstones import (
    Erasure,
    declare,
    load_tombstones,
    new_id,
    row_condition,
    save_tombstones,
    scope_of,
)
from shopwright.tombstones.book import DEVICE_TIME, ORDER, PERSON, hash_all
from shopwright.warehouse.build import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from shopwright.core.engine import Connection
    from shopwright.settings import Project
    from shopwright.tombstones import Tombstones


@dataclass(slots=True)
class ErasureReport:
    """What an erasure did, and what it could not reach."""

    receipt: Receipt
    receipt_file: Path
    sources: list[str] = field(default_factory=list)
    """Files of the sources that still hold the people, as far as they are there."""
    leftovers: list[str] = field(default_factory=list)
    """Files of the project that still hold an id and belong to nobody we know: to be deleted by hand."""
    shared: dict[str, int] = field(default_factory=dict)
    """E-mail addresses that too many customers share to say who somebody is."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What an erasure would do."""

    ids: int
    orders: int
    rows: dict[str, int]
    """Rows of the lake, by table."""
    shared: dict[str, int]


def _utc() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def preview(project: Project, persons: Iterable[str]) -> Preview:
    """Count what erasing people would remove from the lake, without writing anything."""
    with exclusive_lock(project.work / "lock", "forget"), workspace(project) as (connection, _):
        identity = find_identity(project, connection, persons)
        tombstones = load_tombstones(project.tombstones)
        tombstones = tombstones.with_erasure(_erasure("preview", 0, identity, tombstones))
        declare(connection, tombstones)
        rows = count_rows(connection, Lake(project.lake), tombstones)
    return Preview(len(identity.ids), len(identity.orders), rows, identity.shared)


def count_rows(connection: Connection, lake: Lake, tombstones: Tombstones) -> dict[str, int]:
    """Count the rows of erased people that are in the lake, by table."""
    counts = {}
    scope = scope_of(tombstones)
    for name, entity in BY_NAME.items():
        files = [file.path for file in lake.files(name)]
        if not files or scope is None:
            continue
        condition = row_condition(entity, [column.name for column in entity.stored_columns], scope)
        if condition is None:
            continue
        row = connection.execute(
            f"select count(*) from ({read_sql(name, files)}) where {condition}"
        ).fetchone()
        if row and row[0]:
            counts[name] = int(row[0])
    return counts


def forget(
    project: Project,
    persons: Iterable[str] = (),
    *,
    inactive_before: datetime | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> ErasureReport:
    """Remove people everywhere in a project, and see to it that no later file brings them back.

    Args:
        project: the shop.
        persons: ids of users, customers or devices of any source, or e-mail addresses.
        inactive_before: naive UTC; people whose latest row is older go too.
        on_progress: called with what is being done.

    Raises:
        BusyError: another process writes to the project.
        ConfigurationError: nobody was named.
        DataTestError: a data test failed, so that the published database still holds the people; the erasure is not finished,
            and goes on with the next command that writes.
    """
    report_step = on_progress or (lambda _: None)
    names = {person.strip() for person in persons} - {""}
    with exclusive_lock(project.work / "lock", "forget"), workspace(project) as (connection, _):
        report_step("finding ids, devices and orders")
        Lake(project.lake).recover()
        if inactive_before is not None:
            names |= find_inactive(project, connection, before=inactive_before)
        if not names:
            reason = "nobody is inactive for that long" if inactive_before else "nobody was named"
            raise ConfigurationError(f"{reason}; there is nothing to forget")
        identity = find_identity(project, connection, names, follows_emails=inactive_before is None)
        tombstones = load_tombstones(project.tombstones)
        erasure = _erasure(new_id(datetime.now(UTC)), len(names), identity, tombstones)
        tombstones = tombstones.with_erasure(erasure)
        erasure = replace(erasure, experiment_units=count_experiment_units(project, tombstones))
        tombstones = tombstones.with_erasure(erasure)
        save_tombstones(project.tombstones, tombstones)
        progress = _Progress(project, tombstones)
        erased = _clean_files(project, connection, progress, report_step)
    return _finish(project, progress, erased, identity, report_step)


def finish_pending(
    project: Project, *, on_progress: Callable[[str], None] | None = None
) -> ErasureReport | None:
    """Finish erasures that were interrupted; return None where there are none.

    Raises:
        BusyError: another process writes to the project.
    """
    tombstones = load_tombstones(project.tombstones)
    if not tombstones.unfinished:
        return None
    report_step = on_progress or (lambda _: None)
    with exclusive_lock(project.work / "lock", "forget"), workspace(project) as (connection, _):
        Lake(project.lake).recover()
        progress = _Progress(project, tombstones)
        erased = _clean_files(project, connection, progress, report_step)
    return _finish(project, progress, erased, Identity(), report_step)


def _erasure(erasure_id: str, person_count: int, identity: Identity, tombstones: Tombstones) -> Erasure:
    hashes = (
        *hash_all(tombstones, PERSON, identity.ids),
        *hash_all(tombstones, ORDER, identity.orders),
        *hash_all(tombstones, DEVICE_TIME, identity.device_times),
    )
    return Erasure(
        erasure_id,
        _utc(),
        person_count,
        hashes,
        has_emails=bool(identity.emails),
        has_moments=bool(identity.device_times),
    )


class _Progress:
    """The receipt of what is being erased; what left a store is on disk before the next one is cleaned.

    Args:
        project: the shop.
        tombstones: with at least one unfinished erasure.
    """

    def __init__(self, project: Project, tombstones: Tombstones) -> None:
        self._project = project
        self.tombstones = tombstones
        unfinished = tombstones.unfinished
        first = unfinished[0]
        self.receipt = Receipt(
            first.erasure_id,
            tuple(erasure.erasure_id for erasure in unfinished),
            sum(erasure.person_count for erasure in unfinished),
            first.erased_at,
        )
        for erasure in unfinished:
            for result in erasure.stores:
                self.receipt.add(StoreResult(**result))  # type: ignore[arg-type]  # as they were saved
            for experiment, variants in erasure.experiment_units.items():
                units = self.receipt.experiment_units.setdefault(experiment, {})
                for variant, count in variants.items():
                    units[variant] = units.get(variant, 0) + count

    def add(self, store: str, removed: int, unit: str) -> None:
        """Note what left a store."""
        self.receipt.add(StoreResult(store, removed, unit, _utc()))
        first, *others = self.tombstones.unfinished
        stores = tuple(asdict(result) for result in self.receipt.stores)
        self.tombstones = self.tombstones.with_erasure(replace(first, stores=stores))
        for erasure in others:  # their stores are in the first one's now
            self.tombstones = self.tombstones.with_erasure(replace(erasure, stores=()))
        save_tombstones(self._project.tombstones, self.tombstones)

    def finish(self) -> Path:
        """Write the receipt, and then note that the erasures are finished."""
        self.receipt.finished_at = _utc()
        file = write_receipt(self._project, self.receipt)
        for erasure in self.tombstones.unfinished:
            self.tombstones = self.tombstones.with_erasure(replace(erasure, is_finished=True, stores=()))
        save_tombstones(self._project.tombstones, self.tombstones)
        return file


def _clean_files(
    project: Project, connection: Connection, progress: _Progress, report_step: Callable[[str], None]
) -> LakeErasure:
    """Clean lake, quarantine, collected events, the warehouse and what builds left behind. The caller holds the lock."""
    tombstones = progress.tombstones
    declare(connection, tombstones)
    report_step("collected events")
    segments = rewrite_segments(project, tombstones)
    report_step("lake and quarantine")
    erased = erase_from_lake(project, connection, Lake(project.lake), tombstones, segments=segments)
    for table, rows in sorted(erased.rows.items()):
        progress.add(f"lake/{table}", rows, "records" if table == "quarantine" else "rows")
    for segment in segments:
        segment.replace()
    progress.add("collected events", sum(segment.lines for segment in segments), "lines")
    report_step("warehouse")
    removed = renew_warehouse(project, tombstones)
    progress.add("warehouse", sum(removed.values()), "rows of snapshots and scores")
    progress.add("compiled SQL, logs and temporary files", clear_traces(project), "files")
    return erased


def _finish(
    project: Project,
    progress: _Progress,
    erased: LakeErasure,
    identity: Identity,
    report_step: Callable[[str], None],
) -> ErasureReport:
    """Build and publish without the people, delete the old parts, and write the receipt."""
    if project.published.exists() or project.warehouse.exists():
        report_step("building and publishing without them")
        build(project)
        progress.add("published database", 1, "databases replaced")
    report_step("deleting old files")
    with exclusive_lock(project.work / "lock", "forget"), workspace(project) as (connection, _):
        declare(connection, progress.tombstones)
        deleted = delete_parts(project, connection, progress.tombstones, erased.old_files)
        progress.add("old parts of the lake", deleted, "files")
        leftovers = find_leftovers(project, progress.tombstones, identity.ids)
        present = sorted(label for label in erased.sources if path_of(label).exists())
        progress.receipt.source_files = len(present)
        file = progress.finish()
    return ErasureReport(progress.receipt, file, present, leftovers, identity.shared)


def delete_parts(
    project: Project, connection: Connection, tombstones: Tombstones, old_files: Iterable[Path]
) -> int:
    """Delete files that tables of the lake lost with rows of erased people, wherever below the lake they are.

    Args:
        project: the shop; its lock is held, and nothing that is published reads the files.
        connection: an engine that knows the tombstones.
        tombstones: who was erased.
        old_files: files that this erasure replaced.

    Returns:
        Number of deleted files.
    """
    lake, scope = Lake(project.lake), scope_of(tombstones)
    names = {file.name for file in old_files}
    visible = {
        file.path
        for folder in project.lake.glob("*/")
        if (folder / "_delta_log").is_dir()
        for file in lake.files(folder.name)
    }
    deleted = 0
    # the ledger has a second copy of each of its files; of those that it lost none is needed
    copies = {lake.copy_of("ledger", file.path.name) for file in lake.files("ledger")}
    for file in set(lake.commits.folder.glob("ledger-part-*.parquet")) - copies:
        file.unlink()
        deleted += 1
    for file in sorted(project.lake.rglob("part-*.parquet")):
        if file in visible:
            continue
        if file.name in names or (scope is not None and _names_erased(connection, file, tombstones)):
            file.unlink()
            deleted += 1
    return deleted


def _names_erased(connection: Connection, file: Path, tombstones: Tombstones) -> bool:
    """Return whether an old part holds rows of erased people; one that cannot be told is taken for such a part."""
    table = next((name for name in (*BY_NAME, "quarantine") if name in file.parts), "")
    scope = scope_of(tombstones)
    if table == "quarantine" or "ledger" in file.parts:
        return True  # texts, and none of them is read any more
    if table not in BY_NAME or scope is None:
        return False
    source = f"read_parquet({quote_text(str(file))})"
    stored = {str(row[0]) for row in connection.execute(f"describe select * from {source}").fetchall()}
    entity = BY_NAME[table]
    column_names = [column.name for column in entity.stored_columns if column.name in stored]
    condition = row_condition(entity, column_names, scope)
    if condition is None:
        return False
    row = connection.execute(f"select count(*) from {source} where {condition}").fetchone()
    return bool(row and row[0])
