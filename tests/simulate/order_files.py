"""Reading a marketplace's files with nothing but Python's own json module."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shopwright.simulate import Simulation

Row = dict[str, Any]


def rows_of(paths: Iterable[Path], about: str = "") -> list[Row]:
    """Rows of JSON lines that hold a text, file after file; amounts are exact."""
    return [
        json.loads(line, parse_float=Decimal)
        for path in paths
        for line in path.read_text(encoding="utf-8").splitlines()
        if about in line
    ]


def read(made: Simulation, entity: str) -> list[Row]:
    """All rows of an entity."""
    return rows_of(made.files[entity])


def by_order(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows of each order, in their order."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["order_id"]].append(row)
    return found


def goods(line: Row) -> Decimal:
    """What a line comes to without freight."""
    return Decimal(line["quantity"] * line["unit_price"])


def owed(line: Row) -> Decimal:
    """What a line comes to with freight."""
    return goods(line) + Decimal(line["freight"])


def latest(made: Simulation) -> dict[str, Row]:
    """The last version of each order."""
    return {
        order: max(rows, key=lambda row: row["updated_at"])
        for order, rows in by_order(read(made, "orders")).items()
    }
