"""Profiles of customers: people behind several customer ids, and profiles that are taken back."""

from __future__ import annotations

import pytest

from shopwright.warehouse.build import build
from tests.warehouse.deliveries import deliver, line, order_shop, query_gold
from tests.warehouse.shops import gold, take_in

ORDERS = [
    {"order_id": "o1", "customer_id": "copy-1", "ordered_at": "2025-01-10T10:00:00Z"},
    {"order_id": "o2", "customer_id": "copy-2", "ordered_at": "2025-02-10T10:00:00Z"},
]
LINES = [line("o1", 1, 10), line("o2", 1, 5)]
COPIES = [
    {"customer_id": "copy-1", "person_id": "ann", "city": "Lyon"},
    {"customer_id": "copy-2", "person_id": "ann", "city": "Paris"},
]
CUSTOMERS = "select user_id, city, order_count, lifetime_value_amount from gold.dim_users where is_current order by all"


@pytest.mark.slow
def test_a_persons_own_profile_stands_before_those_of_the_copies(tmp_path):
    project = order_shop(tmp_path / "parts")
    deliver(project, 1, orders=ORDERS, order_items=LINES, customers=COPIES)
    build(project)
    assert query_gold(project, CUSTOMERS) == [("ann", "Paris", 2, 15)]
    deliver(project, 2, customers=[{"customer_id": "ann", "city": "Nice"}])
    build(project)
    assert query_gold(project, CUSTOMERS) == [("ann", "Nice", 2, 15)]
    full = order_shop(tmp_path / "whole", raw=project.root / "raw")
    take_in(full)
    build(full)
    assert gold(full.published) == gold(project.published)


@pytest.mark.slow
def test_a_person_whose_copies_turn_out_to_be_anothers_is_no_ghost(tmp_path):
    project = order_shop(tmp_path / "parts")
    deliver(project, 1, orders=ORDERS[:1], order_items=LINES[:1], customers=COPIES[:1])
    build(project)
    assert query_gold(project, CUSTOMERS) == [("ann", "Lyon", 1, 10)]
    corrected = {
        "customer_id": "copy-1",
        "person_id": "bea",
        "city": "Lyon",
        "updated_at": "2025-03-01T00:00:00Z",
    }
    deliver(project, 2, customers=[corrected])
    build(project)
    assert query_gold(project, CUSTOMERS) == [("bea", "Lyon", 1, 10)]
    full = order_shop(tmp_path / "whole", raw=project.root / "raw")
    take_in(full)
    build(full)
    assert gold(full.published) == gold(project.published)
