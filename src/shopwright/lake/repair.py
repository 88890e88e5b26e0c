"""Repair of a lake whose records, logs and files disagree: what is lost is made again from what is there twice.

The chain of records names every visible file, so that a Delta log can be written again from it; where the chain is broken, logs
that fit the ledger begin a new one. A file that is gone may be in the trash, and files of the ledger have a copy beside the
records. What is replaced moves to the trash, and nothing is deleted. Files of rows that are nowhere else are named: their
batches are read again from the source files (``ingest.repair``).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shopwright.core.disk import copy_synced, hash_file
from shopwright.core.errors import LakeError
from shopwright.lake.commits import KEPT_TWICE, AddedFile, read_record, visible_files
from shopwright.lake.delta import part_number
from shopwright.lake.log_hashes import find_changed_entries
from shopwright.lake.parquet import describe_part

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.core.engine import Connection
    from shopwright.lake.commits import Record
    from shopwright.lake.delta import Lake


@dataclass(slots=True)
class LakeRepair:
    """What a repair did, and what it could not do."""

    done: list[str] = field(default_factory=list)
    """One line for each thing that was mended."""
    damaged: dict[str, list[str]] = field(default_factory=dict)
    """Names of visible files that are gone or damaged, and of which there is no copy, by table."""


def repair_lake(lake: Lake, connection: Connection) -> LakeRepair:
    """Make records, logs and files agree again. The caller is the only writer.

    Args:
        lake: the lake.
        connection: the engine to read files with.

    Raises:
        LakeError: a log and the records are gone, and the files that are there do not fit the ledger. Nothing was deleted.
    """
    result = LakeRepair()
    _set_aside_broken_intents(lake, result)
    chain = _readable_chain(lake, result)
    if chain is None:
        chain = _begin_new_chain(lake, connection, result)
    visible = visible_files(chain)
    for table, files in visible.items():
        damaged = [file for file in files.values() if not _restore_part(lake, table, file, result)]
        if damaged:
            result.damaged[table] = [file.name for file in damaged]
    _repair_logs(lake, chain, visible, result)
    return result


def find_damage(lake: Lake) -> list[str]:
    """Return the paths of files of rows and of entries of logs that are not what was written; every byte of them is read.

    Files that a version without hashes wrote are compared by size.

    Raises:
        LakeError: the records cannot be read.
    """
    chain = lake.commits.chain()
    parts = [
        f"{table}/{file.name}"
        for table, files in visible_files(chain).items()
        for file in files.values()
        if not is_whole(lake.folder(table) / file.name, file)
    ]
    entries = find_changed_entries(lake.root, lake.commits.folder, chain)
    return [*parts, *(path for paths in entries.values() for path in paths)]


def is_whole(path: Path, file: AddedFile) -> bool:
    """Return whether a file has the size, and the SHA-256 where it is known, that its commit recorded."""
    with suppress(OSError):
        return path.stat().st_size == file.size_bytes and file.sha256 in (None, hash_file(path))
    return False


def _set_aside_broken_intents(lake: Lake, result: LakeRepair) -> None:
    """Give up interrupted commits that cannot be finished: their source files are read again by the next ingest."""
    head = _head_sha256(lake)
    for file in lake.intent_files():
        try:
            record = read_record(file)
        except LakeError:
            reason = "cannot be read"
        else:
            commit = record.commit
            has_parts = all(
                is_whole(lake.folder(table) / part.name, part)
                for table, parts in commit.files.items()
                for part in parts
            )
            follows = (
                not commit.tables or commit.previous == head or lake.commits.path(commit.sequence).exists()
            )
            if has_parts and follows:
                continue
            reason = "follows a commit that is not there" if has_parts else "has lost files"
        lake.trash.take([file])
        result.done.append(f"gave up the interrupted commit {file.stem.lstrip('0')}, which {reason}")


def _head_sha256(lake: Lake) -> str | None:
    with suppress(LakeError):
        head = lake.commits.head()
        return head.sha256 if head else None
    return None


def _readable_chain(lake: Lake, result: LakeRepair) -> list[Record] | None:
    """Return the chain of records; None where it is broken, or gone although there was one."""
    try:
        chain = lake.commits.chain()
    except LakeError as problem:
        result.done.append(f"began a new chain of records: {problem.reason}")
        return None
    if chain and chain[-1].commit.sequence >= _last_sequence(lake):
        return chain
    result.done.append("began a new chain of records: the last ones are gone")
    return None


def _last_sequence(lake: Lake) -> int:
    with suppress(LakeError):
        return lake.sequence()
    return 0


def _begin_new_chain(lake: Lake, connection: Connection, result: LakeRepair) -> list[Record]:
    """Record what the Delta logs name; where one cannot be read, what the folder of its table holds."""
    for table in lake.tables():
        try:
            is_there = bool(lake.files(table)) or not lake.parts(table)
        except LakeError:
            is_there = False
        if not is_there:
            _rebuild_from_parts(lake, table, connection, result)
    lake.trash.take(lake.commits.records())
    record = lake.begin_chain()
    return [record] if record else []


def _rebuild_from_parts(lake: Lake, table: str, connection: Connection, result: LakeRepair) -> None:
    """Write a table's Delta log from the files in its folder, if none of them repeats rows of another.

    Raises:
        LakeError: some of them have rows of the same batch, or cannot be read.
    """
    parts = [describe_part(connection, table, file) for file in lake.parts(table)]
    batches = [batch for part in parts for batch in part.batches]
    if len(batches) != len(set(batches)):
        raise LakeError(
            table,
            "its Delta log and the records of commits are gone, and several files have rows of the same batch",
        )
    sequence = max((part_number(part.added.name) for part in parts), default=0)
    lake.replace_log(table, [part.added for part in parts], sequence)
    result.done.append(f"wrote the Delta log of '{table}' again from the {len(parts)} files in its folder")


def _restore_part(lake: Lake, table: str, file: AddedFile, result: LakeRepair) -> bool:
    """Put a visible file back where it is gone or damaged; return whether it is whole now."""
    path = lake.folder(table) / file.name
    if is_whole(path, file):
        return True
    copies = [item for item in lake.trash.files() if item.name == file.name]
    if table in KEPT_TWICE:
        copies.insert(0, lake.copy_of(table, file.name))
    copy = next((item for item in copies if is_whole(item, file)), None)
    if copy is None:
        return False
    if path.exists():
        lake.trash.take([path])
    path.parent.mkdir(exist_ok=True)
    copy_synced(copy, path)
    result.done.append(f"put {table}/{file.name} back from its copy")
    return True


def _repair_logs(
    lake: Lake, chain: list[Record], visible: dict[str, dict[str, AddedFile]], result: LakeRepair
) -> None:
    """Write the Delta logs again that are not what the last commit left."""
    if not chain:
        return
    pending = lake.pending()
    changed = find_changed_entries(lake.root, lake.commits.folder, chain)
    for table, state in chain[-1].commit.tables.items():
        allowed = [
            state,
            *(record.commit.tables[table] for record in pending if table in record.commit.tables),
        ]
        try:
            if lake.state(table) in allowed and table not in changed:
                continue
            reason = _describe(lake, changed[table][0]) if table in changed else "it named other files"
        except LakeError as problem:
            reason = problem.reason
        lake.replace_log(table, list(visible.get(table, {}).values()), state.sequence)
        result.done.append(f"wrote the Delta log of '{table}' again from the records of commits: {reason}")


def _describe(lake: Lake, path: str) -> str:
    return f"{path} was {'damaged' if (lake.root / path).exists() else 'gone'}"
