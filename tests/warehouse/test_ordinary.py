"""A simulated shop with the traits of ordinary ones is built as its truth says: to the session, and to the cent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from shopwright.ingest.run import ingest
from shopwright.simulate import SimulationConfig, simulate
from shopwright.simulate.traits.declarations import traits_of
from shopwright.simulate.traits.order_truth import AMOUNTS
from shopwright.warehouse.build import build
from tests.built import build_once
from tests.warehouse.shops import NOW, make_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shopwright.core.engine import Connection
    from shopwright.settings import Project


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A built marketplace with every trait."""

    def make(folder: Path) -> Project:
        config = SimulationConfig(
            format="marketplace",
            events=15_000,
            products=150,
            return_rate=0.3,
            traits=traits_of("marketplace"),
        )
        simulate(config, folder / "raw")
        project = make_shop(folder, raw="raw", extra='[shop]\nname = "ordinary"\ncurrency = "EUR"\n')
        rows = ingest(project, now=NOW).rows
        assert not any(row.rows_quarantined for row in rows)
        assert any(row.rows_duplicate for row in rows)  # of the files that overlap
        build(project)
        return project

    return build_once(tmp_path_factory, "ordinary-shop", make)


@pytest.fixture(scope="module")
def published(ordinary: Project) -> Iterator[Connection]:
    """The published warehouse, with the tables of truth as views named truth_."""
    connection = duckdb.connect(str(ordinary.published), read_only=True)
    for file in sorted((ordinary.root / "raw" / "truth").glob("*.parquet")):
        connection.execute(f"create temp view truth_{file.stem} as from '{file.as_posix()}'")
    yield connection
    connection.close()


def rows(connection: Any, query: str) -> list[tuple[Any, ...]]:
    result: list[tuple[Any, ...]] = connection.execute(query).fetchall()
    return result


def test_each_order_has_its_right_amounts(published: Connection) -> None:
    columns = ", ".join(("order_id", "is_canceled", *AMOUNTS))
    actual = rows(published, f"select {columns} from gold.fct_orders order by order_id")
    expected = rows(published, f"select {columns} from truth_orders where not is_test order by order_id")
    assert actual == expected
    assert len(actual) > 100


def test_revenue_adds_up_to_the_orders(published: Connection) -> None:
    sums = ", ".join(f"sum({name})" for name in AMOUNTS)
    assert rows(published, f"select {sums} from gold.fct_revenue") == rows(
        published, f"select {sums} from truth_orders where not is_test"
    )


def test_each_session_is_its_person_s(published: Connection) -> None:
    columns = "user_id, session_start_at, session_end_at, event_count"
    actual = rows(published, f"select {columns} from gold.fct_sessions order by all")
    assert actual == rows(published, f"select {columns} from truth_sessions order by all")


def test_purchases_count_once(published: Connection) -> None:
    columns = "user_id, session_start_at, purchase_count"
    actual = rows(published, f"select {columns} from gold.fct_sessions order by all")
    assert actual == rows(published, f"select {columns} from truth_sessions order by all")


def test_the_last_version_of_a_product_and_a_profile_counts(published: Connection) -> None:
    prices = "select product_id, {} from {} order by product_id"
    actual = rows(published, prices.format("list_price", "gold.dim_products where is_in_catalog"))
    expected = rows(published, prices.format("price::decimal(18, 4)", "truth_products"))
    assert actual == expected
    profiles = "select user_id, city, segment, is_subscribed from {} order by user_id"
    expected = rows(published, profiles.format("truth_customers"))
    users = "gold.dim_users where is_current and user_id in (select user_id from truth_customers)"
    assert rows(published, profiles.format(users)) == expected


def test_refunds_count_on_their_own_days(published: Connection) -> None:
    amounts = "sum(return_amount), -sum(tax_amount), -sum(freight_amount), -sum(adjustment_amount)"
    actual = rows(
        published,
        f"select booked_date, count(distinct order_id), {amounts} from gold.fct_order_items "
        "where kind_rule = 'refund' group by booked_date order by booked_date",
    )
    columns = "refund_date, refund_count, return_amount, tax_amount, freight_amount, adjustment_amount"
    assert actual == rows(published, f"select {columns} from truth_refunds order by refund_date")
    assert len(actual) > 5


def test_each_order_has_the_total_that_its_customer_saw(published: Connection) -> None:
    columns = "order_id, presentment_currency, presentment_total_amount"
    actual = rows(published, f"select {columns} from gold.fct_orders order by order_id")
    assert actual == rows(
        published, f"select {columns} from truth_orders where not is_test order by order_id"
    )
    assert {currency for _, currency, _ in actual} == {"EUR", "USD", "GBP"}


def test_tests_of_the_shop_count_nowhere(published: Connection) -> None:
    tests = "(select order_id from truth_orders where is_test)"
    assert rows(published, f"select count(*) > 0 from {tests}") == [(True,)]
    for table in ("fct_orders", "fct_order_items"):
        assert rows(published, f"select count(*) from gold.{table} where order_id in {tests}") == [(0,)]


def test_orders_without_lines_are_worth_what_they_state(published: Connection) -> None:
    without = "select order_id from gold.fct_orders where line_count = 0 and gross_amount > 0"
    assert rows(published, without)
