"""Orders that a shop states: a simulated marketplace, late and corrected orders, and input by careless hands."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from shopwright.ingest.quarantine import list_open
from shopwright.simulate import SimulationConfig, simulate
from shopwright.warehouse.build import build
from tests.warehouse.deliveries import deliver, event, line, order_shop, query_gold
from tests.warehouse.shops import gold, take_in


def test_a_simulated_marketplace_is_found_again_to_the_cent(tmp_path):
    config = SimulationConfig(
        events=12_000,
        seed=3,
        products=60,
        sellers=6,
        wrong_payment_rate=0.05,
        return_rate=0.2,
        format="marketplace",
    )
    simulated = simulate(config, tmp_path / "raw")
    project = order_shop(tmp_path)
    take_in(project)
    build(project)
    _recovers_orders(project, simulated.truth["sales"])
    _recovers_lines(project, simulated.truth["sales"]["lines"])
    _recovers_payments(project, simulated.truth["sales"]["payments"])
    _recovers_sellers(project, simulated.truth["sales"]["sellers"])
    _counts_no_purchase_events(project, simulated.truth)


def _recovers_orders(project, truth):
    orders, reviews, delivery = truth["orders"], truth["reviews"], truth["delivery"]
    actual = dict(query_gold(project, "select status, count(*) from gold.fct_orders group by all"))
    assert actual == {status: count for status, count in orders["by_status"].items() if count}
    months = query_gold(
        project, "select strftime(order_date, '%Y-%m'), count(*) from gold.fct_orders group by all"
    )
    assert dict(months) == orders["by_month"]
    late = (
        "select count(delivered_at), count(case when delivered_at > promised_at then 1 end), "
        "sum(review_count) from gold.fct_orders"
    )
    assert query_gold(project, late) == [(delivery["delivered"], delivery["late"], reviews["count"])]
    customer_sql = "select count(*), count(case when order_count > 1 then 1 end) from gold.fct_customer_ltv"
    assert query_gold(project, customer_sql) == [
        (truth["customers"]["people"], truth["customers"]["repeating"])
    ]


def _recovers_lines(project, truth):
    amounts = {
        kind: (row["rows"], Decimal(row["amount"]), Decimal(row["freight"]))
        for kind, row in truth["by_kind"].items()
    }
    actual = query_gold(
        project,
        "select kind, count(*), sum(total_amount - freight_amount), sum(freight_amount) "
        "from gold.fct_order_items group by all",
    )
    assert {kind: tuple(row) for kind, *row in actual} == amounts
    assert all(rows for rows, _, _ in amounts.values())
    for table in ("fct_orders", "fct_revenue", "fct_seller_performance"):
        sums = f"select sum(gross_amount), -sum(return_amount), sum(total_amount) from gold.{table}"
        expected = (amounts["sale"][1], amounts["return"][1], Decimal(truth["owed"]))
        assert query_gold(project, sums) == [expected], table


def _recovers_payments(project, truth):
    methods = {method: Decimal(row["amount"]) for method, row in truth["by_method"].items()}
    paid = "select payment_method, sum(paid_amount) from gold.agg_payment_behavior group by all having sum(paid_amount) > 0"
    assert dict(query_gold(project, paid)) == {method: amount for method, amount in methods.items() if amount}
    sums = "select sum(payment_count), sum(paid_amount) - sum(refunded_amount), -sum(refunded_amount) from gold.fct_orders"
    expected = (truth["count"], Decimal(truth["amount"]), Decimal(truth["refunds"]["amount"]))
    assert query_gold(project, sums) == [expected]
    wrong = "select order_id from gold.fct_orders where payment_difference_amount <> 0"
    assert truth["wrong"]["is_complete"]
    assert {order for (order,) in query_gold(project, wrong)} == set(truth["wrong"]["order_ids"])


def _recovers_sellers(project, truth):
    sold = {row["seller_id"]: row for row in truth if row["orders"]}
    actual = query_gold(
        project,
        "select seller_id, order_count, gross_amount, -return_amount from gold.fct_seller_performance "
        "where seller_id <> '(unknown)'",
    )
    assert {seller: tuple(row) for seller, *row in actual} == {
        seller: (row["orders"], Decimal(row["sold"]), Decimal(row["returned"]))
        for seller, row in sold.items()
    }
    # the truth has no count of unavailable orders by seller, which are canceled ones in gold
    canceled = (
        "select seller_id, count(distinct case when status = 'canceled' then order_id end) "
        "from gold.fct_order_items where seller_id is not null group by all"
    )
    assert dict(query_gold(project, canceled)) == {seller: row["canceled"] for seller, row in sold.items()}


def _counts_no_purchase_events(project, truth):
    bought = query_gold(project, "select sum(gross_amount), sum(purchase_count) from gold.fct_sessions")
    assert bought == [(Decimal(truth["totals"]["gross_amount"]), truth["totals"]["purchases"])]
    assert bought[0][0] > 0
    orders = "select count(*), count(session_key) from gold.fct_orders"
    assert query_gold(project, orders) == [(truth["sales"]["orders"]["count"], 0)]


FIRST = {
    "orders": [
        {"order_id": "o1", "customer_id": "c1", "status": "created", "ordered_at": "2025-01-10T10:00:00Z"},
        {
            "order_id": "o2",
            "customer_id": "c2",
            "status": "shipped",
            "ordered_at": "2025-01-12T10:00:00Z",
            "approved_at": "2025-01-12T12:00:00Z",
            "shipped_at": "2025-01-14T12:00:00Z",
            "promised_at": "2025-01-20T00:00:00Z",
        },
        {"order_id": "o3", "customer_id": "c1", "status": "delivered", "ordered_at": "2025-02-03T10:00:00Z"},
    ],
    "order_items": [
        line("o1", 1, 10, product_id="p1", seller_id="s1", freight=2),
        line("o1", 2, 5, product_id="p2", seller_id="s2", quantity=2),
        line("o2", 1, 20, product_id="p1", seller_id="s1"),
        line("o3", 1, 30, product_id="p3", seller_id="s2"),
    ],
    "payments": [{"order_id": "o1", "sequence": 1, "method": "card", "installments": 3, "amount": 22}],
    "products": [{"product_id": "p1", "category": "toys"}, {"product_id": "p2", "category": "lamps"}],
    "sellers": [{"seller_id": "s1", "city": "Lyon"}, {"seller_id": "s2", "city": "Paris"}],
    "events": [
        event("product_view", "2025-01-10T09:50:00Z", product_id="p1", price=10),
        event("purchase", "2025-01-10T10:00:00Z", product_id="p1", price=10, order_id="o1"),
    ],
}
"""Early: one order merely created, one under way."""

SECOND = {
    "orders": [
        {
            "order_id": "o1",
            "customer_id": "c3",
            "status": "Delivered",
            "ordered_at": "2025-01-10T10:00:00Z",
            "approved_at": "2025-01-10T12:00:00Z",
            "shipped_at": "2025-01-11T12:00:00Z",
            "delivered_at": "2025-01-15T12:00:00Z",
            "promised_at": "2025-01-13T00:00:00Z",
        }
    ],
    "order_items": [line("o1", 2, 5, product_id="p2", seller_id="s2", quantity=3)],
    "payments": [{"order_id": "o1", "sequence": 2, "method": "voucher", "installments": 1, "amount": 5}],
    "reviews": [{"review_id": "r1", "order_id": "o1", "score": 2, "created_at": "2025-01-16T00:00:00Z"}],
    "products": [{"product_id": "p3", "category": "chairs", "updated_at": "2025-01-01T00:00:00Z"}],
}
"""The first order was another customer's, has one unit more, and came late."""

