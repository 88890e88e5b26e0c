"""The quarantine: what is in it, and replaying rows after a rule or a mapping was mended."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from shopwright.core.engine import connect
from shopwright.core.errors import ConfigurationError, SourceFileError, near_match
from shopwright.core.lock import exclusive
from shopwright.ingest.adapters import Mapping, find_adapter
from shopwright.ingest.adapters.mapping import FileKind
from shopwright.ingest.collected import all_sources
from shopwright.ingest.effects import check_effect
from shopwright.ingest.files import data_name
from shopwright.ingest.ledger import LedgerRow, write_resolutions
from shopwright.ingest.records import check_json_record, check_record
from shopwright.ingest.run import Lander, workspace
from shopwright.ingest.scan import TextFacts
from shopwright.lake.delta import Lake, read_sql

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import duckdb

    from shopwright.ingest.landing import Landed
    from shopwright.settings import Project, SourceSettings


@dataclass(frozen=True, slots=True)
class OpenRow:
    """A record in quarantine that no replay has resolved."""

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

    tried: int
    accepted: int
    duplicate: int
    still_open: int


def _open_sql(lake: Lake) -> str:
    quarantine = read_sql("quarantine", [file.path for file in lake.files("quarantine")])
    resolved = read_sql("resolutions", [file.path for file in lake.files("resolutions")])
    return (
        f"select * from ({quarantine}) where quarantine_id not in "
        f"(select quarantine_id from ({resolved}) where quarantine_id is not null)"
    )


def count_open(project: Project, *, source: str | None = None) -> list[OpenCount]:
    """Open records by source, file and broken rules, most frequent first."""
    with connect() as connection:
        found = connection.execute(
            f"select source, file, rules, count(*) as rows from ({_open_sql(Lake(project.lake))}) "
            "where $source is null or source = $source group by all order by rows desc, source, file, rules",
            {"source": source},
        ).fetchall()
    return [OpenCount(name, file, tuple(rules), rows) for name, file, rules, rows in found]


def list_open(
    project: Project, *, source: str | None = None, rule: str | None = None, limit: int | None = None
) -> list[OpenRow]:
    """Open records, in the order of files and lines."""
    with connect() as connection:
        return _list_open(connection, Lake(project.lake), source, rule, limit)


def _list_open(
    connection: duckdb.DuckDBPyConnection, lake: Lake, source: str | None, rule: str | None, limit: int | None
) -> list[OpenRow]:
    found = connection.execute(
        f"select {', '.join(_OPEN_COLUMNS)} from ({_open_sql(lake)}) where ($source is null or source = $source) "
        "and ($rule is null or list_contains(rules, $rule)) order by batch_seq, line_number limit $most",
        {"source": source, "rule": rule, "most": limit if limit is not None else 1 << 40},
    ).fetchall()
    rows = (dict(zip(_OPEN_COLUMNS, row, strict=True)) for row in found)
    return [OpenRow(**row | {"rules": tuple(row["rules"])}) for row in rows]


def find_open(project: Project, quarantine_id: str) -> OpenRow:
    """The open record of that id.

    Raises:
        ConfigurationError: there is none.
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
    """Read open records again under today's settings; what is good now is landed, once.

    Raises:
        BusyError: another process writes to the project.
        ConfigurationError: a record's source is no longer configured, or simulates another effect than before.
    """
    with exclusive(project.work / "lock", "quarantine replay"), workspace(project) as (connection, staging):
        lander = Lander(project, connection, now)
        rows = _list_open(connection, lander.lake, source, rule, None)
        for name in {row.source for row in rows}:
            check_effect(project.settings, _source(project, name), lander.known.rows)
        by_batch = defaultdict[str, list[OpenRow]](list)
        for row in rows:
            by_batch[row.batch_id].append(row)
        replayed = [_replay_batch(lander, staging, batch, group) for batch, group in by_batch.items()]
        lander.commit()
    return ReplayReport(
        tried=len(rows),
        accepted=sum(row.rows_accepted for row in replayed),
        duplicate=sum(row.rows_duplicate for row in replayed),
        still_open=sum(row.rows_quarantined for row in replayed),
    )


