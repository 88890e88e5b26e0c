"""What an ingest run reports: how far it has come, and what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shopwright.ingest.segments import COLLECTOR_SOURCE

if TYPE_CHECKING:
    from shopwright.ingest.fingerprint import ChangedSource
    from shopwright.ingest.ledger import LedgerRow
    from shopwright.ingest.mending_plan import KeptFile


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest has come."""

    files_done: int
    files: int
    bytes_done: int
    bytes: int
    """Total of all files; 0 where unknown, as with a database."""
    rows: int
    file: str


ProgressCallback = Callable[[Progress], None]


@dataclass(slots=True)
class IngestReport:
    """What one run did."""

    rows: list[LedgerRow] = field(default_factory=list)
    """Ledger rows written by this run, one per file."""
    skipped: int = 0
    """Files that an earlier run had loaded."""
    forgotten: int = 0
    """Files that were taken out of the lake, and are not read again until that is requested."""
    recovered: int = 0
    """Interrupted commits of an earlier run that this one finished."""
    refused: list[str] = field(default_factory=list)
    """What is wrong with the expressions of sources that were therefore not read."""
    changed_sources: list[ChangedSource] = field(default_factory=list)
    """Sources whose settings changed since some of their files were read."""
    retired: list[LedgerRow] = field(default_factory=list)
    """Ledger rows of the batches that were replaced or taken out."""
    kept: list[KeptFile] = field(default_factory=list)
    """Files that were to be read again and could not be; their rows stay as they were."""
    affected: list[str] = field(default_factory=list)
    """Files that were read again since rows of theirs were duplicates of rows that are gone now."""
    privacy: dict[str, str] = field(default_factory=dict)
    """What is dropped and hashed, a line for each source of which a file was read."""
    retained_segments: list[str] = field(default_factory=list)
    """Collected segments past `keep_days` that the lake has no readable copy of, each with the reason."""
    seconds: float = 0.0

    def total(self, name: str) -> int:
        """Return the sum of a ledger column, such as ``rows_read``, over the files of this run."""
        return sum(getattr(row, name) for row in self.rows)

    @property
    def is_complete(self) -> bool:
        """Whether everything that was to be read could be."""
        return not (
            self.failed or self.unaccepted or self.refused or any(item.has_failed for item in self.kept)
        )

    @property
    def unaccepted(self) -> list[LedgerRow]:
        """Files of which no row was accepted, all being in quarantine; segments of rejected events are meant to be so."""
        return [
            row
            for row in self.rows
            if row.rows_read
            and row.rows_quarantined == row.rows_read
            and row.outcome == "loaded"
            and row.source != COLLECTOR_SOURCE.name
        ]

    @property
    def failed(self) -> list[LedgerRow]:
        """Files that could not be read."""
        return [row for row in self.rows if row.outcome == "failed"]
