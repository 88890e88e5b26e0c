"""Hashes of the entries of Delta logs: a bit that flipped in one may change which rows are read, and which are not."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from shopwright.core.disk import hash_file, write_synced

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shopwright.lake.commits import Record

REPLACED = "replaced-logs.txt"
"""File beside the records with the hashes of logs that a repair wrote; JSON. Those in earlier records no longer count."""


def hash_log(root: Path, table: str) -> dict[str, str]:
    """Return the SHA-256 of every entry of a table's Delta log, by path in the lake."""
    log = root / table / "_delta_log"
    files = [*log.glob("[0-9]*.json"), *log.glob("[0-9]*.parquet")]
    return {str(file.relative_to(root)): hash_file(file) for file in sorted(files)}


def note_replaced_log(root: Path, records: Path, table: str, sequence: int) -> None:
    """Note that a repair wrote the Delta log of a table.

    Args:
        root: the lake's folder.
        records: the folder of the records.
        table: the table.
        sequence: number of the last commit to the lake.
    """
    replaced = _replaced(records) | {table: {"sequence": sequence, "logs": hash_log(root, table)}}
    records.mkdir(parents=True, exist_ok=True)
    write_synced(records / REPLACED, json.dumps(replaced).encode())


def find_changed_entries(root: Path, records: Path, chain: Iterable[Record]) -> dict[str, list[str]]:
    """Return the entries of Delta logs that are not what was written, or are gone, by table.

    Args:
        root: the lake's folder.
        records: the folder of the records.
        chain: the records of commits.
    """
    replaced = _replaced(records)
    expected = {
        path: digest
        for record in chain
        for path, digest in record.commit.logs.items()
        if record.commit.sequence > replaced.get(path.split("/")[0], {}).get("sequence", 0)
    }
    for item in replaced.values():
        expected.update(item["logs"])
    changed: dict[str, list[str]] = {}
    for path, digest in expected.items():
        file = root / path
        if not file.exists() or hash_file(file) != digest:
            changed.setdefault(path.split("/")[0], []).append(path)
    return changed


def _replaced(records: Path) -> dict[str, dict[str, Any]]:
    with suppress(OSError, ValueError):
        stored = json.loads((records / REPLACED).read_bytes())
        if isinstance(stored, dict) and all(item.keys() == {"sequence", "logs"} for item in stored.values()):
            return stored
    return {}
