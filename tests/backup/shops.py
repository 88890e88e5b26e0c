"""A small shop with something in every store, without a build: what backups copy, they do not look into."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shopwright.core.engine import connect
from shopwright.ingest.segments import Segments
from shopwright.lake.delta import Lake, read_sql
from shopwright.service.keys import create_key
from shopwright.testing import Shop

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 1, 2)  # noqa: DTZ001  # naive UTC, as everywhere
HEADER = "order,when,customer,sku,qty,price,currency\n"
SETTINGS = """
[[sources]]
name = "lines"
adapter = "mapped"
entity = "order_items"
path = "raw"
[sources.map]
order_id = "order"
ordered_at = "when"
customer_id = "customer"
product_id = "sku"
quantity = "qty"
unit_price = "price"
kind = { value = "sale" }
"""


def line(order: str, *, day: int = 10, price: str = "20.00") -> str:
    """Return one line of an order."""
    return f"{order},2025-03-{day} 10:00:00,k1,MUG,2,{price},EUR\n"


def event(number: int) -> str:
    """Return one collected event."""
    return (
        f'{{"event_id":"e{number}","event_at":"2025-03-10T10:{number // 60 % 60:02}:{number % 60:02}Z",'
        f'"event_type":"view","user_id":"u1","session_id":"s1","product_id":"P1"}}\n'
    )


def collect(root: Path, numbers: range) -> Path:
    """Append events to an open segment, as the collector does, and return it."""
    segments = Segments(root / "collector")
    segments.create()
    with segments.locked():
        file = segments.new_file("events", NOW)
        file.write_text("".join(map(event, numbers)))
    return file


def make_full_shop(root: Path) -> Shop:
    """Make a shop with two batches, bad rows, events, keys, a registry and a published database."""
    shop = Shop.make(root, SETTINGS)
    for number in range(2):
        shop.write(f"{number}.csv", HEADER + line(f"A{number}", day=10 + number) + "bad\n")
        shop.ingest()
    collect(root, range(5))
    shop.ingest()
    collect(root, range(5, 8))
    create_key(shop.project.keys, "shop", ["read"], now=datetime.now(UTC))
    (root / "privacy").mkdir()
    (root / "privacy" / "key").write_text("k" * 64)
    artifact = root / "models" / "artifacts" / "1" / "model.json"
    artifact.parent.mkdir(parents=True)
    artifact.write_text('{"weights": [1, 2, 3]}')
    with closing(sqlite3.connect(root / "models" / "mlflow.db")) as database, database:
        database.execute("create table runs as select 1 as run_id")
    publish(root, 3)
    return shop


def publish(root: Path, rows: int) -> None:
    """Publish a database, in place of the one that is there."""
    folder = root / "published"
    folder.mkdir(exist_ok=True)
    unfinished = folder / "warehouse.tmp"
    with connect(unfinished) as connection:
        connection.execute("create schema gold")
        connection.execute(f"create table gold.orders as select range as order_id from range({rows})")
    unfinished.replace(folder / "warehouse.duckdb")


def lake_rows(root: Path, entity: str) -> list[tuple[str, ...]]:
    """Return all rows of an entity, sorted, without what names batches."""
    lake = Lake(root / "lake")
    sql = read_sql(entity, [file.path for file in lake.files(entity)])
    technical = "_batch_seq, _statement_seq, _row_number, _batch_id, _source"
    if entity == "events":
        technical = technical.replace("_statement_seq, ", "")
    with connect() as connection:
        rows = connection.execute(f"select * exclude ({technical}) from ({sql})").fetchall()
    return sorted(tuple(map(str, row)) for row in rows)


def assert_balances(root: Path) -> None:
    """Ledger and lake agree to the row, and every batch is there once."""
    shop = Shop(root)
    lake, ledger = Lake(root / "lake"), shop.ledger()
    for entity in ("order_items", "events"):
        files = lake.files(entity)
        assert sum(row.rows_accepted for row in ledger if row.entity == entity) == sum(
            file.rows for file in files
        )
        assert all(file.path.is_file() for file in files)
    assert len({row.batch_seq for row in ledger}) == len(ledger)
    assert list((root / "lake" / "_intents").glob("*")) == []
