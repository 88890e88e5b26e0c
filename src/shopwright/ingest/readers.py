"""Reading one plain file into the table ``landing``: typed columns, and for each row the rules it breaks."""

from __future__ import annotations

import duckdb

from shopwright.core.errors import SourceFileError
from shopwright.ingest.adapters.mapping import EPOCH, ISO_8601, FileKind, Mapping
from shopwright.ingest.csv_files import read_csv
from shopwright.ingest.jobs import BadRecord, Job, Loaded
from shopwright.ingest.json_files import read_json
from shopwright.ingest.parquet_files import read_parquet

_READERS = {FileKind.CSV: read_csv, FileKind.JSON: read_json, FileKind.PARQUET: read_parquet}


def read_file(job: Job) -> Loaded:
    """Read a file into ``landing``.

    Raises:
        SourceFileError: the file as a whole is not what its mapping says, or what the settings say about it
            cannot be carried out.
    """
    try:
        return _READERS[job.mapping.kind](job)
    except (duckdb.ProgrammingError, duckdb.DataError) as error:
        if not _has_own_sql(job.mapping):
            raise
        reason = str(error).splitlines()[0]
        raise SourceFileError(
            job.label, f"an expression or a format in the settings of its source fails ({reason})"
        ) from None


def _has_own_sql(mapping: Mapping) -> bool:
    own_formats = set(mapping.timestamp_formats) - {ISO_8601, EPOCH}
    return bool(own_formats) or any(field.sql for field in mapping.fields.values())


__all__ = ["BadRecord", "Job", "Loaded", "read_file"]
