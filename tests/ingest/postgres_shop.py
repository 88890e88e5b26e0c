"""A shop whose source is a running Postgres: its settings, its database, and what must hold after each run."""

from __future__ import annotations

from itertools import count

from shopwright.lake.delta import Lake

VARIABLE = "SHOP_DATABASE_URL"
SOURCE = f"""
[[sources]]
name = "orders"
adapter = "postgres"
entity = "orders"
connection = "{VARIABLE}"
"""
BY_TABLE = SOURCE + 'table = "public.orders"\n'
WATERMARKED = BY_TABLE + 'watermark = "updated_at"\n'
VERSIONED = WATERMARKED + 'lookback_seconds = 0\n[sources.map]\nvalid_from = "updated_at"\n'

ORDERS = """
create table orders (
    order_id text primary key, status text, ordered_at timestamptz not null, updated_at timestamptz, total numeric
)
"""
DATABASES = count()


class Database:
    """A database of its own, which the shop's sources read."""

    def __init__(self, server, name):
        self.server, self.name = server, name

    @property
    def url(self):
        return self.server.url(self.name)

    def run(self, statement):
        return self.server.run(statement, self.name)

    def fill(self, first, last, *, updated="'2024-01-01 10:00+00'::timestamptz + n * interval '1 minute'"):
        self.run(
            f"insert into orders select 'o' || n, 'paid', '2024-01-01 09:00+00', {updated}, n / 100.0 "
            f"from generate_series({first}, {last}) as n"
        )


def check(shop, numbers, *, entity="orders"):
    """Each of these orders is in the lake once, and the ledger and the lake agree."""
    assert sorted(key for (key,) in shop.rows("order_id", entity=entity)) == sorted(f"o{n}" for n in numbers)
    check_ledger(shop, entity)


def check_ledger(shop, entity="orders"):
    ledger = [row for row in shop.ledger() if row.entity == entity]
    lake = Lake(shop.project.lake)
    assert sum(row.rows_accepted for row in ledger) == sum(file.rows for file in lake.files(entity))
    visible = {file.path.name for file in lake.files(entity)}
    assert {file.name for file in lake.folder(entity).glob("*.parquet")} == visible


def counts(report):
    return tuple(report.total(f"rows_{name}") for name in ("read", "accepted", "quarantined", "duplicate"))


def failure(shop):
    """Why the one source of a shop could not be read."""
    report = shop.ingest()
    assert [row.outcome for row in report.rows] == ["failed"]
    assert [row.reason for row in shop.ledger()] == [report.rows[0].reason]
    return report.rows[0].reason
