"""Whether records of commits, Delta logs and files of a lake fit each other: before every write, and on request.

What is cheap is checked here: names, sizes and counts. That no byte of a file changed is checked by ``lake.repair``.
"""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from shopwright.core.errors import LakeError
from shopwright.lake.commits import TableState, read_record
from shopwright.lake.delta import part_number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from shopwright.lake.commits import Record
    from shopwright.lake.delta import Lake, LakeFile

LEDGER = "ledger"
RECORDS = "_commits"


def check(lake: Lake, pending: Sequence[Record] = (), *, damaged: Collection[str] = ()) -> None:
    """Check that records, logs and files agree.

    Args:
        lake: the lake.
        pending: its interrupted commits: a table may have them or not.
        damaged: names of files that are about to be replaced, and may be gone.

    Raises:
        LakeError: they do not; the first problem of all.
    """
    for problem in find_problems(lake, pending, damaged=damaged):
        raise problem


def find_problems(
    lake: Lake, pending: Sequence[Record] = (), *, damaged: Collection[str] = ()
) -> Iterator[LakeError]:
    """Yield everything in which records, logs and files disagree; none where an interrupted commit explains it."""
    try:
        head = lake.commits.head()
    except LakeError as problem:
        yield problem
        return
    pending = [record for record in pending if not _is_finished(record, lake)]
    yield from _check_pending(head, pending)
    readable: dict[str, list[LakeFile]] = {}
    for table in lake.tables():
        try:
            readable[table] = lake.files(table)
        except LakeError as problem:
            yield problem
    if head is None:
        yield from _check_without_records(lake, pending, readable)
    else:
        yield from _check_states(lake, head, pending, readable)
    for table, files in readable.items():
        yield from _check_parts(lake, table, files, damaged)
    for record in pending:
        yield from _check_new_parts(lake, record)


def _is_finished(record: Record, lake: Lake) -> bool:
    """Return whether a commit has its record already, and only its intent was not removed."""
    file = lake.commits.path(record.commit.sequence)
    with suppress(LakeError):
        return file.exists() and replace(read_record(file).commit, logs={}) == record.commit
    return False


def _check_pending(head: Record | None, pending: Sequence[Record]) -> Iterator[LakeError]:
    for record in pending:
        known = head.sha256 if head else None
        if record.commit.tables and record.commit.previous != known:
            if record.commit.is_snapshot and record.commit.previous is None:
                continue
            yield LakeError(
                RECORDS, f"the interrupted commit {record.commit.sequence} follows a commit that is not there"
            )


def expected_states(
    head: Record | None, pending: Sequence[Record], tables: Collection[str]
) -> dict[str, list[TableState]]:
    """Return the states in which each table may be: after the last commit, and after an interrupted one."""
    before = head.commit.tables if head else {}
    states = {table: [before.get(table, TableState())] for table in {*before, *tables}}
    for record in pending:
        for table in record.commit.changed_tables:
            if state := record.commit.tables.get(table):
                states.setdefault(table, [TableState()]).append(state)
    return states


def _check_states(
    lake: Lake, head: Record, pending: Sequence[Record], readable: dict[str, list[LakeFile]]
) -> Iterator[LakeError]:
    for table, states in sorted(expected_states(head, pending, readable).items()):
        if table not in readable and (lake.folder(table)).is_dir():
            continue  # it cannot be read, which was said
        names = [file.path.name for file in readable.get(table, [])]
        sequence = lake.sequence(table) if table in readable else 0
        state = TableState.from_names(sequence, names)
        if state in states:
            continue
        expected = states[0]
        if sequence < expected.sequence:
            found = f"ends with commit {sequence}" if sequence else "is gone"
            yield LakeError(
                table, f"its Delta log {found}, and the last commit to it was {expected.sequence}"
            )
        else:
            yield LakeError(
                table,
                f"its Delta log names {state.files} files after commit {sequence}, and the records of commits name "
                f"{expected.files} {'other ones ' if state.files == expected.files else ''}after commit {expected.sequence}",
            )


def _check_parts(
    lake: Lake, table: str, files: list[LakeFile], damaged: Collection[str]
) -> Iterator[LakeError]:
    sizes = {file.name: file.stat().st_size for file in lake.parts(table)}
    for file in files:
        name = file.path.name
        if name in damaged:
            continue
        if name not in sizes:
            yield LakeError(table, f"{name} is gone")
        elif sizes[name] != file.size_bytes:
            yield LakeError(table, f"{name} has {sizes[name]:,} bytes instead of {file.size_bytes:,}")


def _check_new_parts(lake: Lake, record: Record) -> Iterator[LakeError]:
    for table, files in record.commit.files.items():
        for file in files:
            path = lake.folder(table) / file.name
            if not path.exists() or path.stat().st_size != file.size_bytes:
                yield LakeError(
                    table,
                    f"{file.name} of the interrupted commit {record.commit.sequence} is gone or incomplete",
                )


