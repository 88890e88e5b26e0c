"""Writing one batch: the good rows of a file become a file of the lake, duplicates are dropped, bad rows set apart."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from shopwright.core.sql import quote_name, quote_text
from shopwright.ingest.duplicates import COPY_NUMBER, find_copies, find_duplicates
from shopwright.ingest.notes import ERASED_ROWS
from shopwright.ingest.read_job import ReadResult, UnreliableReadError
from shopwright.ingest.statements import find_repeated_statements
from shopwright.ingest.streaming import (
    QuarantinedRow,
    WriteQuery,
    WrittenRows,
    quarantined_rows,
    read_flags,
    write_stream,
)
from shopwright.lake.delta import AddedFile, Lake, LakeFile, lake_columns, read_sql, write_parquet
from shopwright.lake.tables import STATEMENT

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from shopwright.contracts import Entity
    from shopwright.core.engine import Connection
    from shopwright.ingest.projection import Projection


@dataclass(frozen=True, slots=True)
class Batch:
    """The identity that one file's rows get in the lake."""

    sequence: int
    """Its place in the order of arrival."""
    batch_id: str
    source: str
    commit: int = 0
    """Number of the commit that will add it, where that is not its own: a file that is read again keeps its place."""
    statement: int | None = None
    """Number of the batch that its rows belong to, if they are rows of that file which were quarantined first."""

    @property
    def file_number(self) -> int:
        """The number in its files' names: greater than that of every commit before."""
        return self.commit or self.sequence


@dataclass(frozen=True, slots=True)
class LoadedBatch:
    """What became of one file's records; ``read`` is the sum of the other counts."""

    accepted: int
    duplicate: int
    quarantined: list[QuarantinedRow]
    file: AddedFile | None
    """The new file of the lake; None where no row is new."""
    rules: dict[str, int] | None
    """Accepted rows by the adapter's rule that decided their kind; None where it has no such rules."""
    first_at: datetime | None
    last_at: datetime | None
    notes: dict[str, dict[str, int]] = field(default_factory=dict)
    """Accepted rows of which the reader changed a value, by kind of change and column."""
    columns: list[str] = field(default_factory=list)
    """Columns of a delimited file, in order."""
    new_columns: list[str] = field(default_factory=list)
    """Columns that the mapping does not name."""
    ignored: int = 0
    """Records that were left out since the source says so."""
    erased: int = 0
    """Records that were left out since they are about somebody who was erased; the ledger counts them as ignored."""

    @property
    def read(self) -> int:
        """Records in the file."""
        return self.accepted + self.duplicate + len(self.quarantined) + self.left_out

    @property
    def left_out(self) -> int:
        """Records that are neither loaded, quarantined nor duplicates."""
        return self.ignored + self.erased

    @property
    def all_notes(self) -> dict[str, dict[str, int]]:
        """The notes, with the number of records of erased people."""
        return self.notes | ({ERASED_ROWS: {"somebody": self.erased}} if self.erased else {})


def write_batch(
    connection: Connection,
    read: ReadResult,
    entity: Entity,
    batch: Batch,
    *,
    lake: Lake,
    visible: list[LakeFile],
) -> LoadedBatch:
    """Write the good rows of a file to a new file of the lake, which a later commit makes visible.

    Args:
        connection: the connection the file was read with.
        read: what reading the file gave.
        entity: whose rows they are.
        batch: the batch they belong to.
        lake: where to write.
        visible: files of the entity that earlier batches made or are about to make visible.

    Raises:
        UnreliableReadError: the engine's reader did not account for every record; nothing was written.
    """
    names = [column.name for column in read.projection.columns]
    folder = lake.folder(entity.name)
    path = lake.new_file(entity.name, batch.file_number)
    written = _write(connection, read, entity, batch, path)
    file = written.file
    # copies are numbered first, since their numbers are what makes them different rows
    if read.projection.counts_copies:
        if find_copies(connection, entity, names, path):
            file = _number_copies(connection, path, lake.new_file(entity.name, batch.file_number))
        names.append(COPY_NUMBER)
    span = _time_span(connection, entity, folder / file.name)
    by_order = read.projection.states_whole_orders
    duplicates = _mark_duplicates(
        connection, entity, names, folder / file.name, batch, visible=visible, span=span, replaces=by_order
    )
    if by_order and not written.quarantined:
        duplicates += _mark_repeated_statements(connection, entity, folder / file.name, batch, visible)
    if duplicates:
        target = lake.new_file(entity.name, batch.file_number)
        file = _drop_duplicates(connection, folder / file.name, target, keeps_order=entity.is_keyed(names))
    rules = _count_rules(connection, folder / file.name) if "kind_rule" in names else None
    summary = partial(
        LoadedBatch,
        duplicate=duplicates,
        quarantined=written.quarantined,
        rules=rules,
        notes=_count_notes(connection, read.projection, folder / file.name),
        columns=read.columns,
        new_columns=read.new_columns,
        ignored=written.ignored,
        erased=written.erased,
    )
    if file.rows == 0:
        (folder / file.name).unlink()
        return summary(accepted=0, file=None, first_at=None, last_at=None)
    # the time span is of all good rows, duplicates included: wider than needed, and known without another read
    new_file = replace(file, first_at=_iso(span[0]), last_at=_iso(span[1]), batch_seq=batch.sequence)
    return summary(accepted=file.rows, file=new_file, first_at=span[0], last_at=span[1])


