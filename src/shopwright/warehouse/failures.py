"""What a failed data test says: model, column and value, and the row of the source that they come from."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from shopwright.contracts import BY_NAME, ENTITIES, Entity
from shopwright.core.engine import EngineError, connect
from shopwright.core.sql import quote_name

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.core.engine import Connection
    from shopwright.settings import Project
    from shopwright.warehouse.dbt_runner import NodeResult

MAX_EXAMPLE_ROWS = 3
"""Failing rows that the message of a failed test names."""
MAX_VALUE_LENGTH = 60
"""Longest value that a message quotes in full."""
MAX_KEYS = 3
"""Identifiers of a row that a message shows at most."""
MAX_COLUMNS = 8
"""Columns that a message shows of a row."""

_VALUE_FIELDS = ("value_field", "unique_field", "from_field")
"""Columns in which dbt's own tests of a column return its value."""
_WORD = re.compile(r"[a-z_][a-z0-9_]*")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """Where the row of a source is that a failing row comes from."""

    entity: str
    file: str
    position: int
    """Number of the row, from 1, among those accepted from the file."""

    def __str__(self) -> str:
        return f"{self.entity} row {self.position:,} accepted from {PurePath(self.file).name}"


def format_failure(project: Project, result: NodeResult) -> str:
    """Return one line about a failed test: what it tests, how many rows fail, and which.

    The rows are those of the unpublished warehouse. Where they cannot be read, the line has dbt's message instead.
    """
    subject = f"{result.model}: {result.name}" if result.model else result.name
    if not result.failures:
        return f"{subject} ({result.message})"
    examples = "; ".join(describe_rows(project, result))
    return f"{subject} ({result.failing_rows}{f': {examples}' if examples else ''})"


def describe_rows(project: Project, result: NodeResult) -> list[str]:
    """Return some of the rows that a data test returned, each with its values and the row of a source that it comes from."""
    if not result.query or result.kind != "test":
        return []
    try:
        with connect(project.warehouse, read_only=True) as connection:
            cursor = connection.execute(f"select * from ({result.query}) limit {MAX_EXAMPLE_ROWS}")
            names = [str(column[0]) for column in cursor.description or []]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            return [_describe_row(connection, result, _whole_row(connection, result, row)) for row in rows]
    except EngineError:
        return []


def _whole_row(connection: Connection, result: NodeResult, row: Row) -> Row:
    """Return a row of the model with the value that a test of a column returns without the rest of its row."""
    field = next((name for name in _VALUE_FIELDS if name in row), None)
    relation = re.search(rf'(?:"?\w+"?\.)*"?\b{re.escape(result.model)}\b"?', result.query)
    if field is None or not result.column or relation is None:
        return row
    cursor = connection.execute(
        f"select * from {relation.group(0)} where {quote_name(result.column)} is not distinct from $value limit 1",
        {"value": row[field]},
    )
    names = [str(column[0]) for column in cursor.description or []]
    found = cursor.fetchone()
    return dict(zip(names, found, strict=True)) if found else {result.column: row[field]}


def _describe_row(connection: Connection, result: NodeResult, row: Row) -> str:
    values = ", ".join(f"{name} = {_format_value(row[name])}" for name in _telling_columns(result, row))
    origin = find_source_row(connection, result.model, row)
    return f"{values}, from {origin}" if origin else values


def _telling_columns(result: NodeResult, row: Row) -> list[str]:
    """Return the columns that the test is about, after those that identify the row."""
    tested = [name for name in _tested_columns(result, row) if name in row]
    keys = [name for name in row if name.endswith(("_id", "_number", "sequence")) and name not in tested]
    keys = [name for name in keys if row[name] is not None][:MAX_KEYS]
    if not tested:
        return [name for name in row if not name.startswith("_")][:MAX_COLUMNS]
    return [*keys, *tested[: MAX_COLUMNS - len(keys)]]


