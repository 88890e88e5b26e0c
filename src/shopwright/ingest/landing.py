"""From the table ``landing`` to files of the lake: duplicates found, good rows written, bad rows kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np

from shopwright.contracts import Entity
from shopwright.core.sql import quote_name, quote_text
from shopwright.lake.delta import AddedFile, Lake, LakeFile, lake_columns, read_sql, write_parquet
from shopwright.ingest.readers import Loaded
from shopwright.lake.tables import TECHNICAL


@dataclass(frozen=True, slots=True)
class Batch:
    """What one file becomes in the lake."""

    sequence: int
    batch_id: str
    source: str


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A record put aside, as it stood in the file."""

    line: int
    raw: str
    raw_encoding: str
    rules: tuple[str, ...]


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
    """Write the good rows of ``landing`` to a new file of the lake.

    Args:
        connection: the connection that holds ``landing``.
        loaded: what reading the file gave.
        entity: whose rows they are.
        batch: the batch they belong to.
        lake: where to write.
        visible: files of the entity that earlier batches made or are about to make visible.
    """
    quarantined = _quarantined(connection, loaded)
    connection.execute("create or replace temp table repeated (row_id bigint)")
    names = [column.name for column in loaded.projection.columns]
    _find_repeated_within(connection, names)
    first_at, last_at = _time_span(connection, entity, names)
    _find_repeated_before(connection, entity, names, _overlapping(visible, first_at, last_at, entity))
    file = _write(connection, entity, names, batch, lake)
    duplicate = _scalar(connection, "select count(*) from repeated")
    if file.rows == 0:
        (lake.folder(entity.name) / file.name).unlink()
        return Landed(0, duplicate, quarantined, None, None, None)
    stamped = AddedFile(file.name, file.size_bytes, file.rows, _iso(first_at), _iso(last_at))
    return Landed(file.rows, duplicate, quarantined, stamped, first_at, last_at)


def _scalar(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    fetched = connection.execute(query).fetchone()
    return int(fetched[0]) if fetched else 0


# --- quarantine -------------------------------------------------------------------------------------------


def _quarantined(connection: duckdb.DuckDBPyConnection, loaded: Loaded) -> list[QuarantinedRow]:
    found = connection.execute("select rowid, _broken from landing where _broken <> 0 order by rowid").fetchall()
    rows = [_as_row(record.line, record.raw, record.rules) for record in loaded.rejected]
    if found:
        lines = loaded.lines_of([row for row, _ in found])
        raw = loaded.raw_of(lines)
        rows += [
            _as_row(line, raw[line], tuple(loaded.projection.broken_rules(bits)))
            for line, (_, bits) in zip(lines, found, strict=True)
        ]
    return sorted(rows, key=lambda row: row.line)


def _as_row(line: int, raw: bytes, rules: tuple[str, ...]) -> QuarantinedRow:
    try:
        return QuarantinedRow(line, raw.decode("utf-8"), "utf-8", rules)
    except UnicodeDecodeError:
        return QuarantinedRow(line, raw.decode("latin-1"), "latin-1", rules)


# --- duplicates -------------------------------------------------------------------------------------------


def _hash(names: list[str]) -> str:
    """The engine's own hash of a row; compared only within one run, never stored."""
    return f"hash({', '.join(map(quote_name, names))})"


def _find_repeated_within(connection: duckdb.DuckDBPyConnection, names: list[str]) -> None:
    """Exact copies inside the file: rows whose hash occurs twice, then compared column by column.

    Sorting the hashes outside the engine takes a third of the time that grouping by them does.
    """
    hashes = connection.execute(f"select {_hash(names)} as h from landing where _broken = 0").fetchnumpy()["h"]
    ordered = np.sort(np.asarray(hashes, dtype=np.uint64))
    suspects = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(suspects):
        return
    connection.register("suspects", {"h": suspects})
    columns = ", ".join(map(quote_name, names))
    connection.execute(
        f"insert into repeated select row_id from (select rowid as row_id, row_number() over "
        f"(partition by {columns} order by rowid) as copy from landing "
        f"where _broken = 0 and {_hash(names)} in (select h from suspects)) where copy > 1"
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


def _find_repeated_before(
    connection: duckdb.DuckDBPyConnection, entity: Entity, names: list[str], files: list[LakeFile]
) -> None:
    """Rows that an earlier batch landed already."""
    if not files:
        return
    absent = [column.name for column in entity.landed if column.name not in names]
    only_ours = " and ".join(f"{quote_name(name)} is null" for name in absent) or "true"
    span = "true"
    if entity.time_column in names:
        time = quote_name(entity.time_column)
        good = "from landing where _broken = 0"
        span = f"({time} is null or {time} between (select min({time}) {good}) and (select max({time}) {good}))"
    same = " and ".join(f"earlier.{quote_name(name)} is not distinct from landing.{quote_name(name)}" for name in names)
    connection.execute(
        f"insert into repeated select landing.rowid from landing semi join "
        f"(select {_hash(names)} as h, * from ({read_sql(entity.name, [file.path for file in files])}) "
        f"where {only_ours} and {span}) as earlier "
        f"on earlier.h = {_hash_of('landing', names)} and {same} "
        f"where landing._broken = 0 and landing.rowid not in (select row_id from repeated)"
    )


def _hash_of(table: str, names: list[str]) -> str:
    return f"hash({', '.join(f'{table}.{quote_name(name)}' for name in names)})"


def _time_span(
    connection: duckdb.DuckDBPyConnection, entity: Entity, names: list[str]
) -> tuple[datetime | None, datetime | None]:
    """Least and greatest time of the good rows; none where any of them has no time."""
    if entity.time_column not in names:
        return None, None
    time = quote_name(entity.time_column)
    fetched = connection.execute(
        f"select min({time}), max({time}), count(*) = count({time}) from landing where _broken = 0"
    ).fetchone()
    return (fetched[0], fetched[1]) if fetched and fetched[2] else (None, None)


# --- writing ----------------------------------------------------------------------------------------------


def _write(
    connection: duckdb.DuckDBPyConnection, entity: Entity, names: list[str], batch: Batch, lake: Lake
) -> AddedFile:
    stated = lake_columns(entity.name)[: -len(TECHNICAL)]
    columns = [
        f"{item.write_sql() if item.name in names else f'null::{item.sql_type}'} as {quote_name(item.name)}"
        for item in stated
    ]
    columns += [
        f"{batch.sequence}::bigint as _batch_seq",
        f"{quote_text(batch.batch_id)} as _batch_id",
        f"{quote_text(batch.source)} as _source",
    ]
    good = "_broken = 0"
    if _scalar(connection, "select count(*) from repeated"):
        good += " and rowid not in (select row_id from repeated)"
    file: Path = lake.new_file(entity.name, batch.sequence)
    return write_parquet(connection, f"select {', '.join(columns)} from landing where {good}", file)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="microseconds") + "Z" if moment else None
