"""Statistics of files in Delta logs: rows, times and batches of each."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.lake.commits import AddedFile


def part_number(file: Path | str) -> int:
    """Return the number in the name of a file of rows: that of its commit, or of one of the batches in it."""
    name = file if isinstance(file, str) else file.name
    number = name.split("-")[1]
    return int(number) if number.isdigit() else 0


def batches_of(actions: object, column: str, names: list[str]) -> list[int]:
    """Return the number of the batch of each file; without statistics of it, the number in the file's name."""
    values = statistic(actions, f"min.{column}", len(names))
    return [
        part_number(name) if value is None else int(str(value))
        for name, value in zip(names, values, strict=True)
    ]


def times_of(actions: object, name: str, rows: int) -> list[datetime | None]:
    """Return one statistic of all files, which is a time; naive UTC."""
    return [_to_naive_utc(value) for value in statistic(actions, name, rows)]


def statistic(actions: object, name: str, rows: int) -> list[object]:
    """Return one statistic of all files; nulls where none of them has it."""
    names = getattr(actions, "column_names", None) or actions.schema.names  # type: ignore[attr-defined]  # two arrow libraries, two spellings
    if name not in names:
        return [None] * rows
    values: list[object] = actions[name].to_pylist()  # type: ignore[index]  # a table of the arrow library that deltalake brings
    return values


def _to_naive_utc(value: object) -> datetime | None:
    if value is None:
        return None
    timestamp = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return timestamp.astimezone(UTC).replace(tzinfo=None) if timestamp.tzinfo else timestamp


def file_statistics(file: AddedFile, time: str | None, batch: str) -> str:
    """Return the statistics of a file as a Delta log has them, as JSON."""
    low: dict[str, object] = {}
    high: dict[str, object] = {}
    if time and file.first_at:
        low[time], high[time] = file.first_at, file.last_at
    if file.batch_seq is not None:
        low[batch] = high[batch] = file.batch_seq
    bounds = {"minValues": low, "maxValues": high} if low else {}
    return json.dumps({"numRecords": file.rows, **bounds})
