"""Orders of a shop that sends clicks: what is stated about them later, and ids that are shared."""

from __future__ import annotations

from datetime import date

import pytest

from shopwright.warehouse.build import build
from tests.warehouse.deliveries import deliver, event, order_shop, query_gold
from tests.warehouse.shops import gold, take_in

CLICKS = [
    event("product_view", "2025-01-10T09:50:00Z", product_id="p1", price=10),
    event("purchase", "2025-01-10T10:00:00Z", product_id="p1", price=10, order_id="o1"),
    event("purchase", "2025-01-11T10:00:00Z", product_id="p2", price=4, order_id="o2", user_id="c2"),
]
ORDERS = "select order_id, customer_id, paid_amount, review_score from gold.fct_orders order by all"


def _equals_one_full_load(project, folder):
    full = order_shop(folder, raw=project.root / "raw")
    take_in(full)
    build(full)
    assert gold(full.published) == gold(project.published)


@pytest.mark.slow
def test_payments_and_reviews_that_come_a_day_later_reach_the_orders(tmp_path):
    project = order_shop(tmp_path / "parts")
    deliver(project, 1, events=CLICKS)
    build(project)
    assert query_gold(project, ORDERS) == [("o1", "c1", 0, None), ("o2", "c2", 0, None)]
    paid = [{"order_id": "o1", "sequence": 1, "method": "card", "amount": 10}]
    review_rows = [{"review_id": "r1", "order_id": "o2", "score": 2, "created_at": "2025-01-12T00:00:00Z"}]
    deliver(project, 2, payments=paid, reviews=review_rows)
    assert not build(project).full_refresh
    assert query_gold(project, ORDERS) == [("o1", "c1", 10, None), ("o2", "c2", 0, 2)]
    ways = "select payment_method, paid_amount from gold.agg_payment_behavior where paid_amount > 0"
    assert query_gold(project, ways) == [("card", 10)]
    _equals_one_full_load(project, tmp_path / "whole")


@pytest.mark.slow
def test_a_payment_of_an_order_id_that_two_users_share_counts_once(tmp_path):
    project = order_shop(tmp_path / "parts")
    shared = event("purchase", "2025-01-12T10:00:00Z", product_id="p1", price=10, order_id="o1", user_id="c3")
    paid = [{"order_id": "o1", "sequence": 1, "method": "card", "amount": 10}]
    deliver(project, 1, events=[*CLICKS[2:], shared], payments=paid)
    build(project)
    # What is stated about an id belongs to the order that had it first, and that one comes last here.
    deliver(project, 2, events=CLICKS[:2])
    build(project)
    assert query_gold(project, ORDERS) == [
        ("o1", "c1", 10, None),
        ("o1", "c3", 0, None),
        ("o2", "c2", 0, None),
    ]
    _equals_one_full_load(project, tmp_path / "whole")


@pytest.mark.slow
def test_payments_without_any_order_change_nothing(tmp_path):
    project = order_shop(tmp_path / "parts")
    paid = [{"order_id": "o1", "sequence": 1, "method": "card", "amount": 10}]
    deliver(project, 1, payments=paid)
    report = build(project)
    assert report.warnings == ("lines_payments_and_reviews_have_an_order: 1 row",)
    assert query_gold(project, "select count(*) from gold.fct_orders") == [(0,)]
    assert query_gold(project, "select count(*) from gold.agg_payment_behavior") == [(0,)]
    deliver(project, 2, events=CLICKS)
    assert build(project).warnings == ()
    assert query_gold(project, ORDERS)[0] == ("o1", "c1", 10, None)
    _equals_one_full_load(project, tmp_path / "whole")


def test_categories_and_channels_named_like_our_own_marks_stay_apart_from_them(tmp_path):
    project = order_shop(tmp_path / "parts")
    names = ("(none)", "(unknown)", "(all)", None)
    clicks = [
        event(
            kind, f"2025-01-1{index}T10:0{minute}:00Z", product_id=f"p{index}", price=1 + index,
            category=name, channel=name, user_id=f"c{index}", order_id=f"o{index}",
        )
        for index, name in enumerate(names)
        for minute, kind in enumerate(("product_view", "add_to_cart", "purchase"))
    ]  # fmt: skip
    deliver(project, 1, events=clicks)
    build(project)
    revenue = "select order_date, sum(net_amount) from gold.fct_revenue group by all order by all"
    assert query_gold(project, revenue) == [(date(2025, 1, 10 + index), 1 + index) for index in range(4)]
    total = "select sum(net_amount) from gold.agg_sales_kpi where category = '(all)'"
    assert query_gold(project, total) == [(10,)]
    sessions = "select sum(session_count) from gold.fct_funnel where category = '(all)'"
    assert query_gold(project, sessions) == [(4,)]


def _bought(at, price, **more):
    return event("purchase", at, product_id="p1", price=price, category="shoes", **more)


MONTHS = "select order_month, order_count, net_amount from gold.agg_sales_kpi where category = '(all)' order by all"


@pytest.mark.slow
def test_a_purchase_that_turns_out_to_be_of_another_order_reaches_the_months_of_both(tmp_path):
    project = order_shop(tmp_path / "parts")
    first = [
        _bought("2025-01-31T23:50:00Z", 10, order_id="o1"),
        _bought("2025-03-05T10:00:00Z", 20, order_id="o1"),
    ]
    other = _bought("2025-02-05T10:00:00Z", 5, order_id="o3", user_id="c2")
    deliver(project, 1, events=[*first, other])
    build(project)
    assert query_gold(project, MONTHS) == [(date(2025, 1, 1), 1, 30), (date(2025, 2, 1), 1, 5)]
    # Another version of the second purchase, which counts since its price is lower.
    deliver(project, 2, events=[_bought("2025-03-05T10:00:00Z", 15, order_id="o2")])
    assert not build(project).full_refresh
    assert query_gold(project, MONTHS) == [
        (date(2025, 1, 1), 1, 10),
        (date(2025, 2, 1), 1, 5),
        (date(2025, 3, 1), 1, 15),
    ]
    _equals_one_full_load(project, tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize(
    "late",
    [
        "2025-02-28T23:45:00Z",
        pytest.param("2025-03-01T00:05:00Z", marks=pytest.mark.long),
        pytest.param("2025-03-01T00:40:00Z", marks=pytest.mark.long),
    ],
)
def test_a_late_purchase_reaches_the_month_in_which_its_order_began_before(tmp_path, late):
    project = order_shop(tmp_path / "parts")
    deliver(project, 1, events=[_bought("2025-03-01T00:10:00Z", 10), _bought("2025-01-05T10:00:00Z", 5)])
    build(project)
    assert query_gold(project, MONTHS) == [(date(2025, 1, 1), 1, 5), (date(2025, 3, 1), 1, 10)]
    deliver(project, 2, events=[_bought(late, 7)])
    assert not build(project).full_refresh
    month = date(2025, 2 if late.startswith("2025-02") else 3, 1)
    assert query_gold(project, MONTHS) == [(date(2025, 1, 1), 1, 5), (month, 1, 17)]
    _equals_one_full_load(project, tmp_path / "whole")
