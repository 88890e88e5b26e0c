"""An event stream's order side: files named for what they hold, in JSON or Parquet, with the names shops use."""

# ruff: noqa: DTZ001  # naive UTC, as the lake is read

from __future__ import annotations

import io
import json
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shopwright.ingest.adapters import find_adapter
from shopwright.settings import SourceSettings
from shopwright.simulate import Dirt, SimulationConfig, simulate
from shopwright.testing import Shop

STREAM = '[[sources]]\nname = "all"\nadapter = "event_stream"\npath = "raw"\n'
AT = datetime(2025, 3, 4, 5, 6, 7)

FILES = {
    "orders-2025-03": (
        "orders",
        {
            "order_id": "o1",
            "user_id": "anna",
            "order_status": "shipped",
            "created_at": "2025-03-04T05:06:07Z",
        },
        {"order_id": "o1", "customer_id": "anna", "status": "shipped", "ordered_at": AT},
    ),
    "order_items": (
        "order_items",
        {"order_id": "o1", "line_number": 2, "sku": "17", "kind": "return", "quantity": -1, "price": 9.99},
        {
            "order_id": "o1",
            "line_number": 2,
            "product_id": "17",
            "quantity": -1,
            "unit_price": Decimal("9.9900"),
        },
    ),
    "Lines_old": (
        "order_items",
        {"order_id": "o1", "kind": "fee", "units": 1, "unit_price": 2, "freight_value": 1.5},
        {"order_id": "o1", "line_number": None, "quantity": 1, "freight": Decimal("1.5000")},
    ),
    "payments.part1": (
        "payments",
        {"order_id": "o1", "sequence": 1, "payment_type": "card", "installments": 3, "value": -0.05},
        {
            "order_id": "o1",
            "method": "card",
            "installments": 3,
            "amount": Decimal("-0.0500"),
            "paid_at": None,
        },
    ),
    "reviews": (
        "reviews",
        {"review_id": "r1", "order_id": "o1", "rating": 4, "answered_at": "2025-03-04 05:06:07"},
        {"review_id": "r1", "score": 4, "created_at": None, "answered_at": AT},
    ),
    "sellers": (
        "sellers",
        {"seller_id": "s1", "zip": "02108", "state": "MA", "updated_at": "2025-03-04T05:06:07Z"},
        {"seller_id": "s1", "zip_prefix": "02108", "region": "MA", "valid_from": AT},
    ),
    "categories": (
        "categories",
        {"category": "cama_mesa_banho", "name": "bed_bath_table"},
        {"category": "cama_mesa_banho", "name": "bed_bath_table"},
    ),
}
"""By beginning of the file's name: its entity, a record, and what becomes of it."""


def as_lines(record):
    return "jsonl", (json.dumps(record) + "\n").encode()


def as_array(record):
    return "json", json.dumps([record], indent=2).encode()


def as_parquet(record):
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([record]), file)
    return "parquet", file.getvalue()


@pytest.mark.parametrize("written", [as_lines, as_array, as_parquet])
def test_a_file_is_read_by_the_beginning_of_its_name(tmp_path, written):
    shop = Shop.make(tmp_path, STREAM)
    for name, (_, record, _) in FILES.items():
        ending, content = written(record)
        shop.write(f"{name}.{ending}", content)
    shop.ingest()
    assert shop.quarantine() == []
    for name, (entity, _, expected) in FILES.items():
        rows = [dict(zip(expected, row, strict=True)) for row in shop.rows(*expected, entity=entity)]
        assert expected in rows, name


@pytest.mark.parametrize(
    ("name", "entity"),
    [
        ("orders.jsonl", "orders"),
        ("order_items.jsonl", "order_items"),
        ("order_lines.jsonl", "order_items"),
        ("2025/ORDERS-01.parquet", "orders"),
        ("orders/2025-01.jsonl", "events"),
        ("order.jsonl", "events"),
        ("catalog.jsonl", "products"),
        ("categories.jsonl", "categories"),
    ],
)
def test_the_name_tells_the_entity(name, entity):
    source = SourceSettings(name="all", adapter="event_stream", path="raw")
    assert find_adapter("event_stream").mapping_for(source, name).entity.name == entity


def test_what_an_order_states_besides_is_kept(tmp_path):
    shop = Shop.make(tmp_path, STREAM)
    record = {"order_id": "o1", "ordered_at": "2025-03-04T05:06:07Z", "gift_note": "für Anna"}
    shop.write("orders.jsonl", json.dumps(record))
    shop.ingest()
    ((properties,),) = shop.rows("properties", entity="orders")
    assert json.loads(properties) == {"gift_note": "für Anna"}


def test_a_line_without_a_kind_is_put_aside_and_not_guessed(tmp_path):
    shop = Shop.make(tmp_path, STREAM)
    shop.write("lines.jsonl", json.dumps({"order_id": "o1", "quantity": 1, "unit_price": 1}))
    shop.ingest()
    (row,) = shop.quarantine()
    assert row.rules == ("kind_missing",)


def test_what_a_simulation_says_is_true_is_no_source(tmp_path):
    shop = Shop.make(tmp_path, STREAM)
    simulate(SimulationConfig(events=1_000, months=1, buyer_types=True, traits=("log-ins",)), shop.raw)
    (shop.raw / "other" / "truth").mkdir(parents=True)
    (shop.raw / "other" / "truth" / "events.jsonl").write_text("", encoding="utf-8")
    assert [row.file.rsplit("/raw/")[-1] for row in shop.ingest().rows] == [
        "catalog.jsonl",
        "events/2025-01.jsonl",
        "other/truth/events.jsonl",
        "users.jsonl",
    ]


@pytest.mark.parametrize("files", ["jsonl", "parquet"])
def test_a_simulated_marketplace_is_taken_in_to_the_row(tmp_path, files):
    shop = Shop.make(tmp_path, STREAM)
    dirt = Dirt(duplicate_rate=0.05, late_file_rate=0.05, bad_timestamp_rate=0.05, missing_user_rate=0.05)
    config = SimulationConfig(format="marketplace", events=15_000, files=files, dirt=dirt)
    simulated = simulate(config, shop.raw)
    simulated.truth_path.unlink()
    shop.ingest()
    ledger = shop.ledger()
    assert {row.outcome for row in ledger} == {"loaded"}
    for entity, dirt_of in simulated.truth["dirt_of_sales"].items():
        mine = [row for row in ledger if row.entity == entity]
        duplicates = sum(row.rows_duplicate for row in mine)
        assert duplicates == dirt_of["duplicate"] > 0
        # a broken time may be an empty one, which payments and reviews allow
        quarantined = sum(row.rows_quarantined for row in mine)
        assert quarantined <= dirt_of["bad_timestamp"]
        assert (quarantined > 0) == (dirt_of["bad_timestamp"] > 0)
        accepted = sum(row.rows_accepted for row in mine)
        assert accepted + duplicates + quarantined == sum(row.rows_read for row in mine)
