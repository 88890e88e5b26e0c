"""Two sources that number their orders alike: kept apart by a namespace, told by a warning without one."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from shopwright.testing import Shop
from shopwright.warehouse.build import build
from tests.warehouse.case_shops import CASES, case_shop

CASE = "meaning/10-two-sources-one-number"
TOML = (CASES / CASE / "shopwright.toml").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("is_named", [True, False])
def test_numbers_of_two_sources_are_kept_apart_or_told(is_named, tmp_path):
    settings = TOML.replace('path = "fr"', 'path = "fr"\nnamespace = "fr"') if is_named else TOML
    project = case_shop(tmp_path, CASE, settings=settings)
    report = build(project)
    with duckdb.connect(str(project.published), read_only=True) as connection:
        orders = connection.execute("select count(*), sum(gross_amount) from gold.fct_orders").fetchone()
    if is_named:
        assert orders == (4, Decimal(245))
        assert report.warnings == ()
    else:
        assert orders == (3, Decimal(145))
        assert report.warnings == ("order_numbers_name_one_order: 1 row",)
        (row,) = report.warning_rows
        assert row.startswith(
            "order_id = 1001, first_source = shop_de, last_source = shop_fr, first_customer_id = anna, "
            "last_customer_id = chloe, first_date = 2025-03-01, last_date = 2025-03-05"
        )


def test_a_namespace_is_part_of_every_number_of_an_order(tmp_path):
    files = {
        "orders": '{"order_id": "7.0", "ordered_at": "2025-03-01", "customer_id": "a"}',
        "order_items": '{"order_id": 7, "line_number": 1, "kind": "sale", "quantity": 1, "unit_price": 5, "sku": 7}',
        "payments": '{"order_id": 7, "sequence": 1, "amount": 5}',
        "refunds": '{"order_id": 7, "refund_id": 7, "refunded_at": "2025-03-02", "amount": 1}',
        "reviews": '{"order_id": 7, "review_id": 7, "score": 5, "created_at": "2025-03-02"}',
        "events": '{"time": "2025-03-01T10:00:00Z", "type": "purchase", "user_id": 7, "order_id": 7}',
    }
    shop = Shop.make(
        tmp_path, '[[sources]]\nname = "till"\nadapter = "event_stream"\npath = "raw"\nnamespace = "till-1"\n'
    )
    for name, record in files.items():
        shop.write(f"{name}.jsonl", record)
    shop.ingest()
    assert shop.quarantine() == []
    for entity in files:
        assert shop.rows("order_id", entity=entity) == [("till-1:7",)]
    assert shop.rows("product_id", entity="order_items") == shop.rows("user_id") == [("7",)]
