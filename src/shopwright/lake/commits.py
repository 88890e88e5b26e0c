"""Records of commits: what each added and removed, chained by hashes, so that the last one names the whole history.

A commit is an *intent* while it is being made, and a *record* in the folder ``_commits`` once it is done. Every record has the
SHA-256 of the one before it: a lake that was put back, or that lost commits whose numbers were used again, has another chain.

A record or intent is two lines: the commit as JSON, and the SHA-256 of that line, which also identifies it. Intents of versions
without records are one line.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from shopwright.core.disk import write_synced
from shopwright.core.errors import LakeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

KEPT_TWICE = ("ledger", "resolutions", "retired_batches")
"""Tables whose files are small and cannot be made again from source files: records keep a copy of each."""


@dataclass(frozen=True, slots=True)
class AddedFile:
    """One Parquet file that a commit makes visible."""

    name: str
    size_bytes: int
    rows: int
    first_at: str | None = None
    last_at: str | None = None
    """Earliest and latest time of its rows, ISO 8601 UTC; None where a row has no time."""
    batch_seq: int | None = None
    """Number of the batch of all its rows; None where there are several."""
    sha256: str | None = None
    """SHA-256 of its bytes, in hexadecimal; None in records of files that a version without hashes wrote."""


@dataclass(frozen=True, slots=True)
class TableState:
    """What a table is after a commit, in a few bytes."""

    sequence: int = 0
    """Number of the last commit to it."""
    files: int = 0
    """Number of visible files."""
    names: str = "0" * 64
    """The SHA-256 of the names of its visible files, combined by exclusive or: the order does not matter."""

    @classmethod
    def from_names(cls, sequence: int, names: Iterable[str]) -> TableState:
        """Return the state of a table with these visible files."""
        return cls().after(sequence, added=names)

    def after(self, sequence: int, *, added: Iterable[str] = (), removed: Iterable[str] = ()) -> TableState:
        """Return the state after a commit that adds and removes files."""
        digest, files = int(self.names, 16), self.files
        for names, step in ((added, 1), (removed, -1)):
            for name in names:
                digest ^= int(sha256(name.encode()).hexdigest(), 16)
                files += step
        return TableState(sequence, files, f"{digest:064x}")


@dataclass(slots=True)
class Intent:
    """Everything that one commit adds and removes."""

    sequence: int
    """Number of the commit: that of the last new batch in it."""
    files: dict[str, list[AddedFile]] = field(default_factory=dict)
    """New files by table."""
    removed: dict[str, list[str]] = field(default_factory=dict)
    """Names of the files that a table loses."""
    previous: str | None = None
    """SHA-256 that identifies the commit before; None for the first one of a chain."""
    tables: dict[str, TableState] = field(default_factory=dict)
    """All tables after this commit; empty in intents of versions without records."""
    logs: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the entries of Delta logs that this commit wrote, by path in the lake."""
    is_snapshot: bool = False
    """Whether ``files`` are all visible files: the first record of a lake that an older version began, and repairs."""

    def add(self, table: str, file: AddedFile) -> None:
        """Add a file that the commit makes visible."""
        self.files.setdefault(table, []).append(file)

    def remove(self, table: str, names: Iterable[str]) -> None:
        """Remove files that are visible now, in the same commit that adds the others."""
        self.removed.setdefault(table, []).extend(names)

    @property
    def changed_tables(self) -> list[str]:
        """Tables that the commit changes; the ledger comes last, so that the rows that it lists are there already."""
        names = (self.tables if self.is_snapshot else {}) | self.files | self.removed
        return sorted(names, key=lambda name: (name == "ledger", name))

    def states_after(self, before: dict[str, TableState]) -> dict[str, TableState]:
        """Return all tables after this commit.

        Args:
            before: all tables before it.
        """
        after = dict(before)
        for table in self.changed_tables:
            added = [file.name for file in self.files.get(table, [])]
            if self.is_snapshot:
                after[table] = TableState.from_names(self.sequence, added)
            else:
                state = before.get(table, TableState())
                after[table] = state.after(self.sequence, added=added, removed=self.removed.get(table, []))
        return after

    def to_json(self) -> str:
        """Return the commit as JSON on one line."""
        # "added" is the key in intents of earlier versions, which a run after an update may have to finish
        values = asdict(self)
        return json.dumps({"sequence": values.pop("sequence"), "added": values.pop("files"), **values})

    @classmethod
    def from_json(cls, text: str) -> Intent:
        """Return a commit from its JSON."""
        stored = json.loads(text)
        files = {table: [AddedFile(**file) for file in files] for table, files in stored.pop("added").items()}
        tables = {table: TableState(**state) for table, state in stored.pop("tables", {}).items()}
        return cls(files=files, tables=tables, **stored)