def _replay_batch(lander: Lander, staging: Path, batch_id: str, rows: list[OpenRow]) -> LedgerRow:
    first = next(row for row in lander.known.rows if row.batch_id == batch_id)
    source = _source(lander.project, first.source)
    mapping = find_adapter(source.adapter).mapping_for(source, data_name(first.file))
    if mapping.kind is FileKind.PARQUET:
        mapping = replace(mapping, kind=FileKind.JSON)  # rows of Parquet are kept as JSON objects
    elif mapping.kind is FileKind.XLSX:
        mapping = replace(mapping, kind=FileKind.CSV)
    sequence = lander.sequence + 1
    ledger_row = replace(
        first,
        batch_seq=sequence,
        batch_id=f"{first.source}-{sequence}-replay",
        outcome="replayed",
        reason=f"replay of {len(rows)} rows of {batch_id}",
        ingested_at=lander.now,
        rows_read=len(rows),
        rows_accepted=0,
        rows_quarantined=len(rows),
        rows_duplicate=0,
        rules=None,
        watermark=None,
        new_columns=None,
        simulated_effect=None,
        first_at=None,
        last_at=None,
    )
    landed, bad = _land_again(lander, staging, mapping, ledger_row, rows, source=source)
    filled = replace(
        ledger_row,
        rows_accepted=landed.accepted,
        rows_duplicate=landed.duplicate,
        rows_quarantined=len(bad),
        rules=json.dumps(landed.rules) if landed.rules else None,
        simulated_effect=landed.effect.to_json() if landed.effect else None,
        first_at=landed.first_at,
        last_at=landed.last_at,
    )
    # records that stay bad stay where they are; only what was resolved is written down
    intent = lander.record(filled, replace(landed, quarantined=[]))
    resolved = [row for row in rows if row.quarantine_id not in bad]
    if resolved:
        values: list[tuple[Any, ...]] = [(row.quarantine_id, filled.batch_id) for row in resolved]
        intent.add("resolutions", write_resolutions(lander.connection, lander.lake, sequence, values))
    return filled


def _land_again(
    lander: Lander,
    staging: Path,
    mapping: Mapping,
    row: LedgerRow,
    rows: list[OpenRow],
    *,
    source: SourceSettings,
) -> tuple[Landed, set[str]]:
    """Land the rows' text as a file of its own.

    Returns:
        What landing gave, and the ids of the rows that are still bad.
    """
    # a header belongs to the file, column names of a file without one to the settings of today
    columns = row.column_names if mapping.csv.header else mapping.csv.columns
    limit = lander.project.settings.ingest.max_record_bytes
    check = check_json_record if mapping.kind is FileKind.JSON else check_record
    split = tuple(
        check(number, _raw(item, source.encoding), limit) for number, item in enumerate(rows, start=1)
    )
    job = replace(
        lander.job(row.file, staging / "replay", staging, mapping, TextFacts()), columns=columns, split=split
    )
    try:
        landed, _, _ = lander.land(job, lander.batch(row, source))
    except SourceFileError as error:
        raise ConfigurationError(f"source '{row.source}' no longer fits its rows: {error}") from None
    return landed, {rows[item.line - 1].quarantine_id for item in landed.quarantined}


def _raw(row: OpenRow, encoding: str) -> bytes:
    """The row's bytes; those that were no UTF-8 get the source's encoding."""
    raw = row.raw.encode(row.raw_encoding)
    if row.raw_encoding != "utf-8":
        with suppress(UnicodeError):
            raw = raw.decode(encoding).encode()
    return raw


def _source(project: Project, name: str) -> SourceSettings:
    for source in all_sources(project):
        if source.name == name:
            return source
    raise ConfigurationError(
        f"rows of source '{name}' cannot be replayed: shopwright.toml no longer has that source"
    )
