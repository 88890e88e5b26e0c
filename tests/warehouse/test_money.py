"""Money in equals money out, to the last decimal, in every gold table, whatever the shop looks like."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.warehouse.models import SmallShop, compile_models
from tests.warehouse.sales_recomputed import rounded
from tests.warehouse.shops import make_shop, take_in

GOLD = (
    "fct_orders",
    "fct_order_items",
    "fct_revenue",
    "agg_sales_kpi",
    "fct_seller_performance",
    "agg_payment_behavior",
    "fct_customer_ltv",
    "agg_cohort_retention",
    "agg_churn_features",
    "int_orders_nested",
    "int_product_sales",
)
START = datetime(2025, 1, 31, 22, 0)  # noqa: DTZ001  # naive UTC, as everywhere
CANCELED = ("canceled", "unavailable")

cents = st.integers(-50_000, 50_000).map(lambda number: Decimal(number) / 100)
prices = st.one_of(
    st.just(Decimal(0)),
    st.integers(0, 90_000).map(lambda number: Decimal(number) / 100),
    st.just(Decimal("0.001")),
)
timestamps = st.integers(0, 200 * 24).map(lambda hours: START + timedelta(hours=hours))
maybe = st.one_of(st.none(), timestamps)


@st.composite
def lines(draw):
    kind = draw(st.sampled_from(["sale", "sale", "sale", "return", "discount", "fee", "adjustment"]))
    price = draw(prices if kind in ("sale", "return") else cents)
    quantity = draw(st.integers(1, 5)) * (-1 if kind == "return" else 1)
    return {
        "kind": kind,
        "product_id": draw(st.sampled_from(["p1", "p2", "p3", None])),
        "seller_id": draw(st.sampled_from(["s1", "s2", None])),
        "quantity": quantity,
        "unit_price": price,
        "line_amount": price * quantity,
        "unit_cost": draw(st.sampled_from([Decimal("1.5"), Decimal("0.333333"), Decimal("0.00004"), None])),
        "freight": draw(
            st.one_of(st.none(), st.integers(0, 3_000).map(lambda number: Decimal(number) / 100))
        ),
        "ordered_at": draw(maybe) if kind == "return" else None,
    }


@st.composite
def orders(draw):
    ordered_at = draw(timestamps)
    delivered = draw(st.one_of(st.none(), st.integers(0, 900)))
    return {
        "header": {
            "customer_id": draw(st.sampled_from(["c1", "c2", "c3", None])),
            "status": draw(st.sampled_from(["delivered", "Shipped", "canceled", "unavailable", None])),
            "ordered_at": ordered_at,
            "approved_at": draw(maybe),
            "delivered_at": None if delivered is None else ordered_at + timedelta(hours=delivered),
            "promised_at": draw(maybe),
            "ship_region": draw(st.sampled_from(["SP", "RJ", None])),
        },
        "lines": draw(st.lists(lines(), max_size=5)),
        "payments": draw(
            st.lists(
                st.fixed_dictionaries(
                    {
                        "method": st.sampled_from(["credit_card", "voucher", None]),
                        "installments": st.sampled_from([None, 0, 1, 10]),
                        "amount": cents,
                        "paid_at": maybe,
                    }
                ),
                max_size=4,
            )
        ),
        "reviews": draw(
            st.lists(
                st.fixed_dictionaries(
                    {"score": st.integers(1, 5), "created_at": maybe, "answered_at": maybe}
                ),
                max_size=3,
            )
        ),
    }


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The models of a shop that states its orders; the tests put other shops in its place."""
    project = make_shop(tmp_path_factory.mktemp("money"))
    raw = project.root / "raw"
    raw.mkdir()
    (raw / "orders.jsonl").write_text('{"order_id": "o1", "ordered_at": "2025-01-01T00:00:00Z"}\n', "utf-8")
    take_in(project)
    return SmallShop(compile_models(project, *GOLD))


def _fill(shop: SmallShop, drawn_orders: list[dict]) -> None:
    shop.clear()
    for index, order in enumerate(drawn_orders):
        order_id = f"o{index}"
        shop.fill("orders", [{"order_id": order_id, **order["header"]}])
        shop.fill(
            "order_items",
            [{"order_id": order_id, "line_number": n, **line} for n, line in enumerate(order["lines"], 1)],
        )
        shop.fill(
            "payments",
            [{"order_id": order_id, "sequence": n, **paid} for n, paid in enumerate(order["payments"], 1)],
        )
        shop.fill(
            "reviews",
            [
                {"order_id": order_id, "review_id": f"r{n}", **review}
                for n, review in enumerate(order["reviews"], 1)
            ],
        )
    shop.fill(
        "products", [{"product_id": "p1", "category": "toys"}, {"product_id": "p2", "category": "lamps"}]
    )