THIRD = {
    "orders": [
        {
            "order_id": "o2",
            "customer_id": "c2",
            "status": "canceled",
            "ordered_at": "2025-01-12T10:00:00Z",
        },
        {"order_id": "o4", "customer_id": "c3", "status": "created", "ordered_at": "2025-03-05T10:00:00Z"},
    ],
    "order_items": [
        line("o3", 2, 30, product_id="p3", seller_id="s2", kind="return", quantity=-1),
        line("o4", 1, 40, product_id="p1", seller_id="s1"),
    ],
    "reviews": [{"review_id": "r1", "order_id": "o1", "score": 4, "created_at": "2025-01-16T00:00:00Z"}],
    "products": [{"product_id": "p2", "category": "lights", "updated_at": "2025-03-01T00:00:00Z"}],
    "categories": [{"category": "toys", "name": "Toys and games"}],
    "events": [event("page_view", "2025-01-10T09:40:00Z"), event("page_view", "2025-03-01T09:40:00Z")],
}
"""The second is called off, of the third everything came back, the first was reviewed again, categories moved."""


QUERIES = {
    "o1": "select customer_id, status, total_amount, paid_amount, payment_difference_amount, review_score, days_late, "
    "handling_days, payment_count from gold.fct_orders where order_id = 'o1'",
    "counted": "select order_id from gold.fct_orders where is_counted order by all",
    "lines": "select order_id, line_number, category, net_amount from gold.fct_order_items order by all",
    "revenue": "select order_date, category, gross_amount, return_amount, canceled_amount, net_amount "
    "from gold.fct_revenue where category in ('toys', 'Toys and games', 'chairs') order by all",
    "customers": "select customer_id, order_count, counted_order_count, canceled_order_count, "
    "historical_value_amount from gold.fct_customer_ltv order by all",
    "users": "select user_id, order_count, lifetime_value_amount, session_count from gold.dim_users order by all",
    "cohorts": "select cohort_month, period_number, active_customer_count, order_value_amount "
    "from gold.agg_cohort_retention where order_count > 0 order by all",
    "sellers": "select seller_id, order_count, canceled_order_count, net_amount, on_time_rate, average_review_score, "
    "revenue_rank from gold.fct_seller_performance order by all",
    "payments": "select payment_method, installment_count, paid_amount, mismatched_order_count, bad_review_rate "
    "from gold.agg_payment_behavior order by all",
    "kpi": "select order_month, status, order_count, net_amount, canceled_amount, on_time_rate, average_review_score "
    "from gold.agg_sales_kpi where category = '(all)' order by all",
    "nested": "select customer_id, list_transform(items, lambda line: line.total_amount), "
    "list_transform(payments, lambda paid: paid.method) from silver.int_orders_nested where order_id = 'o1'",
}
JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)


