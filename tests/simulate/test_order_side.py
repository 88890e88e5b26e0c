"""Orders behave as orders do: versions, money, delivery, returns, dirt and bytes."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulate.conftest import ALL_DIRT
from tests.simulate.order_files import Row, by_order, goods, latest, owed, read, rows_of

from shopwright.simulate import Dirt, Simulation, SimulationConfig, simulate
from shopwright.simulate.arrays import sum_by
from shopwright.simulate.dirt import CODE
from shopwright.simulate.sales.faults import POSSIBLE
from shopwright.simulate.sales.market import OrderSimulator
from shopwright.simulate.shop import open_shop, run_shop
from shopwright.simulate.truth import TruthCounter
from shopwright.simulate.writers.export import SALES

if TYPE_CHECKING:
    from pathlib import Path

PATH = ["created", "approved", "shipped", "delivered"]
STEPS = {"approved": "approved_at", "shipped": "shipped_at", "delivered": "delivered_at"}
EXPORTS = ["2025-10-01", "2025-11-01", "2025-12-01", "2026-01-01"]


@pytest.fixture(scope="module")
def lines(market: Simulation) -> dict[str, list[Row]]:
    return by_order(read(market, "order_items"))


@pytest.fixture(scope="module")
def payments(market: Simulation) -> dict[str, list[Row]]:
    return by_order(read(market, "payments"))


def days_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds() / 86_400


def test_a_version_is_valid_from_its_export_on_and_says_nothing_later(market: Simulation) -> None:
    for path, export in zip(market.files["orders"], EXPORTS, strict=True):
        for order in rows_of([path]):
            assert order["updated_at"] == f"{export}T00:00:00.000Z"
            times = [order[name] for name in ("ordered_at", *STEPS.values()) if name in order]
            assert times == sorted(times)
            assert times[-1] < export


def test_an_order_comes_again_only_with_a_later_status(market: Simulation) -> None:
    several = 0
    for versions in by_order(read(market, "orders")).values():
        several += len(versions) > 1
        for before, after in pairwise(versions):
            assert before["updated_at"] < after["updated_at"]
            assert before["status"] in PATH[:3]
            if after["status"] in PATH:
                assert PATH.index(before["status"]) < PATH.index(after["status"])
            kept = before.keys() - {"status", "updated_at"}
            assert {name: before[name] for name in kept} == {name: after[name] for name in kept}
    assert several > 100


def test_a_status_has_the_times_that_led_to_it(market: Simulation) -> None:
    for order in latest(market).values():
        known = [name for name in STEPS.values() if name in order]
        if order["status"] in PATH:
            assert known == list(STEPS.values())[: PATH.index(order["status"])]
        else:
            assert known in ([], ["approved_at"])


def test_rows_are_in_the_file_of_the_month_they_came_about(market: Simulation) -> None:
    for entity, time in (("payments", "paid_at"), ("reviews", "created_at"), ("orders", "ordered_at")):
        for path, export in zip(market.files[entity], EXPORTS, strict=True):
            assert all(row[time] < export for row in rows_of([path]))
    for path in market.files["payments"]:
        month = path.stem.removeprefix("payments-")
        assert {row["paid_at"][:7] for row in rows_of([path])} == {month}


def test_lines_are_numbered_and_the_click_side_comes_first(lines: dict[str, list[Row]]) -> None:
    for rows in lines.values():
        assert [row["line_number"] for row in rows] == list(range(1, len(rows) + 1))
        assert rows[0]["kind"] == "sale"
        assert rows[0]["unit_price"] > 0


def test_no_more_comes_back_than_was_sold(lines: dict[str, list[Row]]) -> None:
    partly = 0
    for rows in lines.values():
        sold, back = (
            Counter({(row["product_id"], row["unit_price"]): 0 for row in rows if "product_id" in row})
            for _ in range(2)
        )
        for row in rows:
            assert (row["quantity"] < 0) == (row["kind"] == "return") or row["kind"] in {"discount", "fee"}
            if row["kind"] in {"sale", "return"}:
                (sold if row["kind"] == "sale" else back)[row["product_id"], row["unit_price"]] += abs(
                    row["quantity"]
                )
        assert back <= sold
        partly += Counter() < +back < sold
        assert sum(map(owed, rows)) >= 0
    assert partly > 10


def test_a_refund_is_what_the_correcting_lines_say(
    lines: dict[str, list[Row]], payments: dict[str, list[Row]]
) -> None:
    refunds = {order: [row for row in rows if row["amount"] < 0] for order, rows in payments.items()}
    for order, rows in lines.items():
        fixes = [row for row in rows if row["kind"] in {"return", "adjustment"} or row["quantity"] < 0]
        refund = refunds.get(order, [])
        assert len(refund) == bool(fixes and order in payments)
        if refund:
            assert refund[0]["amount"] == sum(map(owed, fixes))
            assert refund[0]["sequence"] == len(payments[order])


def test_payments_look_like_payments(payments: dict[str, list[Row]]) -> None:
    paid = {order: [row for row in rows if row["amount"] > 0] for order, rows in payments.items()}
    assert all([row["sequence"] for row in rows] == list(range(1, len(rows) + 1)) for rows in paid.values())
    several = [rows for rows in paid.values() if len(rows) > 1]
    assert len(several) / len(paid) == pytest.approx(0.10, abs=0.03)
    for rows in several:
        assert {row["method"] for row in rows[:-1]} == {"voucher"}
        assert rows[-1]["method"] == "card"
    installments = {
        method: {row["installments"] for rows in paid.values() for row in rows if row["method"] == method}
        for method in ("card", "bank_slip", "voucher", "debit")
    }
    assert installments.pop("card") == set(range(1, 11))
    assert all(found == {1} for found in installments.values())


def test_baskets_and_sellers_are_skewed(market: Simulation, lines: dict[str, list[Row]]) -> None:
    sizes = Counter(sum(row["kind"] == "sale" for row in rows) for rows in lines.values())
    assert sizes[1] > sizes[2] > sizes[3] > 0
    assert max(sizes) == market.truth["sales"]["orders"]["most_items"] > 4
    orders = [seller["orders"] for seller in market.truth["sales"]["sellers"]]
    assert len(orders) == 16
    assert orders[0] > 3 * np.median(orders)


def test_bad_sellers_are_late_and_cancel_more_often(tmp_path: Path) -> None:
    config = SimulationConfig(format="marketplace", events=150_000, products=60, seed=2, sellers=6)
    sellers = simulate(config, tmp_path).truth["sales"]["sellers"]
    for planted, part, whole in (
        ("late_chance", "late", "delivered"),
        ("cancellation_chance", "canceled", "orders"),
    ):
        ranked = sorted(sellers, key=lambda seller: float(seller[planted]))
        good, bad = ranked[:3], ranked[3:]
        rates = [sum(one[part] for one in some) / sum(one[whole] for one in some) for some in (good, bad)]
        assert rates[0] < rates[1]


def test_parcels_take_longer_in_the_busy_season(market: Simulation) -> None:
    days: dict[str, list[float]] = {"2025-09": [], "2025-11": []}
    for order in latest(market).values():
        if order["ordered_at"][:7] in days and order["status"] == "delivered":
            days[order["ordered_at"][:7]].append(days_between(order["shipped_at"], order["delivered_at"]))
    assert np.median(days["2025-11"]) > 1.4 * np.median(days["2025-09"])


def test_reviews_follow_the_delivery(market: Simulation) -> None:
    orders, reviews = latest(market), read(market, "reviews")
    assert len({review["review_id"] for review in reviews}) == len(reviews)
    for review in reviews:
        assert orders[review["order_id"]]["delivered_at"] < review["created_at"]
        assert review["created_at"] < review.get("answered_at", "9999")


def test_places_keep_the_leading_zero_of_their_postal_codes(market: Simulation) -> None:
    codes = {order["ship_zip_prefix"] for order in read(market, "orders")}
    assert {len(code) for code in codes} == {5}
    assert any(code.startswith("0") for code in codes)
    assert all(
        {"zip_prefix", "city", "region", "country"} <= seller.keys() for seller in read(market, "sellers")
    )


def test_nobody_pays_wrongly_and_nothing_comes_back_when_asked_so(tmp_path: Path) -> None:
    config = SimulationConfig(format="marketplace", events=20_000, wrong_payment_rate=0, return_rate=0)
    truth = simulate(config, tmp_path).truth["sales"]
    assert truth["payments"]["wrong"]["orders"] == truth["lines"]["orders_with_returns"] == 0


def hashes(out: Path) -> dict[str, str]:
    files = sorted(path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize(
    "options",
    [{"compression": "zst", "dirt": ALL_DIRT}, {"files": "parquet", "dirt": Dirt(duplicate_rate=0.02)}],
    ids=["dirty-jsonl-zst", "dirty-parquet"],
)
def test_same_seed_same_bytes_and_the_clicks_of_an_event_stream(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    runs = {}
    for name, form in (("one", "marketplace"), ("again", "marketplace"), ("clicks", "event_stream")):
        config = SimulationConfig.model_validate({"events": 12_000, "format": form, **options})
        simulate(config, tmp_path / name)
        runs[name] = hashes(tmp_path / name)
    assert runs["one"] == runs["again"]
    clicks = runs["clicks"].keys() - {"truth.json"}
    assert {name: runs["one"][name] for name in clicks} == {name: runs["clicks"][name] for name in clicks}


def test_parquet_says_what_json_says(market: Simulation, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    config = SimulationConfig.model_validate(market.truth["config"] | {"files": "parquet"})
    typed = simulate(config, tmp_path)
    for entity, amount in (("order_items", "unit_price"), ("payments", "amount"), ("reviews", "score")):
        rows = duckdb.sql(f"FROM read_parquet({[str(path) for path in typed.files[entity]]})")
        named = [
            {name: value for name, value in zip(rows.columns, row, strict=True) if value is not None}
            for row in rows.fetchall()
        ]
        texts = read(market, entity)
        assert [row.keys() for row in named] == [row.keys() for row in texts]
        assert [(row["order_id"], row[amount]) for row in named] == [
            (row["order_id"], row[amount]) for row in texts
        ]


def test_months_without_orders_have_empty_files(tmp_path: Path) -> None:
    config = SimulationConfig(format="marketplace", events=300, months=12, users=10, products=20)
    made = simulate(config, tmp_path)
    assert len(made.files["orders"]) == 12
    assert len(read(made, "orders")) == made.truth["sales"]["orders"]["versions"]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4), st.sampled_from([0.0, 0.3]))
def test_every_month_of_every_shop_balances(seed: int, months: int, wrong: float) -> None:
    config = SimulationConfig(
        format="marketplace", events=2_000, seed=seed, months=months, products=30, wrong_payment_rate=wrong
    )
    in_shop, in_time, in_sales = np.random.default_rng(seed).spawn(3)
    shop = open_shop(config, in_shop)
    simulator = OrderSimulator(shop, in_sales)
    for events, _ in run_shop(shop, TruthCounter(months, shop.users.size), in_time):
        sales = simulator.draw(events)
        due, paid = (
            sum_by(rows.order, cents, sales.orders.size)
            for rows, cents in ((sales.lines, sales.lines.due_cents), (sales.payments, sales.payments.cents))
        )
        is_paid = sales.orders.state_before(simulator.end) > 0
        assert ((due != paid) == sales.is_wrong)[is_paid].all()
        assert not paid[~is_paid].any()


@pytest.fixture(scope="module")
def dirty_market(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    config = SimulationConfig(format="marketplace", events=60_000, dirt=ALL_DIRT)
    return simulate(config, tmp_path_factory.mktemp("dirty"))


@pytest.mark.parametrize("entity", SALES)
def test_dirt_of_the_order_side_is_counted_to_the_row(dirty_market: Simulation, entity: str) -> None:
    for path, end in zip(dirty_market.files[entity], ("2025-01", "2025-02", "2025-03"), strict=True):
        known = dirty_market.truth["files"][path.relative_to(dirty_market.out).as_posix()]
        text = path.read_bytes()
        texts = text.split(b"\n")[:-1]
        assert len(texts) == known["rows"]
        assert sum(b':"\xe9' in line for line in texts) == known["dirt"]["wrong_encoding"]
        assert sum(not line.endswith(b"}") for line in texts) == known["dirt"]["torn_line"]
        sound = [line for line in texts if line.endswith(b"}")]
        assert len(sound) - len(set(sound)) == known["dirt"]["duplicate"]
        if entity == "orders":
            assert sum(b'"customer_id"' not in line for line in sound) == known["dirt"]["missing_user"]
        if entity == "payments":
            late = sum(
                b'"paid_at":"2025-' in line and f'"paid_at":"{end}'.encode() not in line for line in sound
            )
            broken = sum(b'"paid_at":"2025-02-30' in line for line in sound) if end != "2025-02" else 0
            assert late - broken == known["dirt"]["late_file"]
    found = dirty_market.truth["dirt_of_sales"][entity]
    assert {fault for fault, count in found.items() if count} == set(POSSIBLE[entity])


def test_dirt_changes_the_order_files_and_not_the_orders(dirty_market: Simulation, tmp_path: Path) -> None:
    config = SimulationConfig.model_validate(dirty_market.truth["config"] | {"dirt": {}})
    clean = simulate(config, tmp_path)
    assert clean.truth["sales"] == dirty_market.truth["sales"]
    assert not any(count for found in clean.truth["dirt_of_sales"].values() for count in found.values())
    assert set(CODE) == set(clean.truth["dirt_of_sales"]["orders"])


def test_discounts_never_exceed_what_is_left(lines: dict[str, list[Row]]) -> None:
    for rows in lines.values():
        discount = sum((goods(row) for row in rows if row["kind"] == "discount"), Decimal(0))
        sold = sum((goods(row) for row in rows if row["kind"] in {"sale", "return"}), Decimal(0))
        assert 0 <= -discount <= sold