def _tested_columns(result: NodeResult, row: Row) -> list[str]:
    if result.column:
        return [result.column]
    ranges = result.arguments.get("columns")
    if isinstance(ranges, dict):
        return [name for name, limits in ranges.items() if _is_outside(row.get(name), limits)]
    words = _WORD.findall(str(result.arguments.get("condition", "")))
    return list(dict.fromkeys(words))


def _is_outside(value: Any, limits: Any) -> bool:
    low, high = limits
    try:
        return value is not None and (
            (low is not None and value < low) or (high is not None and value > high)
        )
    except TypeError:  # a limit that is an expression
        return True


def _format_value(value: Any) -> str:
    if value is None:
        return "null"
    text = str(value).replace("\n", "\\n")
    return text if len(text) <= MAX_VALUE_LENGTH else f"{text[: MAX_VALUE_LENGTH - 1]}…"


def find_source_row(connection: Connection, model: str, row: Row) -> SourceRow | None:
    """Return the newest row of a source with the identifiers of a row of the warehouse; None if it is not of one.

    Args:
        connection: to the warehouse.
        model: name of the model, which often names the entity.
        row: its columns.
    """
    for entity, key in _possible_keys(model, row):
        condition = " and ".join(f"source_rows.{quote_name(name)} = ${name}" for name in key)
        found = connection.execute(
            "select ledger.file, source_rows._row_number + 1 "
            f"from bronze.{quote_name(entity.name)} as source_rows "
            "inner join bronze.ledger as ledger on source_rows._batch_id = ledger.batch_id "
            f"where {condition} order by source_rows._batch_seq desc, source_rows._row_number desc limit 1",
            {name: row[name] for name in key},
        ).fetchone()
        if found:
            return SourceRow(entity.name, str(found[0]), int(found[1]))
    return None


def _possible_keys(model: str, row: Row) -> list[tuple[Entity, tuple[str, ...]]]:
    """Return the entities that a row may come from with the columns to find theirs, the most telling first.

    A row of a model that is named after an entity comes from that, or from its parts: some orders are known from their lines.
    """
    named = BY_NAME.get(re.sub(r"^(stg|int|fct|dim|agg|feat)_", "", model))
    keys = [(entity, _key_of(entity)) for entity in ENTITIES]
    if named is not None:
        keys = [(named, _key_of(named))]
        keys += [(entity, _key_of(named)) for entity in ENTITIES if (entity.whole,) == _key_of(named)]
    possible = [
        (entity, key) for entity, key in keys if key and all(row.get(name) is not None for name in key)
    ]
    return sorted(possible, key=lambda item: (item[0] is not named, -len(item[1])))


def _key_of(entity: Entity) -> tuple[str, ...]:
    """Return the columns that name one row of an entity, whatever its version."""
    key = entity.key if entity.name == "events" else entity.stored_key
    return tuple(name for name in key if name != "valid_from")


@dataclass(frozen=True, slots=True)
class FailedBuild:
    """The last build, where it published nothing."""

    at: datetime
    """Naive UTC."""
    message: str


def record_failed_build(project: Project, message: str) -> None:
    """Save why a build published nothing, for ``status`` and the app."""
    at = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    project.work.mkdir(parents=True, exist_ok=True)
    unfinished = _failed_build_file(project).with_suffix(".tmp")
    unfinished.write_text(json.dumps({"at": at.isoformat(), "message": message}), encoding="utf-8")
    unfinished.replace(_failed_build_file(project))


def clear_failed_build(project: Project) -> None:
    """Forget the last failure: a build published since."""
    _failed_build_file(project).unlink(missing_ok=True)


def read_failed_build(project: Project) -> FailedBuild | None:
    """Return the last build if it published nothing; None if it published, or there was none."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        saved = json.loads(_failed_build_file(project).read_text(encoding="utf-8"))
        return FailedBuild(datetime.fromisoformat(saved["at"]), str(saved["message"]))
    return None


def _failed_build_file(project: Project) -> Path:
    return project.work / "failed_build.json"