@dataclass(frozen=True, slots=True)
class Record:
    """A commit as it is stored."""

    file: Path
    commit: Intent
    sha256: str
    """Identifies the commit, and through it all commits before."""


def write_record(file: Path, commit: Intent) -> Record:
    """Write a commit, and return once it is on the disk."""
    text = commit.to_json()
    digest = sha256(text.encode()).hexdigest()
    write_synced(file, f"{text}\n{digest}\n".encode())
    return Record(file, commit, digest)


def read_record(file: Path) -> Record:
    """Read a commit.

    Raises:
        LakeError: the file is gone, or is not what was written.
    """
    try:
        content = file.read_bytes()
        text, _, rest = content.decode().partition("\n")
        digest = sha256(text.encode()).hexdigest()
        # versions without records wrote intents on one line, without an end
        if rest == f"{digest}\n" or not (rest or content.endswith(b"\n") or '"tables"' in text):
            return Record(file, Intent.from_json(text), digest)
        reason = "not what was written"
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or "not what was written"
    raise LakeError("_commits", f"{file.parent.name}/{file.name} cannot be read ({reason})")


class CommitLog:
    """The records of finished commits in one folder.

    Args:
        folder: of the records; it may not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def files(self) -> list[Path]:
        """Return the files of the records, oldest first."""
        return sorted(self.folder.glob("*.json"))

    def records(self) -> list[Path]:
        """Return everything in the folder but copies of files of tables."""
        return sorted(file for file in self.folder.glob("*") if file.suffix != ".parquet")

    def path(self, sequence: int) -> Path:
        """Return the file of the record of a commit."""
        return self.folder / f"{sequence:010d}.json"

    def head(self) -> Record | None:
        """Return the last commit; None where there is none.

        Raises:
            LakeError: its record cannot be read.
        """
        files = self.files()
        return read_record(files[-1]) if files else None

    def chain(self) -> list[Record]:
        """Return the commits of the current chain, oldest first: from the last snapshot or the first commit of the lake on.

        Raises:
            LakeError: a record is gone or damaged; the message names it.
        """
        records: list[Record] = []
        for file in reversed(self.files()):
            record = read_record(file)
            if records and records[-1].commit.previous != record.sha256:
                raise LakeError(
                    "_commits",
                    f"the record before commit {records[-1].commit.sequence} is gone or is another one",
                )
            records.append(record)
            if record.commit.previous is None:
                break
        else:
            if records:
                raise LakeError("_commits", f"the record before commit {records[-1].commit.sequence} is gone")
        return records[::-1]

    def leads_from(self, sequence: int, sha256: str) -> bool:
        """Return whether a commit is part of the history of the last one.

        Args:
            sequence: its number.
            sha256: what identified it.
        """
        expected: str | None = None
        for file in reversed(self.files()):
            try:
                record = read_record(file)
            except LakeError:
                return False
            if expected not in (None, record.sha256):
                return False
            if record.commit.sequence <= sequence:
                return (record.commit.sequence, record.sha256) == (sequence, sha256)
            if (expected := record.commit.previous) is None:
                return False
        return False


def visible_files(chain: Iterable[Record]) -> dict[str, dict[str, AddedFile]]:
    """Return the files of each table after a chain of commits, by name."""
    visible: dict[str, dict[str, AddedFile]] = {}
    for record in chain:
        commit = record.commit
        if commit.is_snapshot:
            visible = {table: {} for table in commit.tables}
        for table in commit.changed_tables:
            files = visible.setdefault(table, {})
            for name in commit.removed.get(table, []):
                files.pop(name, None)
            files |= {file.name: file for file in commit.files.get(table, [])}
    return visible


def named_files(records: Iterable[Record]) -> Iterator[tuple[str, str]]:
    """Yield table and name of every file that a commit ever added or removed."""
    for record in records:
        for table, files in record.commit.files.items():
            yield from ((table, file.name) for file in files)
        for table, names in record.commit.removed.items():
            yield from ((table, name) for name in names)


def with_hashes(files: Iterable[AddedFile], hashes: dict[str, str]) -> list[AddedFile]:
    """Return files with the hashes of their bytes, where they are known by name."""
    return [replace(file, sha256=hashes.get(file.name, file.sha256)) for file in files]
