"""The quarantine: what is in it, and replaying rows after their mapping or settings were fixed."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from shopwright.core.engine import connect
from shopwright.core.errors import ConfigurationError, SourceFileError, near_match
from shopwright.core.lock import exclusive_lock
from shopwright.ingest.adapters import Mapping, find_adapter
from shopwright.ingest.adapters.mapping import FileKind
from shopwright.ingest.batches import Batch
from shopwright.ingest.expressions import refused_expressions
from shopwright.ingest.files import data_name
from shopwright.ingest.fingerprint import fingerprint
from shopwright.ingest.ledger import LedgerRow, write_resolutions
from shopwright.ingest.loader import BatchLoader, workspace
from shopwright.ingest.records import check_json_record, check_record
from shopwright.ingest.segments import all_sources
from shopwright.ingest.text_scan import TextFacts
from shopwright.lake.delta import Lake, read_sql

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from shopwright.core.engine import Connection
    from shopwright.ingest.batches import LoadedBatch
    from shopwright.settings import Project, SourceSettings


@dataclass(frozen=True, slots=True)
class OpenRow:
    """A quarantined record that no replay has resolved."""

    quarantine_id: str
    batch_id: str
    source: str
    entity: str
    file: str
    line_number: int
    rules: tuple[str, ...]
    raw: str
    raw_encoding: str


_OPEN_COLUMNS = tuple(item.name for item in fields(OpenRow))


@dataclass(frozen=True, slots=True)
class OpenCount:
    """How many open records of a file broke the same rules."""

    source: str
    file: str
    rules: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay did with the open records."""

    replayed: int
    accepted: int
    duplicate: int
    still_open: int
    ignored: int = 0
    """Records of event types that their source ignores now."""


def _open_sql(lake: Lake) -> str:
    quarantine = read_sql("quarantine", [file.path for file in lake.files("quarantine")])
    resolved = read_sql("resolutions", [file.path for file in lake.files("resolutions")])
    return (
        f"select * from ({quarantine}) where quarantine_id not in "
        f"(select quarantine_id from ({resolved}) where quarantine_id is not null)"
    )


def count_open(project: Project, *, source: str | None = None) -> list[OpenCount]:
    """Count open records by source, file and broken rules, most frequent first.

    Args:
        project: the shop.
        source: only records of this source; all if None.
    """
    with connect() as connection:
        rows = connection.execute(
            f"select source, file, rules, count(*) as rows from ({_open_sql(Lake(project.lake))}) "
            "where $source is null or source = $source group by all order by rows desc, source, file, rules",
            {"source": source},
        ).fetchall()
    return [OpenCount(name, file, tuple(rules), count) for name, file, rules, count in rows]


def list_open(
    project: Project, *, source: str | None = None, rule: str | None = None, limit: int | None = None
) -> list[OpenRow]:
    """Return open records, in the order of batches and lines.

    Args:
        project: the shop.
        source: only records of this source; all if None.
        rule: only records that broke this rule, among others; all if None.
        limit: maximum number of records; no limit if None.
    """
    with connect() as connection:
        return _list_open(connection, Lake(project.lake), source, rule, limit)


def _list_open(
    connection: Connection, lake: Lake, source: str | None, rule: str | None, limit: int | None
) -> list[OpenRow]:
    rows = connection.execute(
        f"select {', '.join(_OPEN_COLUMNS)} from ({_open_sql(lake)}) where ($source is null or source = $source) "
        "and ($rule is null or list_contains(rules, $rule)) order by batch_seq, line_number limit $limit",
        {"source": source, "rule": rule, "limit": limit if limit is not None else 1 << 40},
    ).fetchall()
    named = (dict(zip(_OPEN_COLUMNS, row, strict=True)) for row in rows)
    return [OpenRow(**row | {"rules": tuple(row["rules"])}) for row in named]


def find_open(project: Project, quarantine_id: str) -> OpenRow:
    """Return the open record with this id.

    Raises:
        ConfigurationError: there is none; the message suggests a similar id.
    """
    rows = list_open(project)
    for row in rows:
        if row.quarantine_id == quarantine_id:
            return row
    hint = near_match(quarantine_id, [row.quarantine_id for row in rows[:1000]])
    raise ConfigurationError(f"no open record '{quarantine_id}' in quarantine{hint}")


def replay(
    project: Project, *, now: datetime, source: str | None = None, rule: str | None = None
) -> ReplayReport:
    """Read open records again with the current settings, and load those that are valid now, each once.

    Args:
        project: the shop.
        now: the time of the run, naive UTC.
        source: only records of this source; all if None.
        rule: only records that broke this rule; all if None.

    Raises:
        BusyError: another process writes to the project.
        ConfigurationError: a record's source is no longer configured.
    """
    with (
        exclusive_lock(project.work / "lock", "quarantine replay"),
        workspace(project) as (connection, staging),
    ):
        loader = BatchLoader(project, connection, now)
        rows = _list_open(connection, loader.lake, source, rule, None)
        by_batch = defaultdict[str, list[OpenRow]](list)
        for row in rows:
            by_batch[row.batch_id].append(row)
        replayed = [_replay_batch(loader, staging, batch, group) for batch, group in by_batch.items()]
        loader.commit()
    return ReplayReport(
        replayed=len(rows),
        accepted=sum(row.rows_accepted for row in replayed),
        duplicate=sum(row.rows_duplicate for row in replayed),
        still_open=sum(row.rows_quarantined for row in replayed),
        ignored=sum(row.rows_ignored for row in replayed),
    )


