"""The ledger: one row per file, with what became of every record in it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from shopwright.contracts import ENTITIES
from shopwright.core.engine import EngineError
from shopwright.core.errors import LakeError
from shopwright.core.sql import quote_name, quote_text
from shopwright.ingest.files import is_whole_workbook
from shopwright.ingest.read_job import MIN_OBJECT_BYTES
from shopwright.lake.delta import AddedFile, Lake, lake_columns, read_sql, write_parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from shopwright.core.engine import Connection
    from shopwright.ingest.streaming import QuarantinedRow

FORGOTTEN = "forgotten"
"""Outcome of a file that was taken out of the lake; it is not read again until that is requested."""

SETTLED = ("loaded", "empty", "identical", FORGOTTEN)
"""Outcomes after which a file of the same content need not be read again."""

PART_SEPARATOR = ", part "
"""Separates the name of a database's table or query from the number of the file that a run wrote from it."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What became of one file. ``rows_read`` is always the sum of the four counts after it."""

    batch_seq: int
    batch_id: str
    source: str
    adapter: str
    entity: str
    file: str
    size_bytes: int
    modified_ns: int
    sha256: str
    outcome: str
    ingested_at: datetime
    rows_read: int = 0
    rows_accepted: int = 0
    rows_quarantined: int = 0
    rows_duplicate: int = 0
    rows_ignored: int = 0
    reason: str | None = None
    new_columns: str | None = None
    columns: str | None = None
    rules: str | None = None
    watermark: str | None = None
    mapping: str | None = None
    notes: str | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None

    def __post_init__(self) -> None:
        counts = (self.rows_accepted, self.rows_quarantined, self.rows_duplicate, self.rows_ignored)
        if self.rows_read != sum(counts):
            raise AssertionError(f"{self.file}: the ledger does not balance: {self}")

    @property
    def column_names(self) -> tuple[str, ...]:
        """Columns of a delimited file, in order."""
        return tuple(json.loads(self.columns)) if self.columns else ()

    @property
    def rule_counts(self) -> dict[str, int]:
        """Accepted rows by the adapter's rule that decided their kind, most frequent first."""
        return dict(json.loads(self.rules)) if self.rules else {}


@dataclass(slots=True)
class LedgerIndex:
    """Look-ups in the rows of the ledger."""

    rows: list[LedgerRow] = field(default_factory=list)
    """All rows, oldest first."""

    def find_settled(self, source: str, sha256: str) -> list[LedgerRow]:
        """Return the rows of files with this content that need not be read again, oldest first."""
        return [
            row
            for row in self.rows
            if row.source == source and row.sha256 == sha256 and row.outcome in SETTLED
        ]

    def settled_files(self) -> set[tuple[str, str, int, int]]:
        """Return source, name, size and modification time (ns) of every settled file, as it was read last.

        A file that still has all four is skipped without being opened.
        """
        ordered = sorted(self.rows, key=lambda row: row.batch_seq)
        last = {(row.source, row.file): row for row in ordered if row.outcome in SETTLED}
        return {(row.source, row.file, row.size_bytes, row.modified_ns) for row in last.values()}

    def comes_back(self, row: LedgerRow) -> bool:
        """Return whether a content that was read before comes back after others, so that its rows may replace theirs.

        It does not where it is what its file held last.
        """
        settled = [
            earlier
            for earlier in self.rows
            if earlier.source == row.source
            and earlier.batch_seq < row.batch_seq
            and earlier.outcome in SETTLED
        ]
        of_file = [earlier for earlier in settled if earlier.file == row.file]
        if of_file and max(of_file, key=lambda earlier: earlier.batch_seq).sha256 == row.sha256:
            return False
        last_read = max(
            (earlier.batch_seq for earlier in settled if earlier.sha256 == row.sha256), default=row.batch_seq
        )
        return any(
            other.entity == row.entity
            and last_read < other.batch_seq < row.batch_seq
            and other.rows_accepted > 0
            for other in self.rows
        )

    def find_under_other_names(self, row: LedgerRow, names: Collection[str]) -> list[LedgerRow]:
        """Return the rows of files with this content that were loaded under another name of the source, oldest first.

        Args:
            row: the ledger row of a file with this content.
            names: names of the sources that are configured. A source that is not has been renamed; of the others, those
                count that read the content in the same way.
        """
        return [
            earlier
            for earlier in self.rows
            if (earlier.adapter, earlier.entity, earlier.sha256) == (row.adapter, row.entity, row.sha256)
            and earlier.outcome == "loaded"
            and earlier.source != row.source
            and (
                earlier.source not in names
                or (earlier.mapping is not None and earlier.mapping == row.mapping)
            )
        ]

    def find_whole_workbook(
        self, row: LedgerRow, label: str, *, sha256: Callable[[], str], names: Collection[str]
    ) -> LedgerRow | None:
        """Return the row of a workbook that an older version read as one file; None where its sheets are to be read.

        It is known while it holds what it held then. From the first time that its sheets are read, they count.

        Args:
            row: the ledger row of one of its sheets.
            label: the workbook's.
            sha256: returns what identifies the workbook's bytes.
            names: names of the sources that are configured.
        """
        is_read_by_sheets = any(
            earlier.source == row.source and earlier.file.startswith(f"{label}!") for earlier in self.rows
        )
        if is_read_by_sheets or not any(is_whole_workbook(earlier.file) for earlier in self.rows):
            return None
        whole = replace(row, file=label, sha256=sha256())
        known = self.find_settled(row.source, whole.sha256) or self.find_under_other_names(whole, names)
        return next((earlier for earlier in known if earlier.outcome != FORGOTTEN), next(iter(known), None))

    def forgotten_files(self) -> set[tuple[str, str, int, int]]:
        """Return source, name, size and modification time (ns) of every file that was taken out of the lake."""
        return {
            (row.source, row.file, row.size_bytes, row.modified_ns)
            for row in self.rows
            if row.outcome == FORGOTTEN
        }

    def is_forgotten(self, source: str) -> bool:
        """Return whether a database's rows were taken out of the lake, and are not read again until that is requested."""
        return any(row.source == source and row.outcome == FORGOTTEN for row in self.rows)

    def watermark(self, source: str, label: str) -> str | None:
        """Return how far a table or query of a database has been read; None where not at all.

        Args:
            source: name of the source.
            label: name of its files in the ledger, without their number.
        """
        for row in reversed(self.rows):
            is_same = row.source == source and row.file.rpartition(PART_SEPARATOR)[0] == label
            if is_same and row.watermark is not None and row.outcome in SETTLED:
                return row.watermark
        return None

    def has_failed(self, row: LedgerRow) -> bool:
        """Return whether this file with this content already failed for the same reason."""
        return any(
            (earlier.source, earlier.file, earlier.sha256, earlier.outcome, earlier.reason)
            == (row.source, row.file, row.sha256, "failed", row.reason)
            for earlier in self.rows
        )


