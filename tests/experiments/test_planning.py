"""A plan needs as many units as statsmodels says of the shop's own past."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from statsmodels.stats.power import NormalIndPower, tt_ind_solve_power

from shopwright.core.errors import ConfigurationError, DataError
from shopwright.experiments.planning import plan
from tests.experiments.units import MONEY, START, experiment, table, warehouse

SESSIONS = pa.schema(
    [
        *((name, pa.string()) for name in ("user_id", "session_key")),
        ("session_date", pa.date32()),
        *((name, pa.bool_()) for name in ("is_bot", "has_cart", "is_converted", "is_abandoned")),
    ]
)
ORDERS = pa.schema(
    [
        *((name, pa.string()) for name in ("customer_id", "session_key")),
        ("order_date", pa.date32()),
        ("is_counted", pa.bool_()),
        ("unit_count", pa.int64()),
        ("order_value_amount", MONEY),
    ]
)
USERS, BUYERS, DAYS = 2_800, 560, 28


def session(user, day, **given):
    flags = dict.fromkeys(("is_bot", "has_cart", "is_converted", "is_abandoned"), False)
    return (
        flags
        | {"user_id": user, "session_key": f"{user}/{day}", "session_date": START + timedelta(day)}
        | given
    )


def order(user, day, amount, **given):
    told = {"customer_id": user, "session_key": f"{user}/{day}", "order_date": START + timedelta(day)}
    return told | {"is_counted": True, "unit_count": 2, "order_value_amount": amount} | given


def past(sessions, orders):
    connection = warehouse(table([]))
    for name, rows, schema in (("fct_sessions", sessions, SESSIONS), ("fct_orders", orders, ORDERS)):
        connection.register("given_rows", pa.Table.from_pylist(rows, schema=schema))
        connection.execute(f"create table gold.{name} as select * from given_rows")
    return connection


@pytest.fixture(scope="module")
def amounts():
    return np.random.default_rng(0).integers(5, 200, BUYERS)


@pytest.fixture(scope="module")
def shop(amounts):
    """Twenty-eight days on each of which a hundred users come twice and a fifth of them buy; before it, others did."""
    sessions = [
        session(
            f"u{user}", user % DAYS, has_cart=visit == 0 and user < 2 * BUYERS, session_key=f"{user}.{visit}"
        )
        for user in range(USERS)
        for visit in (0, 1)
    ]
    orders = [
        order(f"u{user}", user % DAYS, int(amount), session_key=f"{user}.0")
        for user, amount in enumerate(amounts)
    ]
    sessions += [session("crawler", 3, is_bot=True, has_cart=True), session("long ago", -1)]
    orders += [
        order("u1", 3, 999, is_counted=False),
        order("u1", -1, 999),
        order(None, 3, 999),
        order("u1", DAYS, 999),
        order("stranger", 3, 999),
    ]
    return past(sessions, orders)


def test_conversion_needs_the_units_that_statsmodels_says(shop):
    found = plan(shop, experiment(minimum_detectable_effect=0.1, alpha=0.02, power=0.9))
    rate = BUYERS / USERS
    spread = math.sqrt(rate * (1 - rate) * USERS / (USERS - 1))
    theirs = NormalIndPower().solve_power(0.1 * rate / spread, alpha=0.02, power=0.9)
    assert (found.past_units, found.baseline, found.units_per_day) == (USERS, pytest.approx(rate), 100)
    assert found.size.units == pytest.approx((theirs, theirs), abs=1)
    assert found.size.days == math.ceil(sum(found.size.units) / 100)


def test_revenue_needs_the_units_that_statsmodels_t_test_says(shop, amounts):
    found = plan(shop, experiment(primary_metric="revenue_per_user"), effect=0.2)
    revenue = np.concatenate([amounts, np.zeros(USERS - BUYERS)])
    theirs = tt_ind_solve_power(0.2 * revenue.mean() / revenue.std(ddof=1), alpha=0.05, power=0.8)
    assert found.baseline == pytest.approx(revenue.mean())
    assert found.size.units[0] == pytest.approx(theirs, abs=2)


def test_winsorised_revenue_needs_fewer_units(shop, amounts):
    found = plan(shop, experiment(primary_metric="revenue_per_user", winsorize=0.9), effect=0.2)
    revenue = np.concatenate([amounts, np.zeros(USERS - BUYERS)])
    cut = np.clip(revenue, None, np.quantile(revenue, 0.9))
    theirs = tt_ind_solve_power(0.2 * cut.mean() / cut.std(ddof=1), alpha=0.05, power=0.8)
    assert found.size.units[0] == pytest.approx(theirs, abs=2)


def test_a_ratio_over_two_sessions_each_is_sized_as_its_numerator(shop):
    found = plan(shop, experiment(primary_metric="cart_rate"))
    carts = (np.arange(USERS) < 2 * BUYERS).astype(float)
    theirs = tt_ind_solve_power(0.05 * carts.mean() / carts.std(ddof=1), alpha=0.05, power=0.8)
    assert found.baseline == pytest.approx(carts.mean() / 2)
    assert found.size.units[0] == pytest.approx(theirs, abs=2)


def test_unequal_weights_and_several_treatments_cost_units(shop):
    weights = {"control": 2, "b": 1, "c": 1}
    found = plan(shop, experiment(variants=weights))
    spread = math.sqrt(0.2 * 0.8 * USERS / (USERS - 1))
    theirs = NormalIndPower().solve_power(0.05 * 0.2 / spread, alpha=0.025, power=0.8, ratio=0.5)
    assert found.size.units == pytest.approx((theirs, theirs / 2, theirs / 2), abs=1)


def test_sessions_are_sized_by_sessions(shop):
    found = plan(shop, experiment(unit="session"))
    assert (found.past_units, found.baseline) == (2 * USERS, pytest.approx(BUYERS / USERS / 2))


def test_less_traffic_takes_longer(shop):
    whole, part = (
        plan(shop, experiment(layer="page", layer_range=upto, traffic=traffic))
        for upto, traffic in (((0, 1), 1), ((0.25, 0.75), 0.5))
    )
    assert part.units_per_day == pytest.approx(whole.units_per_day / 4)
    assert part.size.units == whole.size.units
    assert part.size.days == pytest.approx(4 * whole.size.days, abs=4)


def test_what_weeks_would_find_is_what_so_many_units_are_needed_for(shop):
    found = plan(shop, experiment())
    assert list(found.detectable_effects) == [1, 2, 4, 8]
    for weeks, effect in found.detectable_effects.items():
        assert plan(shop, experiment(), effect=effect).size.total == pytest.approx(weeks * 700, abs=4)


def test_a_shorter_history_counts_the_days_asked_for(shop):
    found = plan(shop, experiment(), days=7)
    assert (found.history_days, found.past_units, found.units_per_day) == (7, USERS // 4, 100)


def test_another_metric_may_be_planned_for(shop):
    assert plan(shop, experiment(), metric="items_per_order").baseline == 2


@pytest.mark.parametrize(
    ("metric", "title"), [("time_to_purchase", "Time to purchase"), ("return_rate", "Return rate")]
)
def test_what_has_no_past_cannot_be_planned_for(shop, metric, title):
    with pytest.raises(ConfigurationError, match=f"{title} cannot be planned for; give --metric"):
        plan(shop, experiment(primary_metric=metric))


def test_without_sessions_there_is_no_history():
    with pytest.raises(DataError, match="no session in the published warehouse"):
        plan(past([], []), experiment())


def test_without_orders_the_size_is_undefined_with_a_reason():
    found = plan(past([session("anna", 0), session("ben", 0)], []), experiment())
    assert (found.baseline, found.size.units, found.size.days) == (0, None, None)
    assert found.size.reason == "the control's value is not above 0, so a relative effect means nothing"
    assert set(found.detectable_effects.values()) == {None}