def _replay_batch(loader: BatchLoader, staging: Path, batch_id: str, rows: list[OpenRow]) -> LedgerRow:
    first = next(row for row in loader.ledger.rows if row.batch_id == batch_id)
    source = _source(loader.project, first.source)
    _check_expressions(source)
    mapping = find_adapter(source.adapter).mapping_for(source, data_name(first.file))
    loader.set_key(mapping)
    settings = fingerprint(mapping, source, loader.project)
    is_parquet = mapping.kind is FileKind.PARQUET
    if is_parquet:
        mapping = replace(mapping, kind=FileKind.JSON)  # rows of Parquet are kept as JSON objects
    elif mapping.kind is FileKind.XLSX:
        mapping = replace(mapping, kind=FileKind.CSV)
    ledger_row = _new_row(first, len(rows), loader, settings)
    loaded, bad = _reload(
        loader,
        staging,
        mapping,
        ledger_row,
        rows,
        source=source,
        is_parquet=is_parquet,
        replayed_batch=first.batch_seq,
    )
    ledger_row = replace(
        ledger_row,
        rows_accepted=loaded.accepted,
        rows_duplicate=loaded.duplicate,
        rows_ignored=loaded.left_out,
        rows_quarantined=len(bad),
        rules=json.dumps(loaded.rules) if loaded.rules else None,
        notes=json.dumps(loaded.all_notes) if loaded.all_notes else None,
        first_at=loaded.first_at,
        last_at=loaded.last_at,
    )
    # records that are still bad stay where they are, under their old ids; only resolved ones are written
    intent = loader.record(ledger_row, replace(loaded, quarantined=[]))
    resolved = [row for row in rows if row.quarantine_id not in bad]
    if resolved:
        values: list[tuple[Any, ...]] = [(row.quarantine_id, ledger_row.batch_id) for row in resolved]
        intent.add(
            "resolutions", write_resolutions(loader.connection, loader.lake, ledger_row.batch_seq, values)
        )
    return ledger_row


def _new_row(first: LedgerRow, rows: int, loader: BatchLoader, settings: str) -> LedgerRow:
    """Return the ledger row of a replay before anything of it is read.

    Args:
        first: ledger row of the batch that is replayed.
        rows: number of its records.
        loader: gives number and time.
        settings: fingerprint of the settings of today.
    """
    sequence = loader.sequence + 1
    return replace(
        first,
        batch_seq=sequence,
        batch_id=f"{first.source}-{sequence}-replay",
        outcome="replayed",
        reason=f"replay of {rows} rows of {first.batch_id}",
        ingested_at=loader.now,
        rows_read=rows,
        rows_accepted=0,
        rows_quarantined=rows,
        rows_duplicate=0,
        rows_ignored=0,
        rules=None,
        watermark=None,
        mapping=settings,
        notes=None,
        new_columns=None,
        first_at=None,
        last_at=None,
    )


def _reload(
    loader: BatchLoader,
    staging: Path,
    mapping: Mapping,
    row: LedgerRow,
    rows: list[OpenRow],
    *,
    source: SourceSettings,
    is_parquet: bool,
    replayed_batch: int,
) -> tuple[LoadedBatch, set[str]]:
    """Load the rows' text as a file of its own.

    Returns:
        What became of the rows, and the ids of those that are still bad.
    """
    # a header belongs to the file; column names of a file without one are a setting, and may have been fixed
    columns = row.column_names if mapping.csv.header else mapping.csv.columns
    if is_parquet:
        columns = tuple(dict.fromkeys(key for item in rows for key in json.loads(item.raw)))
    limit = loader.project.settings.ingest.max_record_bytes
    check = check_json_record if mapping.kind is FileKind.JSON else check_record
    split_records = tuple(check(item.line_number, _raw(item, source.encoding), limit) for item in rows)
    job = loader.job(row.file, staging / "replay", staging, mapping, TextFacts(), source=source.name)
    job = replace(job, columns=columns, split_records=split_records)
    try:
        loaded = loader.load(job, Batch(row.batch_seq, row.batch_id, row.source, statement=replayed_batch))
    except SourceFileError as error:
        raise ConfigurationError(f"source '{row.source}' no longer fits its rows: {error}") from None
    ids = {item.line_number: item.quarantine_id for item in rows}
    return loaded, {ids[item.line] for item in loaded.quarantined}


def _raw(row: OpenRow, encoding: str) -> bytes:
    """Return the row's bytes; those that are not UTF-8 are decoded with the source's encoding."""
    raw = row.raw.encode(row.raw_encoding)
    if row.raw_encoding != "utf-8":
        with suppress(UnicodeError):
            raw = raw.decode(encoding).encode()
    return raw


def _check_expressions(source: SourceSettings) -> None:
    if refused := refused_expressions(source):
        raise ConfigurationError(refused[0])


def _source(project: Project, name: str) -> SourceSettings:
    for source in all_sources(project):
        if source.name == name:
            return source
    raise ConfigurationError(
        f"rows of source '{name}' cannot be replayed: shopwright.toml no longer has that source"
    )
