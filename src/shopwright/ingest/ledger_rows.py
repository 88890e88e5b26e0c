"""The ledger row of a file: before it is opened, once its content is known, and when its rows are loaded."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from shopwright.ingest.file_guesses import explain_refusal
from shopwright.ingest.files import SourceFile, data_name
from shopwright.ingest.ledger import LedgerRow

if TYPE_CHECKING:
    from datetime import datetime

    from shopwright.ingest.batches import LoadedBatch
    from shopwright.settings import SourceSettings


def size_and_mtime(file: SourceFile) -> tuple[int, int]:
    """Return a file's size in bytes and modification time in nanoseconds; zeros where it no longer exists.

    Reading it will then say so, in the ledger.
    """
    try:
        stat = file.path.stat()
    except OSError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


def new_row(source: SourceSettings, file: SourceFile, *, sequence: int, now: datetime) -> LedgerRow:
    """Return what is known of a file before it is opened.

    Args:
        source: its source.
        file: the file.
        sequence: number of its batch.
        now: the time of the run, naive UTC.
    """
    size, modified_ns = size_and_mtime(file)
    return LedgerRow(
        batch_seq=sequence,
        batch_id=f"{source.name}-{sequence}",
        source=source.name,
        adapter=source.adapter,
        entity=source.entity,
        file=file.label,
        size_bytes=size,
        modified_ns=modified_ns,
        sha256="",
        outcome="loaded",
        ingested_at=now,
        watermark=file.watermark,
    )


def complete_row(row: LedgerRow, loaded: LoadedBatch, note: str | None) -> LedgerRow:
    """Return the row of a file that was loaded, with its counts.

    Args:
        row: its row so far.
        loaded: what became of its records.
        note: what is to be said of how it was read.
    """
    reason = note if loaded.read else "the file has no records"
    if loaded.read and len(loaded.quarantined) == loaded.read:
        reason = explain_refusal(loaded.quarantined, loaded.columns, loaded.new_columns, data_name(row.file))
    return replace(
        row,
        outcome="loaded" if loaded.read else "empty",
        reason=reason,
        rows_read=loaded.read,
        rows_accepted=loaded.accepted,
        rows_quarantined=len(loaded.quarantined),
        rows_duplicate=loaded.duplicate,
        rows_ignored=loaded.left_out,
        new_columns=", ".join(loaded.new_columns) or None,
        columns=json.dumps(loaded.columns) if loaded.columns else None,
        rules=json.dumps(loaded.rules) if loaded.rules else None,
        notes=json.dumps(loaded.all_notes) if loaded.all_notes else None,
        first_at=loaded.first_at,
        last_at=loaded.last_at,
    )
