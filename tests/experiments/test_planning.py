"""A plan needs as many units as statsmodels says of the shop's own past."""

from __future__ import annotations

import math
from datetime import datetime, time, timedelta

import numpy as np
import pyarrow as pa
import pytest
from statsmodels.stats.power import NormalIndPower, tt_ind_solve_power

from shopwright.core.errors import ConfigurationError, DataError
from shopwright.experiments.planning import plan
from shopwright.experiments.planning_data import read_planning_data
from shopwright.experiments.statistics import Target, required_units
from shopwright.metrics import METRICS
from tests.experiments.units import MONEY, START, experiment, table, warehouse

MOMENT = pa.timestamp("us")
SESSIONS = pa.schema(
    [
        *((name, pa.string()) for name in ("user_id", "session_key")),
        ("session_date", pa.date32()),
        *((name, MOMENT) for name in ("session_start_at", "session_end_at")),
        *((name, pa.bool_()) for name in ("is_bot", "has_cart", "is_converted", "is_abandoned")),
    ]
)
ORDERS = pa.schema(
    [
        ("customer_id", pa.string()),
        ("ordered_at", MOMENT),
        ("ordered_at_is_day", pa.bool_()),
        ("order_date", pa.date32()),
        ("is_counted", pa.bool_()),
        ("unit_count", pa.int64()),
        ("order_value_amount", MONEY),
    ]
)
PURCHASES = pa.schema(
    [
        *((name, pa.string()) for name in ("session_key", "order_key")),
        ("booked_at", MOMENT),
        *((name, pa.int64()) for name in ("step_number", "unit_count")),
        ("line_amount", MONEY),
    ]
)
EVENTS = pa.schema(
    [
        *((name, pa.string()) for name in ("user_id", "event_type")),
        *((name, MOMENT) for name in ("session_start_at", "event_at")),
    ]
)
EFFECTS = pa.schema(
    [("experiment", pa.string()), ("event_date", pa.date32()), ("changed_event_count", pa.int64())]
)
USERS, BUYERS, DAYS = 2_800, 560, 28


def at(day, hour=12, minute=0):
    return datetime.combine(START + timedelta(day), time(hour, minute))


def session(user, day, hour=12, **given):
    """A session of an hour."""
    flags = dict.fromkeys(("is_bot", "has_cart", "is_converted", "is_abandoned"), False)
    times = {"session_start_at": at(day, hour), "session_end_at": at(day, hour + 1)}
    keys = {"user_id": user, "session_key": f"{user}/{day}/{hour}", "session_date": START + timedelta(day)}
    return flags | times | keys | given


def order(user, day, amount, hour=12, **given):
    told = {"customer_id": user, "ordered_at": at(day, hour), "order_date": START + timedelta(day)}
    return told | {"is_counted": True, "unit_count": 2, "order_value_amount": amount} | given


def line(session_key, booked_at, amount, number=1):
    return {
        "session_key": session_key,
        "order_key": session_key,
        "booked_at": booked_at,
        "step_number": number,
        "unit_count": 2,
        "line_amount": amount,
    }


def event(user, day, kind, minute, hour=12):
    times = {"session_start_at": at(day, hour), "event_at": at(day, hour, minute)}
    return {"user_id": user, "event_type": kind} | times


def past(sessions, orders=(), *, purchases=(), events=(), effects=()):
    connection = warehouse(table([]))
    given = {
        "gold.fct_sessions": (sessions, SESSIONS),
        "gold.fct_orders": (orders, ORDERS),
        "gold.fct_simulated_effects": (effects, EFFECTS),
        "silver.int_derived_order_lines": (purchases, PURCHASES),
        "silver.int_user_journey": (events, EVENTS),
    }
    for name, (rows, schema) in given.items():
        connection.register("given_rows", pa.Table.from_pylist(list(rows), schema=schema))
        connection.execute(f"create table {name} as select * from given_rows")
    return connection


@pytest.fixture(scope="module")
def amounts():
    return np.random.default_rng(0).integers(5, 200, BUYERS)