def _truth(drawn_orders: list[dict]) -> dict[str, Decimal]:
    """Return the totals of the shop's rows, added up in Python."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for order in drawn_orders:
        is_canceled = (order["header"]["status"] or "").lower() in CANCELED
        for line in order["lines"]:
            amount = line["line_amount"]
            freight = line["freight"] or Decimal(0)
            found["freight"] += freight
            found["total"] += amount + freight
            found[line["kind"]] += amount
            if line["kind"] in ("sale", "return", "discount"):
                found["canceled" if is_canceled else "net"] += amount
                if order["header"]["customer_id"]:
                    found["known_net"] += 0 if is_canceled else amount
        found["paid"] += sum((paid["amount"] for paid in order["payments"]), Decimal(0))
    return found


AMOUNTS = (
    "sum(gross_amount), -sum(discount_amount), -sum(return_amount), sum(fee_amount), sum(adjustment_amount), "
    "sum(freight_amount), sum(canceled_amount), sum(net_amount), sum(total_amount)"
)


def _check(shop: SmallShop, drawn_orders: list[dict]) -> None:
    truth = _truth(drawn_orders)
    names = ("sale", "discount", "return", "fee", "adjustment", "freight", "canceled", "net", "total")
    expected = tuple(truth[name] for name in names)
    for table in (
        "gold.fct_orders",
        "gold.fct_order_items",
        "gold.fct_revenue",
        "gold.fct_seller_performance",
    ):
        assert _without_nulls(shop.one(f"select {AMOUNTS} from {table}")) == expected, table
    kpi = "select sum(net_amount), sum(canceled_amount), sum(freight_amount) from gold.agg_sales_kpi where category"
    assert _without_nulls(shop.one(f"{kpi} = '(all)'")) == (truth["net"], truth["canceled"], truth["freight"])
    assert _without_nulls(shop.one(f"{kpi} <> '(all)'")) == (
        truth["net"],
        truth["canceled"],
        truth["freight"],
    )
    assert shop.one(
        "select coalesce(sum(order_count), 0) from gold.agg_sales_kpi where category = '(all)'"
    ) == (len(drawn_orders),)
    for table in ("gold.fct_orders", "gold.agg_payment_behavior"):
        assert _without_nulls(shop.one(f"select sum(paid_amount) - sum(refunded_amount) from {table}")) == (
            truth["paid"],
        )
    ltv = "select sum(historical_value_amount), count(*) from gold.fct_customer_ltv"
    identified = {order["header"]["customer_id"] for order in drawn_orders} - {None}
    assert _without_nulls(shop.one(ltv)) == (truth["known_net"], len(identified))
    _check_margins(shop, drawn_orders)
    nested = (
        "select sum(list_sum(list_transform(items, lambda line: line.total_amount))), "
        "sum(list_sum(list_transform(payments, lambda paid: paid.amount))) from silver.int_orders_nested"
    )
    assert _without_nulls(shop.one(nested)) == (truth["total"], truth["paid"])
    cohorts = shop.one("select sum(order_value_amount) from gold.agg_cohort_retention")
    values = shop.one("select sum(order_value_amount) from gold.fct_orders where customer_id is not null")
    assert _without_nulls(cohorts) == _without_nulls(values)
    assert shop.one("select count(*), count(distinct order_key) from gold.fct_orders") == (
        len(drawn_orders),
        len(drawn_orders),
    )


def _margins(drawn_orders: list[dict]) -> dict[str, dict[str, Decimal | None]]:
    """Return the margin of each customer, seller and status; None where anything's cost is unknown."""
    found: dict[str, dict[str, Decimal | None]] = {"customer": {}, "seller": {}, "status": {}, "order": {}}
    for index, order in enumerate(drawn_orders):
        status = (order["header"]["status"] or "(unknown)").lower()
        shared = {"customer": order["header"]["customer_id"], "status": status, "order": f"o{index}"}
        for name, key in shared.items():
            total = found[name].setdefault(key, Decimal(0))
            found[name][key] = None if total is None or not order["lines"] else total
        for line in order["lines"]:
            margin = _margin(line, is_canceled=status in CANCELED)
            for name, key in {**shared, "seller": line["seller_id"] or "(unknown)"}.items():
                total = found[name].setdefault(key, Decimal(0))
                found[name][key] = None if total is None or margin is None else total + margin
    found["customer"].pop(None, None)
    return found


def _margin(line: dict, *, is_canceled: bool) -> Decimal | None:
    is_goods = line["kind"] in ("sale", "return")
    if is_goods and line["unit_cost"] is None:
        return None
    if is_canceled or not (is_goods or line["kind"] == "discount"):
        return Decimal(0)
    cost = rounded(line["unit_cost"] * line["quantity"]) if is_goods else Decimal(0)
    return line["line_amount"] - cost


