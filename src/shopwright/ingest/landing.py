"""From a source file to a file of the lake: good rows written, copies left out, bad rows kept apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from shopwright.core.sql import quote_name, quote_text
from shopwright.ingest.effects import IS_CHANGED
from shopwright.ingest.jobs import Loaded, UnreliableReadError
from shopwright.ingest.repeated import COPY_NUMBER, find_copies, find_repeated
from shopwright.ingest.streaming import QuarantinedRow, Write, Written, quarantined_rows, write_stream
from shopwright.lake.delta import AddedFile, Lake, LakeFile, lake_columns, read_sql, write_parquet

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import duckdb

    from shopwright.contracts import Entity
    from shopwright.ingest.effects import Effect
    from shopwright.ingest.ledger import SimulatedEffect
    from shopwright.ingest.projection import Projection


@dataclass(frozen=True, slots=True)
class Batch:
    """What one file becomes in the lake."""

    sequence: int
    batch_id: str
    source: str
    effect: Effect | None = None
    """What is simulated on its events."""


@dataclass(frozen=True, slots=True)
class Landed:
    """What landing a file gave; ``read`` is the sum of the other three counts."""

    accepted: int
    duplicate: int
    quarantined: list[QuarantinedRow]
    file: AddedFile | None
    rules: dict[str, int] | None
    """Accepted rows by the adapter's rule that told their kind; None where it has no such rules."""
    first_at: datetime | None
    last_at: datetime | None
    effect: SimulatedEffect | None = None
    """What was simulated on its rows."""

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
    folder = lake.folder(entity.name)
    path = lake.new_file(entity.name, batch.sequence)
    written = _write(connection, loaded, entity, batch, path)
    file = written.file
    if loaded.projection.counts_copies:
        if find_copies(connection, entity, names, path):
            file = _number_copies(connection, path, lake.new_file(entity.name, batch.sequence))
        names.append(COPY_NUMBER)
    span = _time_span(connection, entity, folder / file.name)
    repeated = find_repeated(
        connection,
        entity,
        names,
        folder / file.name,
        earlier=_overlapping(visible, *span, entity),
        span=span,
    )
    effect = None
    if batch.effect:
        effect = batch.effect.record(_count_changed(connection, folder / file.name))
    if repeated or effect:
        left_out = ["file_row_number", *([IS_CHANGED] if effect else [])]
        kept = lake.new_file(entity.name, batch.sequence)
        file = _drop_repeated(connection, folder / file.name, kept, left_out)
    rules = _count_rules(connection, folder / file.name) if "kind_rule" in names else None
    if file.rows == 0:
        (folder / file.name).unlink()
        return Landed(0, repeated, written.quarantined, None, rules, None, None, effect)
    stamped = AddedFile(file.name, file.size_bytes, file.rows, _iso(span[0]), _iso(span[1]))
    return Landed(file.rows, repeated, written.quarantined, stamped, rules, *span, effect)


def _write(
    connection: duckdb.DuckDBPyConnection, loaded: Loaded, entity: Entity, batch: Batch, path: Path
) -> Written:
    """Write the good rows, copies included, each as the first copy."""
    write = write_stream if loaded.stream else _write_landing
    stored = partial(_stored, entity=entity, projection=loaded.projection, batch=batch)
    try:
        return write(connection, loaded, lambda rows: write_parquet(connection, stored(rows), path))
    except UnreliableReadError:
        path.unlink(missing_ok=True)
        raise


def _write_landing(connection: duckdb.DuckDBPyConnection, loaded: Loaded, write: Write) -> Written:
    """Write the good rows of the table ``landing``."""
    bad = connection.execute(
        "select rowid, _broken from landing where _broken <> 0 order by rowid"
    ).fetchall()
    names = ", ".join(quote_name(column.name) for column in loaded.projection.columns)
    file = write(f"select {names} from landing where _broken = 0")
    return Written(file, quarantined_rows(loaded, loaded.rejected, bad))


def _number_copies(connection: duckdb.DuckDBPyConnection, path: Path, numbered: Path) -> AddedFile:
    """Write a file again with the numbers of its copies, and remove it."""
    file = write_parquet(
        connection,
        f"select * exclude (file_row_number, row_number, copy) replace (coalesce(copy, 1) as {COPY_NUMBER}) "
        f"from read_parquet({quote_text(str(path))}, file_row_number = true) "
        "left join copies on file_row_number = row_number",
        numbered,
    )
    path.unlink()
    return file


def _count_rules(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, int] | None:
    """Rows of a file by the rule that told their kind, most frequent first."""
    found = connection.execute(
        f"select coalesce(kind_rule, kind), count(*) as rows from read_parquet({quote_text(str(path))}) "
        "group by all order by rows desc, 1"
    ).fetchall()
    return dict(found) or None


def _count_changed(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Rows of a file, without its repeated ones, that a simulated effect changed."""
    fetched = connection.execute(
        f"select count(*) from read_parquet({quote_text(str(path))}, file_row_number = true) "
        f"where {IS_CHANGED} and file_row_number not in (select row_number from repeated)"
    ).fetchone()
    return int(fetched[0]) if fetched else 0


def _drop_repeated(
    connection: duckdb.DuckDBPyConnection, path: Path, kept: Path, left_out: list[str]
) -> AddedFile:
    """Write a file again without its repeated rows and some columns, and remove it."""
    file = write_parquet(
        connection,
        f"select * exclude ({', '.join(left_out)}) from read_parquet({quote_text(str(path))}, file_row_number = true) "
        "where file_row_number not in (select row_number from repeated)",
        kept,
    )
    path.unlink()
    return file


def _overlapping(
    visible: list[LakeFile], first_at: datetime | None, last_at: datetime | None, entity: Entity
) -> list[LakeFile]:
    """Files that may hold some of the same rows: their time spans meet, or one has none."""
    if entity.time_column is None or first_at is None or last_at is None:
        return visible
    return [
        file
        for file in visible
        if file.first_at is None
        or file.last_at is None
        or not (file.last_at < first_at or file.first_at > last_at)
    ]


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


def _stored(rows: str, entity: Entity, projection: Projection, batch: Batch) -> str:
    """A query's rows as the lake stores them: the columns that the source fills, and the technical ones.

    Columns that are null throughout are left out: writing them would cost as much as two filled ones.
    """
    stated = {item.name: item for item in lake_columns(entity.name)}
    columns = [f"{stated[item.name].write_sql()} as {quote_name(item.name)}" for item in projection.columns]
    if batch.effect:
        rows = batch.effect.apply(rows, [item.name for item in projection.columns])
        columns.append(IS_CHANGED)
    columns += [f"1::bigint as {COPY_NUMBER}"] if projection.counts_copies else []
    columns += [
        f"{batch.sequence}::bigint as _batch_seq",
        f"{quote_text(batch.batch_id)} as _batch_id",
        f"{quote_text(batch.source)} as _source",
    ]
    return f"select {', '.join(columns)} from ({rows})"


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="microseconds") + "Z" if moment else None
