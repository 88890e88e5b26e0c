"""What our ingest is measured against, each run as a process of its own: ``python -m benchmarks.rivals NAME ...``."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import duckdb

EXPERIMENT_BUCKETS = 10_000


def bare_copy(raw: str, out: str) -> None:
    """DuckDB's own CSV reader into one zstd Parquet file: no checks, nothing kept of bad rows."""
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute(
            f"copy (select * from read_csv('{raw}/*.csv')) to '{out}/bare.parquet' (format parquet, compression zstd)"
        )


def pandas_way(raw: str, out: str) -> None:
    """Chunks of a million rows, a bucket from the MD5 of each user id, appended to one Parquet file."""
    import pandas as pd  # noqa: PLC0415  # not part of an install without the benchmarks' extra
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    writer: pq.ParquetWriter | None = None
    for file in sorted(Path(raw).glob("*.csv")):
        for chunk in pd.read_csv(file, chunksize=1_000_000):
            chunk["event_time"] = pd.to_datetime(chunk["event_time"], format="%Y-%m-%d %H:%M:%S UTC")
            for name in ("category_code", "brand", "user_session"):
                chunk[name] = chunk[name].astype("string")
            chunk["bucket"] = [
                int(hashlib.md5(str(user).encode(), usedforsecurity=False).hexdigest(), 16)
                % EXPERIMENT_BUCKETS
                for user in chunk["user_id"]
            ]
            table = pa.Table.from_pandas(chunk, preserve_index=False)
            writer = writer or pq.ParquetWriter(f"{out}/pandas.parquet", table.schema, compression="zstd")
            writer.write_table(table)
    if writer is not None:
        writer.close()


RIVALS = {"bare": bare_copy, "pandas": pandas_way}

if __name__ == "__main__":
    RIVALS[sys.argv[1]](*sys.argv[2:])