def _check_without_records(
    lake: Lake, pending: Sequence[Record], readable: dict[str, list[LakeFile]]
) -> Iterator[LakeError]:
    """Check a lake that no version with records has committed to yet, or whose records are all gone."""
    if LEDGER not in readable and lake.folder(LEDGER).is_dir():
        return
    last = lake.sequence()
    begun = max((record.commit.sequence for record in pending), default=0)
    is_first = any(record.commit.tables and record.commit.previous is None for record in pending)
    if lake.is_recorded() and not is_first:
        yield LakeError(RECORDS, "the records of its commits are gone")
        return
    for table in readable:
        if (sequence := lake.sequence(table)) > max(last, begun):
            ends = f"ends with commit {last}" if last else "is gone"
            yield LakeError(
                LEDGER, f"its Delta log {ends}, while table '{table}' has commits up to {sequence}"
            )
            return
    if not last and not pending and _has_lost_all_logs(lake):
        yield LakeError(LEDGER, "its Delta log is gone, while files with its rows are there")
        return
    new = {file.name for record in pending for files in record.commit.files.values() for file in files}
    for table, files in readable.items():
        known = {file.path.name for file in files} | new
        unnamed = [file for file in lake.parts(table) if file.name not in known and part_number(file) <= last]
        gone = removed_names(lake, table) if unnamed else set()
        for file in unnamed:
            if file.name not in gone:
                yield LakeError(table, f"its Delta log does not name {file.name}, which was loaded before")


def _has_lost_all_logs(lake: Lake) -> bool:
    """Return whether a lake without commits has rows of the ledger that no killed run explains."""
    parts = len(lake.parts(LEDGER))
    # a first run that was killed leaves one at most; versions with records make their folder before anything else
    return parts > (1 if lake.commits.folder.is_dir() else 0)


def removed_names(lake: Lake, table: str) -> set[str]:
    """Return the names of the files that the entries of a table's Delta log remove."""
    names = set()
    for entry in sorted((lake.folder(table) / "_delta_log").glob("*.json")):
        for line in entry.read_bytes().splitlines():
            with suppress(ValueError, KeyError, TypeError):
                names.add(str(json.loads(line)["remove"]["path"]))
    return names


def drop_torn_entries(lake: Lake, pending: Sequence[Record]) -> int:
    """Move entries of Delta logs that a power cut left incomplete to the trash: the commit writes them again.

    An entry that a finished commit wrote was synced, so what is wrong with it is damage, and it stays.

    Returns:
        Number of entries.
    """
    try:
        head = lake.commits.head()
    except LakeError:
        return 0
    if head is None and not any(record.commit.tables for record in pending):
        return 0  # a version without records wrote the logs, so nothing says what they should be
    dropped = 0
    for table, states in expected_states(head, pending, lake.tables()).items():
        if not _fits(lake, table, states):
            dropped += _drop_last_entry(lake, table, states, _entries_of_records(lake, head, table))
    return dropped


def _fits(lake: Lake, table: str, states: list[TableState]) -> bool:
    with suppress(LakeError):
        return lake.state(table) in states
    return False


def _entries_of_records(lake: Lake, head: Record | None, table: str) -> Collection[str]:
    """Return the entries that the last finished commit to a table wrote."""
    if head is None or table not in head.commit.tables:
        return ()
    file = lake.commits.path(head.commit.tables[table].sequence)
    with suppress(LakeError):
        return read_record(file).commit.logs
    return ()


def _drop_last_entry(lake: Lake, table: str, states: list[TableState], known: Collection[str]) -> bool:
    log = lake.folder(table) / "_delta_log"
    entries = sorted(log.glob("[0-9]*.json"))
    if not entries or str(entries[-1].relative_to(lake.root)) in known:
        return False
    version = entries[-1].name.removesuffix(".json")
    torn = [entries[-1], *log.glob(f"{version}.checkpoint*"), *log.glob("_last_checkpoint")]
    aside = {file: file.with_name(f"torn-{file.name}") for file in torn}
    for file, target in aside.items():
        file.rename(target)
    is_torn = _fits(lake, table, states)
    for file, target in aside.items():
        target.rename(file)
    if is_torn:
        lake.trash.take(torn)
    return is_torn


def ledger_problems(ledger_rows: dict[str, int], lake: Lake) -> Iterator[LakeError]:
    """Yield the entities of which the lake holds another number of rows than the ledger lists.

    Args:
        ledger_rows: accepted rows by entity, as the ledger says.
        lake: the lake.
    """
    counted: dict[str, int] = defaultdict(int)
    for table in lake.tables():
        counted[table] = sum(file.rows for file in lake.files(table))
    for entity, rows in ledger_rows.items():
        if counted[entity] != rows:
            yield LakeError(entity, f"the ledger says {rows:,} rows, the lake holds {counted[entity]:,}")
