"""Make a piece of the museum: a small project of the version that runs this, and the figures that it published.

    python -m tests.museum.make tests/museum/0.1.0.tar.xz

It is made once for each version, by that version, and never again: what an older version wrote is the point. The archive
holds the shop with exports, lake, quarantine, collected events, warehouse and published database, and ``figures.json``.
"""

from __future__ import annotations

import io
import json
import lzma
import shutil
import sys
import tarfile
from datetime import datetime
from pathlib import Path

import duckdb

from shopwright.collector.parsing import parse_json
from shopwright.collector.spool import Spool
from shopwright.ingest.run import ingest
from shopwright.settings import load_project
from shopwright.warehouse.build import build

WORKSHOP = Path("/tmp/shopwright-museum")  # one path for everyone: the ledger names files by theirs
NOW = datetime(2026, 1, 1)  # noqa: DTZ001  # naive UTC, as everywhere

SETTINGS = """\
[shop]
name = "museum"
currency = "EUR"
timezone = "Europe/Berlin"

[[sources]]
name = "shop"
adapter = "event_stream"
path = "raw"

[engine]
threads = 1
"""
EVENTS = """\
{"event_id":"e1","time":"2025-03-10T10:00:00Z","type":"product_view","visitor_id":"phone-1","product_id":"MUG"}
{"event_id":"e2","time":"2025-03-10T10:05:00Z","type":"add_to_cart","visitor_id":"phone-1","user_id":"ada","product_id":"MUG","price":9}
{"event_id":"e3","time":"2025-03-10T10:06:00Z","type":"purchase","user_id":"ada","product_id":"MUG","price":9,"quantity":2,"order_id":"1"}
{"event_id":"e4","time":"2025-03-11T09:00:00Z","type":"product_view","user_id":"bo","product_id":"POT"}
{"event_id":"e5","time":"2025-03-11T09:01:00Z","type":"purchase","user_id":"bo","product_id":"POT","price":20.5,"order_id":"2"}
{"event_id":"e6","time":"not a time","type":"purchase","user_id":"cleo","product_id":"MUG"}
"""
CUSTOMERS = """\
{"customer_id":"ada","country":"DE","signed_up_at":"2025-01-01","email":"ada@example.com"}
{"customer_id":"bo","country":"SE","signed_up_at":"2025-02-01"}
"""
COLLECTED = (
    b'[{"event_id":"c1","timestamp":"2025-03-12T08:00:00Z","event_type":"product_view","user_id":"dora","product_id":"MUG"},'
    b'{"event_id":"c2","timestamp":"2025-03-12T08:02:00Z","event_type":"purchase","user_id":"dora","product_id":"MUG",'
    b'"price":9,"order_id":"3"}]'
)
FIGURES = {
    "orders": "select order_id, customer_id, net_amount::varchar from gold.fct_orders order by all",
    "revenue": "select order_date::varchar, net_amount::varchar from gold.fct_revenue where net_amount <> 0 order by all",
    "sessions": "select user_id, event_count, purchase_count from gold.fct_sessions order by all",
    "users": "select user_id, country from gold.dim_users order by all",
    "ledger": "select entity, rows_read, rows_accepted, rows_quarantined from gold.fct_ingest_ledger order by all",
}
"""Queries whose answers no later version may change."""


def read_figures(database: Path, *, but: tuple[str, ...] = ()) -> dict[str, list[list[object]]]:
    """Return the answers of a published database, without those to some of the queries."""
    queries = {name: sql for name, sql in FIGURES.items() if name not in but}
    with duckdb.connect(str(database), read_only=True) as connection:
        return {
            name: [list(row) for row in connection.execute(sql).fetchall()] for name, sql in queries.items()
        }


def make_shop(root: Path) -> None:
    """Write the exports, collect events, ingest and build."""
    (root / "raw").mkdir(parents=True)
    (root / "shopwright.toml").write_text(SETTINGS, encoding="utf-8")
    (root / "raw" / "events.jsonl").write_text(EVENTS, encoding="utf-8")
    (root / "raw" / "customers.jsonl").write_text(CUSTOMERS, encoding="utf-8")
    project = load_project(root)
    spool = Spool(project, clock=lambda: NOW)
    records = parse_json(COLLECTED, max_bytes=1 << 20)
    assert spool.submit(records).result(timeout=60).accepted == len(records)
    spool.close()
    ingest(project, now=NOW)
    build(project)
    shutil.rmtree(project.work / "target")
    shutil.rmtree(project.work / "logs")
    figures = json.dumps(read_figures(project.published), indent=1)
    (root / "figures.json").write_text(figures + "\n", encoding="utf-8")


def pack(root: Path, archive: Path) -> None:
    """Write a folder to an archive; owners and times of this machine stay out of it."""

    def plain(item: tarfile.TarInfo) -> tarfile.TarInfo:
        item.uid = item.gid = 0
        item.uname = item.gname = ""
        return item

    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        tar.add(root, arcname="shop", filter=plain)
    archive.write_bytes(lzma.compress(raw.getvalue(), preset=9 | lzma.PRESET_EXTREME))


def main() -> None:
    """Make the piece whose archive the command line names."""
    archive = Path(sys.argv[1])
    shutil.rmtree(WORKSHOP, ignore_errors=True)
    make_shop(WORKSHOP)
    pack(WORKSHOP, archive)
    shutil.rmtree(WORKSHOP)
    print(f"{archive}: {archive.stat().st_size:,} bytes")  # noqa: T201  # the result


if __name__ == "__main__":
    main()