@pytest.fixture(scope="module")
def shop(amounts):
    """Twenty-eight days on each of which a hundred users come twice and a fifth of them buy; before it, others did."""
    sessions = [
        session(f"u{user}", user % DAYS, hour, has_cart=hour == 12 and user < 2 * BUYERS)
        for user in range(USERS)
        for hour in (12, 18)
    ]
    orders = [order(f"u{user}", user % DAYS, int(amount)) for user, amount in enumerate(amounts)]
    purchases = [
        line(f"u{user}/{user % DAYS}/12", at(user % DAYS), int(amount)) for user, amount in enumerate(amounts)
    ]
    sessions += [session("crawler", 3, is_bot=True, has_cart=True), session("long ago", -1)]
    orders += [
        order("u1", 3, 999, is_counted=False),
        order("u1", -1, 999),
        order(None, 3, 999),
        order("u1", DAYS, 999),
        order("stranger", 3, 999),
    ]
    return past(sessions, orders, purchases=purchases)


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
    cut = np.clip(revenue, None, np.quantile(amounts, 0.9))
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
    assert [each.weeks for each in found.horizons] == [1, 2, 4, 8]
    assert [each.units for each in found.horizons] == [700, 1_400, 2_800, 5_600]
    assert [each.is_extrapolated for each in found.horizons] == [False, False, False, True]
    for each in found.horizons:
        again = plan(shop, experiment(), effect=each.detectable_effect).size
        assert again.days == pytest.approx(each.weeks * 7, abs=1)
        assert again.total == pytest.approx(each.units, abs=100)


