"""Shops whose rows come in deliveries written by hand, a file for each entity."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb

from tests.warehouse.shops import make_shop, take_in

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.settings import Project

SETTINGS = '[shop]\ncurrency = "EUR"\n[engine]\nthreads = 2\n'


def order_shop(root: Path, raw: Path | str = "raw") -> Project:
    """Return a shop in euros without files."""
    return make_shop(root, raw=raw, extra=SETTINGS)


def deliver(project: Project, number: int, **rows: list[dict[str, Any]]) -> None:
    """Write one delivery, a file for each entity, and take it in."""
    for name, new_rows in rows.items():
        file = project.root / "raw" / f"{name}-{number}.jsonl"
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(json.dumps(row) + "\n" for row in new_rows), encoding="utf-8")
    take_in(project)


def query_gold(project: Project, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query on the published warehouse."""
    with duckdb.connect(str(project.published), read_only=True) as connection:
        return connection.execute(query).fetchall()


def line(order: str, number: int, price: float, **more: Any) -> dict[str, Any]:
    """Return an order line with one unit sold."""
    return {
        "order_id": order,
        "line_number": number,
        "kind": "sale",
        "quantity": 1,
        "unit_price": price,
        **more,
    }


def event(kind: str, at: str, **more: Any) -> dict[str, Any]:
    """Something a customer did; ``c1`` where nobody else is named."""
    return {"event_id": f"e-{at}", "event_type": kind, "timestamp": at, "user_id": "c1", **more}
