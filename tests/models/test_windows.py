"""Time windows that are settings: with other ones, gold features follow them, recomputed here without SQL windows."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from shopwright.core.engine import connect
from shopwright.settings import ChurnSettings, LifetimeValueSettings, ModelSettings, load_project
from shopwright.warehouse.dbt_config import dbt_variables
from shopwright.warehouse.dbt_runner import run_dbt

if TYPE_CHECKING:
    from shopwright.settings import Project

WINDOWS = """
[models.churn]
active_days = 45
horizon_days = 30
[models.seller_churn]
active_days = 20
horizon_days = 10
[models.lifetime_value]
horizon_days = 40
long_horizon_days = 100
"""
FEATURES = (
    "agg_churn_features",
    "feat_churn",
    "feat_seller_churn",
    "feat_lifetime_value",
    "fct_customer_ltv",
)
Days = dict[str, set[date]]


@pytest.fixture(scope="module")
def narrow(market: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The marketplace with other windows; only the models that depend on them are built again."""
    root = tmp_path_factory.mktemp("windows")
    shutil.copy(market.warehouse, root / market.warehouse.name)
    shutil.copytree(market.lake, root / market.lake.name)
    settings = (market.root / "shopwright.toml").read_text(encoding="utf-8") + WINDOWS
    (root / "shopwright.toml").write_text(settings, encoding="utf-8")
    project = load_project(root)
    run = run_dbt(project, ["run", "--full-refresh", "--select", *FEATURES])
    assert not run.with_status("error", "fail")
    return project


def rows(project: Project, query: str) -> list[tuple[Any, ...]]:
    with connect(project.warehouse, read_only=True) as connection:
        return connection.execute(query).fetchall()


def days_by_entity(project: Project, query: str) -> Days:
    days: Days = defaultdict(set)
    for entity, day in rows(project, query):
        days[entity].add(day)
    return days


def expected_churn(
    project: Project, days: Days, *, active: int, horizon: int
) -> dict[tuple[Any, str], bool | None]:
    """Return whether each active entity churned, by snapshot and entity; None while not known."""
    churned: dict[tuple[Any, str], bool | None] = {}
    for snapshot, as_of in rows(project, "select snapshot_date, as_of_date from silver.int_snapshot_dates"):
        for entity, own in days.items():
            recent = any(snapshot - timedelta(active) <= day < snapshot for day in own)
            if recent:
                returned = any(snapshot <= day < snapshot + timedelta(horizon) for day in own)
                is_known = snapshot + timedelta(horizon) <= as_of + timedelta(1)
                churned[snapshot, entity] = (not returned) if is_known else None
    return churned


def actual_churn(project: Project, table: str, entity: str) -> dict[tuple[Any, str], bool | None]:
    query = f"select snapshot_date, {entity}, is_churned from gold.{table}"
    return {(snapshot, name): is_churned for snapshot, name, is_churned in rows(project, query)}


@pytest.mark.parametrize("table", ["agg_churn_features", "feat_churn"])
def test_customer_churn_follows_its_windows(narrow: Project, market: Project, table: str) -> None:
    days = days_by_entity(narrow, "select customer_id, order_date from silver.int_orders_as_placed")
    actual = actual_churn(narrow, table, "customer_id")
    assert actual == expected_churn(narrow, days, active=45, horizon=30)
    assert {True, False, None} <= set(actual.values())
    before = actual_churn(market, table, "customer_id")
    assert before == expected_churn(market, days, active=180, horizon=90)
    assert len(before) > len(actual)


def test_features_of_active_customers_do_not_depend_on_the_windows(narrow: Project, market: Project) -> None:
    query = "select * exclude (is_churned) from gold.agg_churn_features where recency_days <= 45 order by all"
    assert rows(narrow, query) == rows(market, query)


def test_seller_churn_follows_its_windows(narrow: Project) -> None:
    days = days_by_entity(
        narrow,
        "select seller_id, booked_date from silver.int_order_lines where kind = 'sale' and seller_id is not null",
    )
    actual = actual_churn(narrow, "feat_seller_churn", "seller_id")
    assert actual == expected_churn(narrow, days, active=20, horizon=10)
    assert {True, False, None} <= set(actual.values())


@pytest.mark.parametrize(("table", "horizon"), [("feat_churn", 30), ("feat_seller_churn", 10)])
def test_outcomes_are_known_a_horizon_later(narrow: Project, table: str, horizon: int) -> None:
    query = f"select distinct cast(known_at as date) - snapshot_date from gold.{table}"
    assert rows(narrow, query) == [(horizon,)]


def test_outcomes_of_lifetime_value_follow_the_horizons(narrow: Project) -> None:
    lines = rows(
        narrow,
        "select customer_id, booked_date, kind, gross_amount - discount_amount - return_amount "
        "from silver.int_order_lines where customer_id is not null and kind in ('sale', 'discount', 'return')",
    )
    sales, values = defaultdict(set), defaultdict(list)
    for customer, day, kind, value in lines:
        values[customer].append((day, value))
        if kind == "sale":
            sales[customer].add(day)
    as_of = dict(rows(narrow, "select snapshot_date, as_of_date from silver.int_snapshot_dates"))
    found = rows(
        narrow,
        "select snapshot_date, customer_id, horizon_days, horizon_purchase_count, horizon_value, "
        "long_horizon_days, long_horizon_purchase_count, long_horizon_value from gold.feat_lifetime_value",
    )
    assert {(row[2], row[5]) for row in found} == {(40, 100)}
    for snapshot, customer, *outcomes in found:
        for days, count, value in (outcomes[:3], outcomes[3:]):
            end = snapshot + timedelta(days)
            if end > as_of[snapshot] + timedelta(1):
                assert (count, value) == (None, None)
                continue
            assert count == sum(snapshot <= day < end for day in sales[customer])
            total = sum((amount for day, amount in values[customer] if snapshot <= day < end), start=0)
            assert value == pytest.approx(float(total))


@pytest.mark.parametrize("horizon", [40, 182])
def test_the_projection_covers_the_horizon(narrow: Project, market: Project, horizon: int) -> None:
    """By the view's SQL: customers of this shop are too young for a projection."""
    project = narrow if horizon == 40 else market
    ((sql,),) = rows(project, "select sql from duckdb_views() where view_name = 'fct_customer_ltv'")
    assert re.search(rf"tenure_days\)* \* {horizon}\b", sql)


def test_a_changed_window_is_a_changed_variable(narrow: Project, market: Project) -> None:
    """So that the next build is a full one."""
    changed = {name for name, value in dbt_variables(narrow).items() if dbt_variables(market)[name] != value}
    assert changed == {
        "churn_active_days",
        "churn_horizon_days",
        "seller_churn_active_days",
        "seller_churn_horizon_days",
        "lifetime_value_horizon_days",
        "lifetime_value_long_horizon_days",
    }


def test_windows_that_features_do_not_cover_are_rejected() -> None:
    with pytest.raises(ValidationError, match="less than or equal to 180"):
        ChurnSettings(active_days=181)
    with pytest.raises(ValidationError, match="expected more than horizon_days"):
        LifetimeValueSettings(horizon_days=365)
    assert ModelSettings().churn.horizon_days == 90