def test_a_shorter_history_counts_the_days_asked_for(shop):
    found = plan(shop, experiment(), days=7)
    assert (found.history_days, found.past_units, found.units_per_day) == (7, USERS // 4, 100)
    assert found.history_from == START + timedelta(DAYS - 7)
    assert found.cautions == ()


def test_a_history_that_is_shorter_than_asked_for_is_divided_by_the_days_there_are(shop):
    found = plan(shop, experiment(), days=90)
    assert (found.history_days, found.past_units) == (DAYS + 1, USERS + 1)
    assert found.units_per_day == pytest.approx((USERS + 1) / (DAYS + 1))
    assert found.cautions == ("the data has only 29 of the 90 requested days",)


# --- users who come back ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def regulars():
    """Two hundred users who come every day of four weeks and buy on one of them, and ten new ones a day who do not."""
    sessions = [session(f"u{user}", day) for user in range(200) for day in range(DAYS)]
    sessions += [session(f"n{day}.{user}", day) for day in range(DAYS) for user in range(10)]
    return past(sessions, [order(f"u{user}", user % DAYS, 10) for user in range(200)])


def test_a_user_counts_once_however_often_it_comes(regulars):
    found = plan(regulars, experiment())
    assert found.past_units == 200 + 10 * DAYS
    assert [each.units for each in found.horizons] == [270, 340, 480, 760]
    sessions = plan(regulars, experiment(unit="session"), metric="cart_rate")
    assert [each.units for each in sessions.horizons] == [1_470, 2_940, 5_880, 11_760]


def test_a_longer_experiment_sees_each_user_do_more(regulars):
    one, two, four, eight = (each.baseline for each in plan(regulars, experiment()).horizons)
    buyers = [sum(user % DAYS < days for user in range(200)) for days in (7, 14, 28)]
    assert (one, two, four) == pytest.approx((buyers[0] / 270, buyers[1] / 340, buyers[2] / 480))
    assert eight == four


def test_days_go_by_how_users_come_in_and_not_by_their_mean(regulars):
    found = plan(regulars, experiment(), effect=0.1)
    missing = found.size.total - 480
    assert found.size.days == DAYS + math.ceil(missing / 10)
    assert found.size.days > found.size.total / found.units_per_day


def test_the_first_day_with_enough_is_found_within_the_history(regulars):
    found = plan(regulars, experiment(), effect=0.5).size
    history = read_planning_data(regulars, experiment(), METRICS["conversion_rate"], days=DAYS)
    assert 1 < found.days < DAYS
    assert found.total <= history.units_after(found.days)
    day_before = required_units(history.baseline_after(found.days - 1), target=Target(0.5))
    assert day_before.total > history.units_after(found.days - 1)


def test_where_nobody_new_comes_there_are_no_days():
    sessions = [session(f"u{user}", day) for user in range(100) for day in range(DAYS)]
    found = plan(past(sessions, [order("u1", 3, 10)]), experiment())
    assert (found.size.days, found.size.reason) == (None, "they would take more than 10 years")


# --- exposure by an event ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkouts():
    """Four users of whom three begin a checkout, one of them as a bot."""
    sessions = [
        session("anna", 0, has_cart=True),
        session("anna", 2, has_cart=True),
        session("anna", 4),
        session("ben", 1, has_cart=True),
        session("cleo", 3),
        session("crawler", 3, is_bot=True),
    ]
    events = [
        event("anna", 2, "begin_checkout", 30),
        event("anna", 2, "begin_checkout", 40),
        event("anna", 4, "begin_checkout", 10),
        event("ben", 1, "add_to_cart", 10),
        event("cleo", 3, "begin_checkout", 5),
        event("crawler", 3, "begin_checkout", 5),
    ]
    orders = [order("anna", 0, 50), order("anna", 2, 5), order("anna", 4, 7, hour=13), order("ben", 1, 99)]
    purchases = [
        line("anna/2/12", at(2, 12, 20), 3),
        line("anna/2/12", at(2, 12, 50), 4, 2),
        line("anna/2/12", at(2, 12, 50), 5, 3),
    ]
    return past(sessions, orders, purchases=purchases, events=events)


CHECKOUT = {"exposure": "begin_checkout"}


def test_only_users_who_do_the_event_count_and_from_then_on(checkouts):
    found = plan(checkouts, experiment(**CHECKOUT), metric="purchases_per_user")
    assert (found.history_days, found.past_units, found.baseline) == (5, 2, 0.5)
    assert plan(checkouts, experiment(**CHECKOUT), metric="revenue_per_user").baseline == 3.5
    assert plan(checkouts, experiment(**CHECKOUT), metric="cart_rate").baseline == pytest.approx(1 / 3)
    assert plan(checkouts, experiment(), metric="purchases_per_user").baseline == pytest.approx(4 / 3)


def test_only_sessions_with_the_event_count_and_their_purchases_from_then_on(checkouts):
    tried = experiment(unit="session", **CHECKOUT)
    assert plan(checkouts, tried, metric="purchases_per_user").past_units == 3
    assert plan(checkouts, tried, metric="purchases_per_user").baseline == pytest.approx(1 / 3)
    assert plan(checkouts, tried, metric="revenue_per_user").baseline == 3
    assert plan(checkouts, tried, metric="items_per_order").baseline == 4


def test_an_event_that_nobody_does_is_no_history(checkouts):
    with pytest.raises(DataError, match="no user did search in the last 5 days of the data"):
        plan(checkouts, experiment(exposure="search"))


# --- what a plan cannot know ------------------------------------------------------------------------------


@pytest.mark.parametrize("assignment", ["stated", "exposures"])
def test_a_plan_says_that_others_decide_who_takes_part(shop, assignment):
    (caution,) = plan(shop, experiment(assignment=assignment)).cautions
    assert caution.startswith(
        f"units are assigned elsewhere (assignment {assignment}), so the plan counts every exposed user"
    )


def test_a_plan_says_that_the_read_out_knows_the_past(shop):
    (caution,) = plan(shop, experiment(pre_period_days=28)).cautions
    assert "CUPED" in caution
    assert plan(shop, experiment(pre_period_days=28), metric="cart_abandonment_rate").cautions == ()
    assert plan(shop, experiment(pre_period_days=28, unit="session")).cautions == ()


def effect(name, changed, day):
    return {"experiment": name, "event_date": START + timedelta(day), "changed_event_count": changed}


def test_a_history_with_simulated_purchases_says_so():
    sessions = [session(f"u{day}", day) for day in range(DAYS)]
    effects = [
        effect("banner", 3, -1),
        effect("banner", 5, 0),
        effect("other", 7, 5),
        effect("idle", 0, 5),
    ]
    shop = past(sessions, effects=effects)
    assert plan(shop, experiment()).simulated_events == {"banner": 5, "other": 7}
    assert plan(shop, experiment(), days=7).simulated_events == {}


def test_a_warehouse_without_the_table_of_effects_has_none():
    shop = past([session(f"u{day}", day) for day in range(DAYS)])
    shop.execute("drop table gold.fct_simulated_effects")
    assert plan(shop, experiment()).simulated_events == {}


def test_another_metric_may_be_planned_for(shop):
    assert plan(shop, experiment(), metric="items_per_order").baseline == 2


@pytest.mark.parametrize(
    ("metric", "title"), [("time_to_purchase", "Time to purchase"), ("return_rate", "Return rate")]
)
def test_what_has_no_past_cannot_be_planned_for(shop, metric, title):
    with pytest.raises(ConfigurationError, match=f"{title} cannot be planned for; give --metric"):
        plan(shop, experiment(primary_metric=metric))


def test_without_sessions_there_is_no_history():
    with pytest.raises(DataError, match="no sessions in the published warehouse"):
        plan(past([], []), experiment())


def test_without_orders_the_size_is_undefined_with_a_reason():
    found = plan(past([session("anna", 0), session("ben", 0)], []), experiment())
    assert (found.baseline, found.size.units, found.size.days) == (0, None, None)
    assert found.size.reason == "the control's value is not above 0, so a relative effect is undefined"
    assert {each.detectable_effect for each in found.horizons} == {None}