@pytest.mark.slow
def test_late_and_corrected_orders_reach_every_table_and_end_where_one_full_load_ends(tmp_path):
    project = order_shop(tmp_path / "parts")
    _stands_as_first_stated(_after(project, 1, FIRST))
    _has_moved_to_its_customer(_after(project, 2, SECOND))
    _leaves_every_sum(_after(project, 3, THIRD))
    full = order_shop(tmp_path / "whole", raw=project.root / "raw")
    take_in(full)
    assert build(full, full_refresh=True).full_refresh
    assert gold(full.published) == gold(project.published)


def _after(project, number, rows):
    """Return the results of ``QUERIES`` after one more delivery."""
    deliver(project, number, **rows)
    assert build(project).full_refresh == (number == 1)
    return {name: query_gold(project, query) for name, query in QUERIES.items()}


def _stands_as_first_stated(results):
    assert results["o1"] == [("c1", "created", 22, 22, 0, None, None, None, 1)]
    assert results["customers"] == [("c1", 2, 2, 0, 50), ("c2", 1, 1, 0, 20)]
    assert results["cohorts"] == [(JANUARY, 0, 2, 40), (JANUARY, 1, 1, 30)]
    assert results["sellers"] == [("s1", 2, 0, 30, None, None, 2), ("s2", 2, 0, 40, None, None, 1)]
    assert results["payments"] == [("card", 3, 22, 0, None)]
    assert results["users"] == [("c1", 2, 50, 1), ("c2", 1, 20, 0)]


def _has_moved_to_its_customer(results):
    assert results["o1"] == [("c3", "delivered", 27, 27, 0, 2, 2, 1, 2)]
    assert ("o1", 2, "lamps", 15) in results["lines"]
    assert ("o3", 1, "chairs", 30) in results["lines"]
    assert results["customers"] == [("c1", 1, 1, 0, 30), ("c2", 1, 1, 0, 20), ("c3", 1, 1, 0, 25)]
    assert results["users"] == [("c1", 1, 30, 1), ("c2", 1, 20, 0), ("c3", 1, 25, 0)]
    assert results["cohorts"] == [(JANUARY, 0, 2, 45), (FEBRUARY, 0, 1, 30)]
    assert results["sellers"] == [("s1", 2, 0, 30, 0, 2, 2), ("s2", 2, 0, 45, 0, 2, 1)]
    assert results["payments"] == [("card", 3, 22, 0, 1), ("voucher", 1, 5, 0, 1)]
    assert (JANUARY, "delivered", 1, 25, 0, 0, 2) in results["kpi"]
    assert results["nested"] == [("c3", [12, 15], ["card", "voucher"])]


def _leaves_every_sum(results):
    assert results["counted"] == [("o1",), ("o3",), ("o4",)]
    assert results["customers"] == [("c1", 1, 1, 0, 0), ("c2", 1, 0, 1, 0), ("c3", 2, 2, 0, 65)]
    assert results["cohorts"] == [(JANUARY, 0, 1, 25), (JANUARY, 2, 1, 40), (FEBRUARY, 0, 1, 30)]
    assert results["sellers"] == [("s1", 3, 1, 50, 0, 4, 1), ("s2", 2, 0, 15, 0, 4, 2)]
    assert (JANUARY, "canceled", 1, 0, 20, None, None) in results["kpi"]
    assert results["payments"] == [("card", 3, 22, 0, 0), ("voucher", 1, 5, 0, 0)]
    assert results["revenue"] == [
        (date(2025, 1, 10), "Toys and games", 10, 0, 0, 10),
        (date(2025, 1, 12), "Toys and games", 20, 0, 20, 0),
        (date(2025, 2, 3), "chairs", 30, 30, 0, 0),
        (date(2025, 3, 5), "Toys and games", 40, 0, 0, 40),
    ]
    assert ("o1", 2, "lights", 15) in results["lines"]
    assert results["users"] == [("c1", 1, 0, 2), ("c2", 1, 0, 0), ("c3", 2, 65, 0)]