def _mark_repeated_statements(
    connection: Connection, entity: Entity, file: Path, batch: Batch, visible: list[LakeFile]
) -> int:
    """Mark the rows of orders that the lake states as this file does.

    An order of which a row is in quarantine is not yet stated as a whole, so it is never like what the lake has.
    """
    if batch.statement is not None:
        return 0
    return find_repeated_statements(connection, entity, file, sequence=batch.sequence, visible=visible)


def _mark_duplicates(
    connection: Connection,
    entity: Entity,
    names: list[str],
    path: Path,
    batch: Batch,
    *,
    visible: list[LakeFile],
    span: tuple[datetime | None, datetime | None],
    replaces: bool,
) -> int:
    """Mark the duplicates of a new file, among its own rows only where it replaces orders as a whole; return how many."""
    return find_duplicates(
        connection,
        entity,
        names,
        path,
        source=batch.source,
        sequence=batch.sequence,
        visible=[] if replaces else visible,
        span=span,
    )


def _write(connection: Connection, read: ReadResult, entity: Entity, batch: Batch, path: Path) -> WrittenRows:
    """Write the good rows, duplicates included, each as the first copy."""
    is_keyed = entity.is_keyed([column.name for column in read.projection.columns])
    write = partial(write_stream, keeps_order=is_keyed) if read.stream else _write_typed_rows
    to_stored = partial(_stored_sql, entity=entity, projection=read.projection, batch=batch)
    try:
        return write(connection, read, lambda rows: write_parquet(connection, to_stored(rows), path))
    except UnreliableReadError:
        path.unlink(missing_ok=True)
        raise


def _write_typed_rows(connection: Connection, read: ReadResult, write: WriteQuery) -> WrittenRows:
    """Write the good rows of the table ``typed_rows``."""
    bad, ignored, erased = read_flags(connection, "typed_rows")
    file = write(f"select {read.projection.written_names} from typed_rows where _broken = 0")
    return WrittenRows(file, quarantined_rows(read, read.rejected, bad), ignored, erased)


def _number_copies(connection: Connection, path: Path, target: Path) -> AddedFile:
    """Rewrite a file with the numbers of its copies."""
    file = write_parquet(
        connection,
        f"select * exclude (file_row_number, row_number, copy) replace (coalesce(copy, 1) as {COPY_NUMBER}) "
        f"from read_parquet({quote_text(str(path))}, file_row_number = true) "
        "left join copies on file_row_number = row_number",
        target,
    )
    path.unlink()
    return file


def _count_rules(connection: Connection, path: Path) -> dict[str, int] | None:
    """Count a file's rows by the rule that decided their kind, most frequent first."""
    rows = connection.execute(
        f"select coalesce(kind_rule, kind), count(*) as rows from read_parquet({quote_text(str(path))}) "
        "group by all order by rows desc, 1"
    ).fetchall()
    return dict(rows) or None


def _count_notes(connection: Connection, projection: Projection, path: Path) -> dict[str, dict[str, int]]:
    """Count a file's rows by what was noted of them."""
    if not projection.notes:
        return {}
    counts = ", ".join(f"count(*) filter (_notes & {1 << bit} <> 0)" for bit in range(len(projection.notes)))
    row = connection.execute(
        f"select {counts} from read_parquet({quote_text(str(path))}) where _notes <> 0"
    ).fetchone()
    notes: dict[str, dict[str, int]] = {}
    for (kind, column), count in zip(projection.notes, row or (), strict=True):
        if count:
            notes.setdefault(kind, {})[column] = count
    return notes


def _drop_duplicates(connection: Connection, path: Path, target: Path, *, keeps_order: bool) -> AddedFile:
    """Rewrite a file without its duplicates."""
    file = write_parquet(
        connection,
        f"select * exclude (file_row_number) from read_parquet({quote_text(str(path))}, file_row_number = true) "
        "where file_row_number not in (select row_number from duplicates)"
        + (" order by file_row_number" if keeps_order else ""),
        target,
    )
    path.unlink()
    return file


def _time_span(connection: Connection, entity: Entity, path: Path) -> tuple[datetime | None, datetime | None]:
    """Return the earliest and latest time of a file's rows; None where any of them has no time."""
    if entity.time_column is None:
        return None, None
    time = quote_name(entity.time_column)
    fetched = connection.execute(
        f"select min({time}), max({time}), count(*) = count({time}) from ({read_sql(entity.name, [path])})"
    ).fetchone()
    return (fetched[0], fetched[1]) if fetched and fetched[2] else (None, None)


def _stored_sql(rows: str, entity: Entity, projection: Projection, batch: Batch) -> str:
    """Return SQL of a query's rows as the lake stores them: the columns that the source fills, and the technical ones.

    Columns that are null throughout are left out: writing them would cost as much as two filled ones.
    """
    by_name = {item.name: item for item in lake_columns(entity.name)}
    columns = [f"{by_name[item.name].write_sql()} as {quote_name(item.name)}" for item in projection.columns]
    columns += [f"1::bigint as {COPY_NUMBER}"] if projection.counts_copies else []
    if projection.states_whole_orders:
        columns.append(f"{batch.statement or batch.sequence}::bigint as {STATEMENT.name}")
    # what is noted of a row is counted in its file, and no column of the lake
    columns += ["_notes"] if projection.notes else []
    columns += [
        f"{batch.sequence}::bigint as _batch_seq",
        f"{quote_text(batch.batch_id)} as _batch_id",
        f"{quote_text(batch.source)} as _source",
    ]
    return f"select {', '.join(columns)} from ({rows})"


def _iso(timestamp: datetime | None) -> str | None:
    return timestamp.isoformat(timespec="microseconds") + "Z" if timestamp else None
