"""Reading one plain file: typed columns, and for each row the rules that it breaks."""

from __future__ import annotations

import duckdb

from shopwright.core.errors import SourceFileError
from shopwright.ingest.adapters.mapping import EPOCH, ISO_8601, FileKind, Mapping
from shopwright.ingest.csv_files import read_csv
from shopwright.ingest.json_files import read_json
from shopwright.ingest.parquet_files import read_parquet
from shopwright.ingest.read_job import BadRecord, ReadJob, ReadResult

_READERS = {FileKind.CSV: read_csv, FileKind.JSON: read_json, FileKind.PARQUET: read_parquet}


def read_file(job: ReadJob) -> ReadResult:
    """Read a file with the reader of its format.

    Raises:
        SourceFileError: the file as a whole is not what its mapping says, or an expression in its source's settings fails.
    """
    try:
        return _READERS[job.mapping.kind](job)
    except (duckdb.ProgrammingError, duckdb.DataError) as error:
        if not _has_custom_sql(job.mapping):
            raise
        reason = str(error).splitlines()[0]
        raise SourceFileError(
            job.label,
            f"an SQL expression or a timestamp format in the settings of its source fails ({reason})",
        ) from None


def _has_custom_sql(mapping: Mapping) -> bool:
    custom_formats = set(mapping.timestamp_formats) - {ISO_8601, EPOCH}
    return bool(custom_formats) or any(field.sql for field in mapping.fields.values())


__all__ = ["BadRecord", "ReadJob", "ReadResult", "read_file"]