@pytest.mark.slow
def test_a_click_only_shop_that_begins_to_send_orders_is_rebuilt_and_says_so(tmp_path):
    project = order_shop(tmp_path)
    deliver(project, 1, events=FIRST["events"])
    build(project)
    orders = "select customer_id, gross_amount, session_key is not null from gold.fct_orders order by all"
    assert query_gold(project, orders) == [("c1", 10, True)]
    deliver(project, 2, orders=FIRST["orders"], order_items=FIRST["order_items"])
    report = build(project)
    assert (report.full_refresh, report.reason) == (True, "orders are now taken from the source")
    assert query_gold(project, orders) == [("c1", 20, False), ("c1", 30, False), ("c2", 20, False)]
    assert query_gold(project, "select sum(gross_amount) from gold.fct_sessions") == [(10,)]


def test_an_order_without_a_rate_of_exchange_is_unknown_and_stops_nothing(tmp_path):
    project = order_shop(tmp_path)
    foreign = {"order_id": "o9", "currency": "USD", "ordered_at": "2025-01-10T10:00:00Z"}
    deliver(project, 1, orders=[*FIRST["orders"], foreign], order_items=[line("o9", 1, 7)])
    report = build(project)
    assert report.warnings == ("orders_have_known_amounts: 1 row",)
    unknown = "select order_id, presentment_currency, presentment_total_amount from gold.fct_orders where total_amount is null"
    assert query_gold(project, unknown) == [("o9", "USD", 7)]


@pytest.mark.slow
def test_what_speaks_of_an_order_waits_until_the_order_comes(tmp_path):
    project = order_shop(tmp_path)
    lines = [line("o1", 1, 10), line("late", 1, 7)]
    paid = [{"order_id": "late", "sequence": 1, "amount": 7}]
    review_rows = [{"review_id": "r1", "order_id": "late", "score": 5}]
    deliver(project, 1, orders=FIRST["orders"][:1], order_items=lines, payments=paid, reviews=review_rows)
    report = build(project)
    assert report.warnings == ("lines_payments_and_reviews_have_an_order: 3 rows",)
    money = "select count(*), sum(total_amount), sum(paid_amount), sum(review_count) from gold.fct_orders"
    assert query_gold(project, money) == [(1, 10, 0, 0)]
    assert query_gold(project, "select count(*) from gold.agg_payment_behavior") == [(0,)]
    deliver(project, 2, orders=[{"order_id": "late", "ordered_at": "2025-01-11T10:00:00Z"}])
    report = build(project)
    assert (report.full_refresh, report.warnings) == (False, ())
    assert query_gold(project, money) == [(2, 17, 7, 1)]
    assert query_gold(project, "select sum(total_amount) from gold.fct_seller_performance") == [(17,)]


def test_careless_lines_and_payments_are_kept_apart_with_a_reason(tmp_path):
    project = order_shop(tmp_path)
    no_kind = {"order_id": "o1", "line_number": 2, "quantity": 1, "unit_price": 99}
    strange = line("o1", 3, 99, kind="gift")
    paid = [
        {"order_id": "o1", "sequence": 1, "method": "Card", "amount": 10},
        {"order_id": "o1", "sequence": 2, "installments": -3, "amount": 99},
        {"order_id": "o1", "sequence": 3, "installments": 0, "amount": 0},
    ]
    order_items = [line("o1", 1, 10), no_kind, strange]
    deliver(project, 1, orders=FIRST["orders"][:1], order_items=order_items, payments=paid)
    build(project)
    rules = sorted(rule for row in list_open(project) for rule in row.rules)
    assert rules == ["installments_out_of_range", "kind_missing", "kind_unknown"]
    assert query_gold(project, "select line_count, total_amount, paid_amount from gold.fct_orders") == [
        (1, 10, 10)
    ]
    ways = "select payment_method, installment_count from gold.agg_payment_behavior order by all"
    assert query_gold(project, ways) == [("(unknown)", 0), ("card", None)]
    assert query_gold(project, "select sum(rows_quarantined) from gold.fct_ingest_ledger") == [(3,)]
