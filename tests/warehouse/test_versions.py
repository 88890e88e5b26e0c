"""Which version of a thing counts: the latest by its own time, else the one that arrived last."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shopwright.warehouse.build import build
from tests.warehouse.case_shops import case_steps
from tests.warehouse.deliveries import deliver, order_shop, query_gold
from tests.warehouse.shops import gold, take_in


@pytest.mark.slow
def test_of_versions_without_a_date_the_last_one_counts(tmp_path):
    for project in case_steps(tmp_path, "meaning/01-versions-without-a-date"):
        build(project)
    assert query_gold(project, "select product_id, list_price from gold.dim_products") == [("p1", 12)]
    current = "select user_id, country, segment from gold.dim_users where is_current"
    assert query_gold(project, current) == [("u1", "PL", "premium")]


@pytest.mark.slow
def test_lines_and_payments_can_go_back_to_an_earlier_state(tmp_path):
    project = [*case_steps(tmp_path, "meaning/02-back-to-an-earlier-state")][-1]
    build(project)
    order = "select order_id, gross_amount, paid_amount, unit_count from gold.fct_orders"
    assert query_gold(project, order) == [("o1", Decimal(20), Decimal(20), 3)]


MONDAY = "2025-03-03T00:00:00Z"
STATES = [
    {"updated_at": MONDAY, "name": "Cup", "country": "DE"},
    {"updated_at": MONDAY, "name": "Mug", "country": "AT"},
    {"updated_at": MONDAY, "name": "Cup", "country": "DE"},
    {"updated_at": "2025-03-01T00:00:00Z", "name": "Old", "country": "FR"},
]
"""Twice the same time, then back, then what is older than all of it."""


@pytest.mark.slow
def test_of_equal_times_the_last_one_counts_and_parts_end_where_the_whole_ends(tmp_path):
    project = order_shop(tmp_path / "parts")
    for number, state in enumerate(STATES):
        customer = {"user_id": "u", "updated_at": state["updated_at"], "country": state["country"]}
        product = {"product_id": "p", "updated_at": state["updated_at"], "name": state["name"], "price": 1}
        deliver(project, number, catalog=[product], users=[customer])
        build(project)
    assert query_gold(project, "select product_name from gold.dim_products") == [("Cup",)]
    users = "select country from gold.dim_users where is_current"
    assert query_gold(project, users) == [("DE",)]
    full = order_shop(tmp_path / "whole", raw=project.root / "raw")
    take_in(full)
    build(full)
    assert gold(full.published) == gold(project.published)