def count_accepted(rows: Iterable[LedgerRow]) -> dict[str, int]:
    """Return how many rows of each entity the lake must hold."""
    counts = {entity.name: 0 for entity in ENTITIES}
    for row in rows:
        if row.entity in counts:
            counts[row.entity] += row.rows_accepted
    return counts


def read_ledger(connection: Connection, lake: Lake) -> list[LedgerRow]:
    """Return every row of the ledger, oldest first.

    Raises:
        LakeError: a file of it cannot be read.
    """
    names = [item.name for item in lake_columns("ledger")]
    paths = [file.path for file in lake.files("ledger")]
    # files of older versions have no ignored rows
    columns = ", ".join(
        f"coalesce({quote_name(name)}, 0)" if name == "rows_ignored" else quote_name(name) for name in names
    )
    try:
        rows = connection.execute(
            f"select {columns} from ({read_sql('ledger', paths)}) order by batch_seq"
        ).fetchall()
    except EngineError as error:
        raise LakeError("ledger", f"its files cannot be read ({str(error).splitlines()[0]})") from None
    return [LedgerRow(**dict(zip(names, row, strict=True))) for row in rows]


def write_ledger(connection: Connection, lake: Lake, rows: Sequence[LedgerRow], sequence: int) -> AddedFile:
    """Write ledger rows to a new file of the lake; the commit of this number makes it visible."""
    names = [item.name for item in lake_columns("ledger")]
    values = [tuple(getattr(row, name) for name in names) for row in rows]
    return _write_rows(connection, lake, "ledger", values, sequence)


def write_retired(
    connection: Connection,
    lake: Lake,
    rows: Sequence[LedgerRow],
    sequence: int,
    *,
    retired_by: str,
    retired_at: datetime,
) -> AddedFile:
    """Write the ledger rows of batches that leave the lake to a new file of the table that remembers them."""
    names = [item.name for item in lake_columns("ledger")]
    values = [(*(getattr(row, name) for name in names), retired_by, retired_at) for row in rows]
    return _write_rows(connection, lake, "retired_batches", values, sequence)


def ledger_files(connection: Connection, lake: Lake) -> dict[str, set[int]]:
    """Return the batches that each visible file of the ledger lists, by the file's name."""
    by_file: dict[str, set[int]] = {}
    for file in lake.files("ledger"):
        rows = connection.execute(
            f"select batch_seq from read_parquet({quote_text(str(file.path))})"
        ).fetchall()
        by_file[file.path.name] = {int(number) for (number,) in rows}
    return by_file


def write_quarantine(
    connection: Connection,
    lake: Lake,
    row: LedgerRow,
    quarantined: Sequence[QuarantinedRow],
    sequence: int,
) -> AddedFile:
    """Write a file's bad records to a new file of the lake; the commit of this number makes it visible."""
    values = [
        (
            f"{row.batch_id}-{bad.line}",
            row.batch_seq,
            row.batch_id,
            row.source,
            row.entity,
            row.file,
            bad.line,
            list(bad.rules),
            bad.raw,
            bad.raw_encoding,
        )
        for bad in quarantined
    ]
    return replace(_write_rows(connection, lake, "quarantine", values, sequence), batch_seq=row.batch_seq)


def write_resolutions(
    connection: Connection, lake: Lake, sequence: int, values: list[tuple[Any, ...]]
) -> AddedFile:
    """Write which quarantined rows a replay resolved; a commit makes it visible."""
    return _write_rows(connection, lake, "resolutions", values, sequence)


def _write_rows(
    connection: Connection,
    lake: Lake,
    table: str,
    values: list[tuple[Any, ...]],
    sequence: int,
) -> AddedFile:
    # through a file of JSON lines: inserting rows one by one takes a hundred times as long
    columns = lake_columns(table)
    types = ", ".join(f"{quote_text(item.name)}: {quote_text(item.sql_type)}" for item in columns)
    stored = ", ".join(f"{item.write_sql()} as {quote_name(item.name)}" for item in columns)
    with NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as staged:
        max_length = 0
        for row in values:
            named = {item.name: value for item, value in zip(columns, row, strict=True)}
            max_length = max(max_length, staged.write(json.dumps(named, default=str) + "\n"))
        staged.flush()
        source = (
            f"read_json({quote_text(staged.name)}, format = 'newline_delimited', columns = {{{types}}}, "
            f"maximum_object_size = {max(max_length + 1, MIN_OBJECT_BYTES)})"
        )
        file: Path = lake.new_file(table, sequence)
        return write_parquet(connection, f"select {stored} from {source}", file)
