"""Tombstones of two states of one shop, put together: nobody who was erased comes back with a backup."""

from __future__ import annotations

import json
from typing import Any

from shopwright.core.errors import BackupError
from shopwright.tombstones.book import seal


def merge_tombstones(older: bytes | None, newer: bytes | None) -> bytes | None:
    """Return the erasures of both files.

    An erasure that the older state did not know as finished is unfinished in the result: the lake of the older state still has
    the person's rows, and the next writer erases them.

    Args:
        older: the file of the state that is restored; None where nobody had been erased.
        newer: the file of a later state; None where there is none.

    Returns:
        The file of both; None where neither has one.

    Raises:
        BackupError: one cannot be read, or they are of two shops.
    """
    if newer is None:
        return older
    first, second = _parse(older), _parse(newer)
    if first["erasures"] and first["key"] != second["key"]:
        raise BackupError("the tombstones of erased people are of two shops: is this a backup of this one?")
    finished = {item["erasure_id"] for item in first["erasures"] if item.get("is_finished")}
    erasures = {item["erasure_id"]: item for item in (*first["erasures"], *second["erasures"])}
    merged = [item | {"is_finished": erasure_id in finished} for erasure_id, item in sorted(erasures.items())]
    return json.dumps(seal(second | {"erasures": merged})).encode()


def _parse(content: bytes | None) -> dict[str, Any]:
    if content is None:
        return {"key": None, "erasures": []}
    try:
        document = json.loads(content)
        erasures = document["erasures"]
        # also where one has no id
        sorted(item["erasure_id"] + "" for item in erasures)
    except (ValueError, TypeError, KeyError):
        raise BackupError(
            "erasure/tombstones.json cannot be read; it says who was erased, and nothing is restored without it"
        ) from None
    return dict(document)
