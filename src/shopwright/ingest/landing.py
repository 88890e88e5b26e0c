"""From a source file to a file of the lake: good rows written, copies left out, bad rows kept apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np

from shopwright.contracts import Entity
from shopwright.core.sql import quote_name, quote_text
from shopwright.lake.delta import AddedFile, Lake, LakeFile, lake_columns, read_sql, write_parquet
from shopwright.ingest.jobs import Loaded, UnreliableReadError
from shopwright.ingest.streaming import QuarantinedRow, Write, Written, quarantined_rows, row_hash, write_stream


@dataclass(frozen=True, slots=True)
class Batch:
    """What one file becomes in the lake."""

    sequence: int
    batch_id: str
    source: str


@dataclass(frozen=True, slots=True)
class Landed:
    """What landing a file gave; ``read`` is the sum of the other three counts."""

    accepted: int
    duplicate: int
    quarantined: list[QuarantinedRow]
    file: AddedFile | None
    first_at: datetime | None
    last_at: datetime | None

    @property
    def read(self) -> int:
        """Records in the file."""
        return self.accepted + self.duplicate + len(self.quarantined)


def land(
    connection: duckdb.DuckDBPyConnection,
    loaded: Loaded,
    entity: Entity,
    batch: Batch,
    *,
    lake: Lake,
    visible: list[LakeFile],
) -> Landed:
    """Write the good rows of a file to a new file of the lake.

    Args:
        connection: the connection the file was read with.
        loaded: what reading the file gave.
        entity: whose rows they are.
        batch: the batch they belong to.
        lake: where to write.
        visible: files of the entity that earlier batches made or are about to make visible.

    Raises:
        UnreliableReadError: the engine's reader did not account for every record; nothing was written.
    """
    names = [column.name for column in loaded.projection.columns]
    write = write_stream if loaded.stream else _write_landing
    path = lake.new_file(entity.name, batch.sequence)
    try:
        written = write(connection, loaded, lambda rows: write_parquet(connection, _stored(rows, entity, names, batch), path))
    except UnreliableReadError:
        path.unlink(missing_ok=True)
        raise
    file, repeated = _without_repeated(connection, entity, written.file, lake, batch, visible, names)
    duplicate = written.duplicate + repeated
    if file.rows == 0:
        (lake.folder(entity.name) / file.name).unlink()
        return Landed(0, duplicate, written.quarantined, None, None, None)
    first_at, last_at = _time_span(connection, entity, lake.folder(entity.name) / file.name)
    stamped = AddedFile(file.name, file.size_bytes, file.rows, _iso(first_at), _iso(last_at))
    return Landed(file.rows, duplicate, written.quarantined, stamped, first_at, last_at)


def _scalar(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    fetched = connection.execute(query).fetchone()
    return int(fetched[0]) if fetched else 0


def _write_landing(connection: duckdb.DuckDBPyConnection, loaded: Loaded, write: Write) -> Written:
    """Write the good rows of the table ``landing``."""
    bad = connection.execute("select rowid, _broken from landing where _broken <> 0 order by rowid").fetchall()
    names = [column.name for column in loaded.projection.columns]
    connection.execute("create or replace temp table repeated (row_id bigint)")
    _find_repeated_within(connection, names)
    file = write(
        f"select {', '.join(map(quote_name, names))} from landing "
        "where _broken = 0 and rowid not in (select row_id from repeated)"
    )
    duplicate = _scalar(connection, "select count(*) from repeated")
    return Written(file, duplicate, quarantined_rows(loaded, loaded.rejected, bad))


# --- duplicates -------------------------------------------------------------------------------------------


def _find_repeated_within(connection: duckdb.DuckDBPyConnection, names: list[str]) -> None:
    """Exact copies inside the file: rows whose hash occurs twice, then compared column by column.

    Sorting the hashes outside the engine takes a third of the time that grouping by them does.
    """
    hashes = connection.execute(f"select {row_hash(names)} as h from landing where _broken = 0").fetchnumpy()["h"]
    ordered = np.sort(np.asarray(hashes, dtype=np.uint64))
    suspects = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(suspects):
        return
    connection.register("suspects", {"h": suspects})
    columns = ", ".join(map(quote_name, names))
    connection.execute(
        f"insert into repeated select row_id from (select rowid as row_id, row_number() over "
        f"(partition by {columns} order by rowid) as copy from landing "
        f"where _broken = 0 and {row_hash(names)} in (select h from suspects)) where copy > 1"
    )
    connection.unregister("suspects")


def _overlapping(
    visible: list[LakeFile], first_at: datetime | None, last_at: datetime | None, entity: Entity
) -> list[LakeFile]:
    """Files that may hold some of the same rows: their time spans meet, or one has none."""
    if entity.time_column is None or first_at is None or last_at is None:
        return visible
    return [
        file
        for file in visible
        if file.first_at is None or file.last_at is None or not (file.last_at < first_at or file.first_at > last_at)
    ]


def _without_repeated(
    connection: duckdb.DuckDBPyConnection,
    entity: Entity,
    file: AddedFile,
    lake: Lake,
    batch: Batch,
    visible: list[LakeFile],
    filled: list[str],
) -> tuple[AddedFile, int]:
    """Leave out rows that an earlier batch landed already.

    Returns:
        The file without them, and how many they were.
    """
    path = lake.folder(entity.name) / file.name
    span = _time_span(connection, entity, path)
    earlier = _overlapping(visible, *span, entity) if file.rows else []
    if not earlier:
        return file, 0
    landed = [column.name for column in entity.landed]
    connection.execute(
        f"create or replace temp table fresh as {_fresh(entity, landed, path, earlier, span)}"
    )
    repeated = file.rows - _scalar(connection, "select count(*) from fresh")
    if repeated:
        kept = lake.new_file(entity.name, batch.sequence)
        file = write_parquet(connection, _stored("select * from fresh", entity, filled, batch), kept)
        path.unlink()
    connection.execute("drop table fresh")
    return file, repeated


def _fresh(
    entity: Entity,
    names: list[str],
    path: Path,
    earlier: list[LakeFile],
    span: tuple[datetime | None, datetime | None],
) -> str:
    same = " and ".join(f"earlier.{quote_name(n)} is not distinct from new.{quote_name(n)}" for n in names)
    within = "true"
    if entity.time_column and span[0] and span[1]:
        time = quote_name(entity.time_column)
        within = f"({time} is null or {time} between timestamp '{span[0]}' and timestamp '{span[1]}')"
    new = read_sql(entity.name, [path])
    old = read_sql(entity.name, [item.path for item in earlier])
    return (
        f"select * from (select {row_hash(names)} as _hash, * from ({new})) as new anti join "
        f"(select {row_hash(names)} as _hash, * from ({old}) where {within}) as earlier "
        f"on earlier._hash = new._hash and {same}"
    )


def _time_span(
    connection: duckdb.DuckDBPyConnection, entity: Entity, path: Path
) -> tuple[datetime | None, datetime | None]:
    """Least and greatest time of a file's rows; none where any of them has no time."""
    if entity.time_column is None:
        return None, None
    time = quote_name(entity.time_column)
    fetched = connection.execute(
        f"select min({time}), max({time}), count(*) = count({time}) from ({read_sql(entity.name, [path])})"
    ).fetchone()
    return (fetched[0], fetched[1]) if fetched and fetched[2] else (None, None)


# --- writing ----------------------------------------------------------------------------------------------


def _stored(rows: str, entity: Entity, names: list[str], batch: Batch) -> str:
    """A query's rows as the lake stores them: the columns that the source fills, and the technical ones.

    Columns that are null throughout are left out: writing them would cost as much as two filled ones.
    """
    stated = {item.name: item for item in lake_columns(entity.name)}
    columns = [f"{stated[name].write_sql()} as {quote_name(name)}" for name in names]
    columns += [
        f"{batch.sequence}::bigint as _batch_seq",
        f"{quote_text(batch.batch_id)} as _batch_id",
        f"{quote_text(batch.source)} as _source",
    ]
    return f"select {', '.join(columns)} from ({rows})"


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="microseconds") + "Z" if moment else None
