"""What truth.json says of the order side is what the files add up to, to the cent."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.simulate.order_files import Row, by_order, goods, latest, owed, read, rows_of

if TYPE_CHECKING:
    from shopwright.simulate import Simulation

CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def truth(market: Simulation) -> dict[str, Any]:
    found: dict[str, Any] = market.truth["sales"]
    return found


@pytest.fixture(scope="module")
def orders(market: Simulation) -> dict[str, Row]:
    return latest(market)


@pytest.fixture(scope="module")
def lines(market: Simulation) -> list[Row]:
    return read(market, "order_items")


@pytest.fixture(scope="module")
def payments(market: Simulation) -> list[Row]:
    return read(market, "payments")


def total(values: list[Decimal]) -> str:
    return str(sum(values, Decimal(0)).quantize(CENT))


def is_late(order: Row) -> bool:
    return bool(order["delivered_at"] > order["promised_at"])


def test_orders_are_counted(market: Simulation, truth: dict[str, Any], orders: dict[str, Row]) -> None:
    known = truth["orders"]
    assert known["count"] == len(orders) == market.truth["totals"]["orders"]
    assert known["versions"] == len(read(market, "orders")) > known["count"]
    assert +Counter(known["by_status"]) == Counter(order["status"] for order in orders.values())
    assert known["by_month"] == Counter(order["ordered_at"][:7] for order in orders.values())
    assert all(known["by_status"].values())
    assert known["cancellation_rate"] == known["by_status"]["canceled"] / known["count"]


def test_people_are_counted(truth: dict[str, Any], orders: dict[str, Row]) -> None:
    counts = Counter(order["customer_id"] for order in orders.values())
    repeating = sum(count > 1 for count in counts.values())
    assert truth["customers"] == {
        "people": len(counts),
        "repeating": repeating,
        "repeat_rate": repeating / len(counts),
    }


def test_lines_add_up_by_kind(truth: dict[str, Any], orders: dict[str, Row], lines: list[Row]) -> None:
    known = truth["lines"]
    for kind, row in known["by_kind"].items():
        of_kind = [line for line in lines if line["kind"] == kind]
        assert row == {
            "rows": len(of_kind),
            "units": sum(line["quantity"] for line in of_kind),
            "amount": total([goods(line) for line in of_kind]),
            "freight": total([line["freight"] for line in of_kind]),
        }
        assert of_kind
    assert known["count"] == len(lines)
    assert known["owed"] == total([owed(line) for line in lines])
    assert (
        known["without_seller"] == sum("product_id" in line and "seller_id" not in line for line in lines) > 0
    )
    assert (
        known["free_items"] == sum(line["unit_price"] == 0 and line["kind"] == "sale" for line in lines) > 0
    )
    ended = {key for key, order in orders.items() if order["status"] in {"canceled", "unavailable"}}
    returns = {line["order_id"] for line in lines if line["kind"] == "return"}
    assert known["orders_with_returns"] == len(returns - ended) > 0
    off = [line for line in lines if line["order_id"] in ended]
    assert known["called_off"]["amount"] == total([goods(line) for line in off if line["kind"] == "sale"])
    assert sum(map(owed, off)) == 0


def test_payments_add_up_by_method(truth: dict[str, Any], payments: list[Row]) -> None:
    known = truth["payments"]
    paid = [payment for payment in payments if payment["amount"] > 0]
    refunds = [payment for payment in payments if payment["amount"] < 0]
    assert known["count"] == len(payments) == len(paid) + len(refunds)
    assert known["amount"] == total([payment["amount"] for payment in payments])
    assert known["refunds"] == {"rows": len(refunds), "amount": total([row["amount"] for row in refunds])}
    for method, row in known["by_method"].items():
        amounts = [payment["amount"] for payment in paid if payment["method"] == method]
        assert row == {"rows": len(amounts), "amount": total(amounts)}
        assert amounts
    pieces = Counter(payment["order_id"] for payment in paid)
    assert known["orders_paid"] == len(pieces)
    assert known["orders_with_several_payments"] == sum(count > 1 for count in pieces.values())


def test_money_in_is_money_out_but_where_the_truth_says_otherwise(
    truth: dict[str, Any], orders: dict[str, Row], lines: list[Row], payments: list[Row]
) -> None:
    due = {order: sum(map(owed, rows), Decimal(0)) for order, rows in by_order(lines).items()}
    paid = {order: sum(row["amount"] for row in rows) for order, rows in by_order(payments).items()}
    off = {order: paid.get(order, Decimal(0)) - due[order] for order in orders}
    unpaid = {order for order, row in orders.items() if row["status"] == "created"}
    wrong = {order for order, difference in off.items() if difference and order not in unpaid}
    known = truth["payments"]
    assert wrong == set(known["wrong"]["order_ids"])
    assert len(wrong) == known["wrong"]["orders"] > 0
    assert known["wrong"]["share"] == len(wrong) / known["orders_paid"] == pytest.approx(0.02, abs=0.01)
    assert known["wrong"]["paid_beyond_owed"] == total([off[order] for order in wrong])
    assert known["unpaid"] == {"orders": len(unpaid), "owed": total([due[order] for order in unpaid])}
    assert not unpaid & paid.keys()


def test_delivery_and_reviews_are_what_the_files_say(
    market: Simulation, truth: dict[str, Any], orders: dict[str, Row]
) -> None:
    delivered = [order for order in orders.values() if order["status"] == "delivered"]
    late = sum(map(is_late, delivered))
    assert truth["delivery"]["delivered"] == len(delivered)
    assert (truth["delivery"]["late"], truth["delivery"]["late_rate"]) == (late, late / len(delivered))
    reviews, known = read(market, "reviews"), truth["reviews"]
    assert known["count"] == len(reviews)
    assert known["answered"] == sum("answered_at" in review for review in reviews) > 0
    assert known["by_score"] == {
        str(score): sum(review["score"] == score for review in reviews) for score in range(1, 6)
    }
    on_time = [review["score"] for review in reviews if not is_late(orders[review["order_id"]])]
    assert known["by_lateness"]["on time"] == {
        "reviews": len(on_time),
        "mean_score": sum(on_time) / len(on_time),
    }
    means = [row["mean_score"] for row in known["by_lateness"].values()]
    assert means == sorted(means, reverse=True)


def test_each_seller_has_sold_what_the_lines_say(
    market: Simulation, truth: dict[str, Any], orders: dict[str, Row], lines: list[Row]
) -> None:
    sold: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    of_seller: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        if "seller_id" in line:
            sold[line["seller_id"], line["kind"]] += goods(line)
            of_seller[line["seller_id"]].add(line["order_id"])
    assert [row["seller_id"] for row in truth["sellers"]] == [
        row["seller_id"] for row in read(market, "sellers")
    ]
    for seller in truth["sellers"]:
        name = seller["seller_id"]
        mine = [orders[order] for order in of_seller[name]]
        delivered = [order for order in mine if order["status"] == "delivered"]
        assert seller["orders"] == len(mine)
        assert (seller["delivered"], seller["late"]) == (len(delivered), sum(map(is_late, delivered)))
        assert seller["canceled"] == sum(order["status"] == "canceled" for order in mine)
        assert seller["sold"] == total([sold[name, "sale"]])
        assert seller["returned"] == total([sold[name, "return"]])


def test_purchases_are_the_lines_of_their_order(market: Simulation, lines: list[Row]) -> None:
    bought: dict[str, list[Row]] = defaultdict(list)
    for event in rows_of(market.files["events"], about='"event_type":"purchase"'):
        bought[event["properties"]["order_id"]].append(event["properties"])
    sales = by_order(line for line in lines if line["kind"] == "sale" and line["unit_price"] > 0)
    assert bought.keys() == sales.keys()
    for order, events in bought.items():
        assert said(sales[order], "unit_price") == said(events, "price")


def said(rows: list[Row], price: str) -> Counter[tuple[str, int, Decimal]]:
    """Products, quantities and prices."""
    return Counter((row["product_id"], row["quantity"], row[price]) for row in rows)
