"""What a simulated shop was made from is found again in its warehouse."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest


@pytest.fixture
def published(shop):
    with duckdb.connect(str(shop.published), read_only=True) as connection:
        yield connection


def one(connection, query):
    return connection.execute(query).fetchone()


def test_every_event_is_in_a_session_and_no_session_is_lost(published, simulation):
    totals = simulation.truth["totals"]
    actual = one(
        published, "select sum(event_count), count(*), count(distinct user_id) from gold.fct_sessions"
    )
    assert actual == (totals["events"], totals["sessions"], totals["users"])


def test_revenue_is_the_same_to_the_cent_in_sessions_orders_and_revenue(published, simulation):
    truth = Decimal(simulation.truth["totals"]["gross_amount"])
    assert one(published, "select sum(gross_amount) from gold.fct_sessions") == (truth,)
    assert one(published, "select sum(gross_amount) from gold.fct_orders") == (truth,)
    without_bots = Decimal(simulation.truth["totals"]["gross_amount_without_bots"])
    assert one(published, "select sum(gross_amount) from gold.fct_revenue") == (without_bots,)


def test_bots_are_found_by_behaviour_alone(published, simulation):
    actual = published.execute("select distinct user_id from gold.fct_sessions where is_bot").fetchall()
    assert {user for (user,) in actual} == set(simulation.truth["bots"]["user_ids"])


def test_the_experiment_group_is_the_one_that_was_assigned(published, simulation):
    wrong = one(
        published,
        "select count(*) from gold.fct_sessions where experiment_group is distinct from "
        "case when md5(user_id)[32] in ('1','3','5','7','9','b','d','f') then 'treatment' else 'control' end "
        "and experiment_group is not null",
    )
    assert wrong == (0,)


def test_user_versions_follow_one_another_without_gaps(published):
    gaps = one(
        published,
        "select count(*) from (select valid_to, lead(valid_from) over (partition by user_id order by valid_from) as next "
        "from gold.dim_users) where valid_to is distinct from next",
    )
    assert gaps == (0,)
    assert one(published, "select count(*) from gold.dim_users where is_current") == one(
        published, "select count(distinct user_id) from gold.dim_users"
    )


def test_a_funnel_step_never_has_more_sessions_than_the_one_before(published):
    wrong = one(
        published,
        "select count(*) from gold.fct_funnel where cart_session_count > view_session_count "
        "or checkout_session_count > cart_session_count or purchase_session_count > cart_session_count "
        "or view_user_count > view_session_count or view_session_count > session_count",
    )
    assert wrong == (0,)


def test_the_funnel_counts_each_session_once_in_its_total_row(published):
    total = one(
        published,
        "select sum(session_count), sum(purchase_session_count) from gold.fct_funnel where category = '(all)'",
    )
    sessions = one(
        published,
        "select count(*), count(*) filter (product_view_count > 0 and has_cart and is_converted "
        "and begin_checkout_count > 0) from gold.fct_sessions where not is_bot",
    )
    assert total == sessions


def test_rates_without_a_denominator_are_null_and_not_zero(published):
    wrong = one(
        published,
        "select count(*) from gold.fct_funnel where (view_session_count = 0) <> (view_to_cart_rate is null)",
    )
    assert wrong == (0,)


def test_a_user_seen_twice_in_a_month_counts_once_in_monthly_active_users(published):
    wrong = published.execute(
        "select activity_date, monthly_active_users, (select count(distinct user_id) from gold.fct_sessions "
        "where not is_bot and session_start_at::date <= activity_date "
        "and session_end_at::date > activity_date - 30) as users from gold.fct_daily_engagement "
        "where monthly_active_users <> users"
    ).fetchall()
    assert wrong == []