def _check_margins(shop: SmallShop, drawn_orders: list[dict]) -> None:
    actual = {
        name: dict(shop.connection.execute(query).fetchall())
        for name, query in {
            "customer": "select customer_id, margin_amount from gold.fct_customer_ltv",
            "seller": "select seller_id, margin_amount from gold.fct_seller_performance",
            "order": "select order_id, margin_amount from gold.fct_orders",
            "status": "select status, case when count(margin_amount) = count(*) then sum(margin_amount) end "
            "from gold.agg_sales_kpi where category = '(all)' group by status",
        }.items()
    }
    assert actual == _margins(drawn_orders)
    by_category = "select sum(margin_amount) from gold.agg_sales_kpi where category {} '(all)' having count(*) = count(margin_amount)"
    sums = [shop.connection.execute(by_category.format(sign)).fetchall() for sign in ("=", "<>")]
    assert not sums[0] or not all(order["lines"] for order in drawn_orders) or sums[0] == sums[1]


def _without_nulls(row):
    return tuple(Decimal(0) if value is None else value for value in row)


def test_an_order_with_two_payments_two_lines_and_two_reviews_counts_once(shop):
    header = {"customer_id": "c1", "status": "delivered", "ordered_at": START}
    line = {"kind": "sale", "product_id": "p1", "seller_id": "s1", "quantity": 1, "unit_price": Decimal(10)}
    line |= {"line_amount": Decimal(10), "freight": None, "ordered_at": None, "unit_cost": Decimal(6)}
    paid = {"method": "voucher", "installments": 1, "amount": Decimal(10), "paid_at": None}
    review = {"score": 4, "created_at": None, "answered_at": None}
    drawn_orders = [
        {"header": header, "lines": [line, line], "payments": [paid, paid], "reviews": [review, review]}
    ]
    _fill(shop, drawn_orders)
    shop.build()
    _check(shop, drawn_orders)
    found = shop.one(
        "select gross_amount, paid_amount, payment_difference_amount, review_score, review_count from gold.fct_orders"
    )
    assert found == (20, 20, 0, 4, 2)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_money_in_equals_money_out_in_a_thousand_random_shops(part, shop):
    @seed(part)
    @settings(max_examples=250, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(orders(), max_size=8))
    def holds(drawn_orders):
        _fill(shop, drawn_orders)
        shop.build()
        _check(shop, drawn_orders)

    holds()


@pytest.mark.slow
def test_churn_features_do_not_change_when_the_future_does(shop):
    @seed(5)
    @settings(
        max_examples=60,
        deadline=None,
        phases=(Phase.generate,),
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(orders(), min_size=3, max_size=8), st.integers(1, 6))
    def holds(drawn_orders, months):
        cutoff = datetime(2025, 1 + months, 1)  # noqa: DTZ001
        query = f"select * exclude (is_churned) from gold.agg_churn_features where snapshot_date = '{cutoff:%Y-%m-%d}'"
        _fill(shop, drawn_orders)
        _fill_later(shop, cutoff)
        shop.build()
        before = sorted(map(repr, shop.connection.execute(query).fetchall()))
        _fill(
            shop,
            [
                _without_future(order, cutoff)
                for order in drawn_orders
                if order["header"]["ordered_at"] < cutoff
            ],
        )
        _fill_later(shop, cutoff)
        shop.build()
        assert sorted(map(repr, shop.connection.execute(query).fetchall())) == before

    holds()


def _fill_later(shop: SmallShop, cutoff: datetime) -> None:
    """Add an order of a later month, so that the cutoff is a snapshot date in any case."""
    shop.fill(
        "orders", [{"order_id": "later", "customer_id": "c1", "ordered_at": cutoff + timedelta(days=40)}]
    )
    line = {"line_number": 1, "kind": "sale", "quantity": 1, "unit_price": 1, "line_amount": 1}
    shop.fill("order_items", [{"order_id": "later", **line}])


def _without_future(order: dict, cutoff: datetime) -> dict:
    """Return the order as it was known at the cutoff: without later deliveries, reviews, returns and status."""
    header = dict(order["header"])
    if header["delivered_at"] and header["delivered_at"] >= cutoff:
        header["delivered_at"] = None
    header["status"] = "created"
    retained_reviews = [
        review
        for review in order["reviews"]
        if (review["answered_at"] or review["created_at"] or cutoff) < cutoff
    ]
    lines_then = [line for line in order["lines"] if line["kind"] != "return"]
    paid_then = [paid for paid in order["payments"] if paid["paid_at"] is None or paid["paid_at"] < cutoff]
    return {
        **order,
        "header": header,
        "reviews": retained_reviews,
        "lines": lines_then,
        "payments": paid_then,
    }
