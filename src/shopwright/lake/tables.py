"""The lake's own tables: ledger, quarantine and what became of quarantined rows."""

from __future__ import annotations

from dataclasses import dataclass

from shopwright.core.sql import quote_name


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column of a lake table."""

    name: str
    sql_type: str
    lake_type: str | dict[str, object]
    meaning: str

    @property
    def stored_type(self) -> str:
        """Type in the lake's files: times are instants there."""
        return "TIMESTAMPTZ" if self.sql_type == "TIMESTAMP" else self.sql_type

    def write_sql(self) -> str:
        """SQL that stores the column; times are stored as instants."""
        name = quote_name(self.name)
        return f"make_timestamptz(epoch_us({name}))" if self.sql_type == "TIMESTAMP" else name

    def read_sql(self) -> str:
        """SQL that reads the column back; a cast of the instant would cost a hundred times more."""
        name = quote_name(self.name)
        return f"make_timestamp(epoch_us({name}))" if self.sql_type == "TIMESTAMP" else name


def _text(name: str, meaning: str) -> TableColumn:
    return TableColumn(name, "VARCHAR", "string", meaning)


def _count(name: str, meaning: str) -> TableColumn:
    return TableColumn(name, "BIGINT", "long", meaning)


def _time(name: str, meaning: str) -> TableColumn:
    return TableColumn(name, "TIMESTAMP", "timestamp", meaning)


TECHNICAL = (
    _count("_batch_seq", "Number of the batch that landed the row; grows with every batch."),
    _text("_batch_id", "Batch that landed the row; the ledger says which file it was."),
    _text("_source", "Source the row came from."),
)

LEDGER = (
    _count("batch_seq", "Number of the batch; grows with every batch."),
    _text("batch_id", "Identifies the batch: source, file and content."),
    _text("source", "Name of the source."),
    _text("adapter", "How the file was read."),
    _text("entity", "Canonical entity of the rows."),
    _text("file", "File, with the member of an archive behind an exclamation mark."),
    _count("size_bytes", "Size of the file in bytes."),
    _count("modified_ns", "When the file was last modified, in nanoseconds since 1970, by its file system."),
    _text("sha256", "SHA-256 of the file's bytes."),
    _count("rows_read", "Records in the file."),
    _count("rows_accepted", "Records landed."),
    _count("rows_quarantined", "Records put aside with the rules they broke."),
    _count("rows_duplicate", "Records that were exact copies of one already there."),
    _text("outcome", "loaded, empty, identical, failed or replayed."),
    _text("reason", "Why a file failed, which one it repeats, or what to know of how it was read."),
    _text("new_columns", "Columns no mapping names, kept in properties; separated by commas."),
    _text("columns", "Columns of a delimited file in order, as a JSON array."),
    _text(
        "rules",
        "Accepted order lines by the rule that told their kind, as a JSON object; empty for other files.",
    ),
    _text(
        "watermark",
        "Greatest watermark among the rows of a database, as it writes it: all up to it have been read.",
    ),
    _text(
        "simulated_effect",
        "For events with a simulated effect a JSON object: experiment, share, seed, rows_changed (landed purchases "
        "that the source states as cart events) and fingerprint (of the rule that chose them); empty for other files.",
    ),
    _time("first_at", "Earliest time among the landed rows, UTC."),
    _time("last_at", "Latest time among the landed rows, UTC."),
    _time("ingested_at", "When the batch was landed, UTC."),
)

QUARANTINE = (
    _text("quarantine_id", "Identifies the row: batch and line."),
    _count("batch_seq", "Number of the batch that put it aside."),
    _text("batch_id", "Batch that put it aside."),
    _text("source", "Name of the source."),
    _text("entity", "Canonical entity it was meant for."),
    _text("file", "File it came from."),
    _count("line_number", "Line it begins on, from 1; in Parquet and JSON arrays the record, from 1."),
    TableColumn(
        "rules",
        "VARCHAR[]",
        {"type": "array", "elementType": "string", "containsNull": True},
        "Every rule it broke.",
    ),
    _text("raw", "The row as it stood in the file."),
    _text("raw_encoding", "How raw stands for the bytes: utf-8, or latin-1 where they were not UTF-8."),
)

RESOLUTIONS = (
    _text("quarantine_id", "The row put aside."),
    _text(
        "batch_id",
        "Replay that landed it, or found it to be there already; the ledger counts how many of each.",
    ),
)

TABLES: dict[str, tuple[TableColumn, ...]] = {
    "ledger": LEDGER,
    "quarantine": QUARANTINE,
    "resolutions": RESOLUTIONS,
}
"""The lake's own tables by name, besides one table for each canonical entity."""
