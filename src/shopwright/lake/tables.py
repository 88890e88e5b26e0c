"""The lake's own tables: ledger, batches that were taken out of it, quarantine, and resolutions of quarantined rows."""

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
        """Type in the lake's files: times have a zone there."""
        return "TIMESTAMPTZ" if self.sql_type == "TIMESTAMP" else self.sql_type

    def write_sql(self) -> str:
        """Return SQL of the column as it is stored: times get a zone."""
        name = quote_name(self.name)
        return f"make_timestamptz(epoch_us({name}))" if self.sql_type == "TIMESTAMP" else name

    def read_sql(self) -> str:
        """Return SQL of the column as the warehouse reads it: times are naive UTC."""
        name = quote_name(self.name)
        if self.sql_type.startswith(
            "DECIMAL"
        ):  # files of older versions may have stored it as another number
            return f"{name}::{self.sql_type}"
        # not a cast of the stored time, which takes a hundred times as long
        return f"make_timestamp(epoch_us({name}))" if self.sql_type == "TIMESTAMP" else name


def _text(name: str, meaning: str) -> TableColumn:
    return TableColumn(name, "VARCHAR", "string", meaning)


def _count(name: str, meaning: str) -> TableColumn:
    return TableColumn(name, "BIGINT", "long", meaning)


def _time(name: str, meaning: str) -> TableColumn:
    return TableColumn(name, "TIMESTAMP", "timestamp", meaning)


TECHNICAL = (
    _count("_batch_seq", "Number of the batch that loaded the row; later batches have greater numbers."),
    _text("_batch_id", "Batch that loaded the row; the ledger says which file it was."),
    _text("_source", "Source the row came from."),
)

STATEMENT = _count(
    "_statement_seq",
    "Batch of the file that states all rows of the order, of which this is one; empty where a file states single rows.",
)
"""Column of the parts of a whole, such as order lines."""

ROW_NUMBER = TableColumn(
    "_row_number", "BIGINT", "long", "Position of the row in its batch; a later row arrived later."
)
"""Column of every entity that is read and never stored: the order of arrival is ``_batch_seq``, then this."""

LEDGER = (
    _count("batch_seq", "Number of the batch; later batches have greater numbers."),
    _text("batch_id", "Identifies the batch: source, number and content."),
    _text("source", "Name of the source."),
    _text("adapter", "How the file was read."),
    _text("entity", "Canonical entity of the rows."),
    _text(
        "file",
        "Path of the file; a member of an archive or a sheet of a workbook follows after an exclamation mark.",
    ),
    _count("size_bytes", "Size of the file in bytes."),
    _count("modified_ns", "When the file was last modified, in nanoseconds since 1970, by its file system."),
    _text("sha256", "SHA-256 of the file's bytes; of a sheet of a workbook, that of its values."),
    _count("rows_read", "Records in the file."),
    _count("rows_accepted", "Records loaded."),
    _count("rows_quarantined", "Records quarantined with the rules they broke."),
    _count("rows_duplicate", "Records that are exact copies of one loaded before."),
    _count(
        "rows_ignored",
        "Records left out since the source ignores their event type; empty in files of versions that ignored none.",
    ),
    _text("outcome", "loaded, empty, identical, failed, replayed or forgotten."),
    _text("reason", "Why a file failed, which file it repeats, or a note on how it was read."),
    _text("new_columns", "Columns that no mapping names, kept in properties; separated by commas."),
    _text("columns", "Columns of a delimited file in order, as a JSON array."),
    _text(
        "rules",
        "Accepted order lines by the rule that decided their kind, as a JSON object; empty for other files.",
    ),
    _text(
        "watermark",
        "Greatest watermark among the rows of a database, as the database writes it: all rows up to it have been read.",
    ),
    _text(
        "mapping",
        "Fingerprint of the settings that the file was read with; empty for files of versions without fingerprints.",
    ),
    _text(
        "notes",
        "What the reader changed or counted, by column, as a JSON object; empty where there is nothing to note.",
    ),
    _time("first_at", "Earliest time among the loaded rows, UTC."),
    _time("last_at", "Latest time among the loaded rows, UTC."),
    _time("ingested_at", "When the batch was loaded, UTC."),
)

QUARANTINE = (
    _text("quarantine_id", "Identifies the row: batch and line."),
    _count("batch_seq", "Number of the batch that quarantined it."),
    _text("batch_id", "Batch that quarantined it."),
    _text("source", "Name of the source."),
    _text("entity", "Canonical entity that it would be a row of."),
    _text("file", "File it came from."),
    _count(
        "line_number", "Line or row it begins on, from 1; in Parquet and JSON arrays its position, from 1."
    ),
    TableColumn(
        "rules",
        "VARCHAR[]",
        {"type": "array", "elementType": "string", "containsNull": True},
        "Every rule it broke.",
    ),
    _text("raw", "The row as it is in the file."),
    _text(
        "raw_encoding",
        "Encoding that turns raw into the bytes: utf-8, or latin-1 if they are not valid UTF-8.",
    ),
)

RESOLUTIONS = (
    _text("quarantine_id", "The quarantined row."),
    _text(
        "batch_id",
        "Replay that loaded it, or found that it was loaded before; the ledger counts how many of each.",
    ),
)

RETIRED = (
    *LEDGER,
    _text("retired_by", "What took the batch out of the lake: again (its file was read again) or forget."),
    _time("retired_at", "When it was taken out, UTC."),
)

TABLES: dict[str, tuple[TableColumn, ...]] = {
    "ledger": LEDGER,
    "quarantine": QUARANTINE,
    "resolutions": RESOLUTIONS,
    "retired_batches": RETIRED,
}
"""The lake's own tables by name; there is also one table for each canonical entity."""
