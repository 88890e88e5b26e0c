"""An audit finds what was planted, and nothing where nothing was."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from shopwright.assignment import BUCKET_COUNT, assign
from shopwright.experiments.aggregates import read_aggregates
from shopwright.experiments.analysis import analyze
from shopwright.experiments.audit import (
    audit,
    balance,
    correlate,
    false_positives,
    trace_sample_ratio,
    unknown_variants,
)
from tests.experiments.units import START, crowd, experiment, refill, table, unit, warehouse


def audited(units, tried=None, simulations=400):
    rng = np.random.default_rng(0)
    found = false_positives(warehouse(units), tried or experiment(), rng=rng, simulations=simulations)
    return {each.metric: each for each in found}


def test_tests_on_well_behaved_metrics_find_nothing_as_often_as_they_may():
    units = crowd(np.random.default_rng(1), {"control": 1_000, "treatment": 1_000}, lift={"treatment": 0.5})
    tried = experiment(secondary_metrics=["purchases_per_user", "cart_rate", "average_order_value"])
    for found in audited(units, tried).values():
        assert found.rate == pytest.approx(0.05, abs=3 * found.error)
        assert (found.is_sound, found.units, found.simulations) == (True, 2_000, 400)


def whales(size):
    """Three hundred units with an order each, one of them a whale of this size."""
    rng = np.random.default_rng(2)
    amounts = [Decimal(f"{amount:.2f}") for amount in rng.normal(50, 5, 300)]
    return table(
        unit(number, order_count=1, is_converted=1, revenue_amount=amount + (0 if number else size))
        for number, amount in enumerate(amounts)
    )


def test_one_whale_makes_the_test_blind_rather_than_wrong():
    found = audited(whales(0), experiment(primary_metric="revenue_per_user"))["revenue_per_user"]
    blind = audited(whales(10**6), experiment(primary_metric="revenue_per_user"))["revenue_per_user"]
    assert (found.is_sound, blind.is_sound) == (True, True)
    assert blind.rate < 0.01 < found.rate


def test_a_ratio_that_rests_on_a_handful_of_orders_is_not_judged_at_all():
    rows = [unit(number, session_count=1) for number in range(60)]
    rows += [
        unit(100 + number, session_count=1, order_count=1, is_converted=1, revenue_amount=50 + 10 * number)
        for number in range(6)
    ]
    found = audited(table(rows), experiment(primary_metric="average_order_value"))["average_order_value"]
    assert found.rate is None


def test_the_audit_cuts_what_the_read_out_cuts():
    tried = experiment(primary_metric="revenue_per_user", winsorize=0.95)
    found = audited(whales(10**6), tried)["revenue_per_user"]
    assert found.rate == pytest.approx(0.05, abs=3 * found.error)


@pytest.mark.parametrize("rows", [[], [unit()], [unit(variant_count=2)] * 3])
def test_of_too_few_units_nothing_is_said(rows):
    assert audited(table(rows)) == {}


def test_without_anything_but_quantiles_nothing_is_simulated():
    rows = [unit(number) for number in range(10)]
    assert audited(table(rows), experiment(primary_metric="time_to_purchase")) == {}


def test_a_metric_that_nobody_has_has_no_rate():
    rows = [unit(number) for number in range(10)]
    found = audited(table(rows), experiment(primary_metric="average_order_value"))["average_order_value"]
    assert (found.rate, found.error, found.is_sound, found.method) == (None, None, None, None)


@pytest.mark.parametrize("weights", [{"control": 9, "treatment": 1}, {"control": 1, "treatment": 3}])
def test_units_are_dealt_by_the_experiments_own_weights(weights):
    """One unit in a thousand buys for a fortune: with one in ten treated the test is often wrong, evenly split it is not."""
    rows = [
        unit(number, order_count=1, revenue_amount=1 if number % 200 else 10_000) for number in range(2_000)
    ]
    given = experiment(variants=weights, primary_metric="revenue_per_user")
    found = audited(table(rows), given, simulations=1_000)["revenue_per_user"]
    share = weights["treatment"] / sum(weights.values())
    assert (found.control_share, found.treatment_share) == pytest.approx((1 - share, share))
    assert found.is_sound == (weights["control"] == 1)


def test_treatments_of_one_weight_are_tested_once_and_those_of_another_apart():
    units = crowd(np.random.default_rng(1), {"control": 1_000, "b": 500, "c": 500, "d": 200})
    weights = {"control": 10, "b": 5, "c": 5, "d": 2}
    rng = np.random.default_rng(0)
    found = false_positives(
        warehouse(units), experiment(variants=weights, pre_period_days=28), rng=rng, simulations=300
    )
    assert [each.variants for each in found] == [("b", "c"), ("d",)]
    for each in found:
        assert each.rate == pytest.approx(0.05, abs=3 * each.error)


@pytest.mark.parametrize("pre_period_days", [0, 28])
@pytest.mark.parametrize("unit_of", ["user", "session"])
def test_the_estimator_that_decides_in_the_read_out_is_tested(pre_period_days, unit_of):
    units = crowd(np.random.default_rng(1), {"control": 500, "treatment": 500})
    tried = experiment(
        unit=unit_of,
        pre_period_days=pre_period_days,
        winsorize=0.9,
        primary_metric="revenue_per_user",
        secondary_metrics=["average_order_value", "cart_abandonment_rate", "conversion_rate", "cart_rate"],
    )
    metric_results = analyze(tried, read_aggregates(warehouse(units), tried)).metric_results
    methods = {name: found.method for name, found in audited(units, tried, simulations=20).items()}
    assert methods == {reading.metric.name: reading.estimate.method for reading in metric_results}
    assert ("cuped" in methods.values()) == (pre_period_days > 0 and unit_of == "user")


def test_units_without_a_past_count_as_those_that_did_nothing():
    rows = [unit(number, pre_is_converted=None, is_converted=int(number % 3 == 0)) for number in range(300)]
    found = audited(table(rows), experiment(pre_period_days=28))["conversion_rate"]
    assert (found.method, found.is_sound) == ("two-proportions", True)


def test_the_same_seed_audits_the_same():
    units = crowd(np.random.default_rng(3), {"control": 100, "treatment": 100})
    assert audited(units, simulations=50) == audited(units, simulations=50)


def sessions(connection, users):
    connection.register("users", pa.table({"user_id": users, "session_key": [f"s{user}" for user in users]}))
    connection.execute("create or replace table gold.fct_sessions as from users union all from users")
    return connection


def test_the_hash_spreads_any_shops_ids_evenly():
    connection = sessions(warehouse(table([])), [f"{number}" for number in range(0, 200_000, 10)])
    found = balance(connection, experiment())
    assert (found.ids, found.test.is_mismatch) == (20_000, False)


def test_ids_that_gather_in_few_buckets_are_flagged():
    ids = [str(number) for number in range(20_000)]
    chosen = [user for user in ids if assign(experiment(), user).bucket < 0.6 * BUCKET_COUNT]
    found = balance(sessions(warehouse(table([])), chosen), experiment())
    assert (found.ids, found.test.is_mismatch) == (len(chosen), True)


def test_sessions_are_balanced_by_their_own_ids():
    ids = [str(number) for number in range(20_000)]
    chosen = [user for user in ids if assign(experiment(), f"s{user}").bucket < 0.6 * BUCKET_COUNT]
    connection = sessions(warehouse(table([])), chosen)
    assert balance(connection, experiment(unit="session")).test.is_mismatch
    assert not balance(connection, experiment()).test.is_mismatch


@pytest.fixture(scope="module")
def many():
    return warehouse(
        pa.concat_tables([crowd(np.random.default_rng(4), {"control": 10_000, "treatment": 10_000})])
    )


@pytest.mark.parametrize(
    ("other", "phi", "is_independent"),
    [
        ({"name": "banner"}, pytest.approx(0, abs=4 / np.sqrt(20_000)), True),
        ({"name": "banner", "salt": "checkout"}, pytest.approx(1), False),
        (
            {"name": "banner", "salt": "checkout", "variants": {"a": 1, "b": 3}},
            pytest.approx(3**-0.5, abs=0.01),
            False,
        ),
    ],
    ids=["another salt", "the same salt", "the same salt, other weights"],
)
def test_splits_that_go_together_are_flagged(many, other, phi, is_independent):
    found = correlate(many, experiment(), experiment(**other))
    assert (found.other, found.ids, found.phi) == ("banner", 20_000, phi)
    assert found.is_independent == is_independent


def test_experiments_of_one_layer_have_no_unit_in_common(many):
    low, high = (
        experiment(name=name, layer="page", layer_range=part)
        for name, part in (("checkout", (0, 0.5)), ("banner", (0.5, 1)))
    )
    found = correlate(many, low, high)
    assert (found.ids, found.phi, found.is_independent) == (0, None, None)
    assert found.reason == "no unit is in both"


def test_splits_are_not_called_independent_where_one_of_them_is_none():
    rows = [unit(number, "control") for number in range(10)]
    rows += [unit(number, "b", experiment="banner") for number in range(10)]
    given = {"assignment": "stated", "variants": {"control": 1, "b": 1}}
    for mine, theirs, name in (("banner", "checkout", "banner"), ("checkout", "banner", "checkout")):
        found = correlate(
            warehouse(table(rows)), experiment(name=mine, **given), experiment(name=theirs, **given)
        )
        assert (found.ids, found.phi, found.is_independent) == (10, None, None)
        assert found.reason == f"the units in both are all on one side of '{name}', control or treated"


def test_units_of_two_kinds_have_no_correlation(many):
    found = correlate(many, experiment(), experiment(name="banner", unit="session"))
    assert (found.phi, found.is_independent) == (None, None)
    assert found.reason == "its units are sessions, not users"


def test_an_experiment_whose_variants_are_stated_is_compared_by_what_units_were_seen_in():
    given = {"assignment": "stated"}
    rows = [unit(number, ("control", "treatment")[number % 2]) for number in range(400)]
    rows += [{**row, "experiment": "banner"} for row in rows[:300]]
    rows += [unit(999, "treatment", experiment="banner", variant_count=2)]
    found = correlate(warehouse(table(rows)), experiment(**given), experiment(name="banner", **given))
    assert (found.ids, found.phi, found.is_independent) == (300, pytest.approx(1), False)


@pytest.fixture(scope="module")
def even():
    return crowd(np.random.default_rng(5), {"control": 10_000, "treatment": 10_000})


def dropped(units, column, value, share=0.3):
    """The units without a share of the treatment's that have a value."""
    rng = np.random.default_rng(6)
    hit = pc.and_(pc.equal(units["variant"], "treatment"), pc.equal(units[column], value))
    return units.filter(pc.invert(pc.and_(hit, pa.array(rng.random(len(units)) < share))))


def test_a_split_as_planned_has_no_suspects(even):
    ratio, suspects = trace_sample_ratio(warehouse(even), experiment())
    assert (ratio.is_mismatch, suspects) == (False, ())


def test_dropping_one_devices_treatment_units_is_traced_to_that_device(even):
    ratio, suspects = trace_sample_ratio(warehouse(dropped(even, "device", "mobile")), experiment())
    assert ratio.is_mismatch
    assert (suspects[0].dimension, suspects[0].value, suspects[0].explains_all) == ("device", "mobile", True)
    assert [suspect.dimension for suspect in suspects if suspect.explains_all] == ["device"]


def test_dropping_buyers_is_traced_to_their_stage(even):
    ratio, suspects = trace_sample_ratio(warehouse(dropped(even, "has_purchase", value=True)), experiment())
    assert ratio.is_mismatch
    assert (suspects[0].dimension, suspects[0].value, suspects[0].explains_all) == (
        "stage",
        "purchased",
        True,
    )


def test_the_part_that_explains_all_comes_before_one_that_is_further_off():
    cells = {
        ("tv", "ads"): (3000, 2200),
        ("tv", "email"): (1000, 1200),
        ("desktop", "ads"): (3000, 2600),
        ("desktop", "email"): (1000, 1400),
    }
    rows = [
        unit(number, name, device=device, channel=channel)
        for (device, channel), sizes in cells.items()
        for name, size in zip(("control", "treatment"), sizes, strict=True)
        for number in range(size)
    ]
    _, suspects = trace_sample_ratio(warehouse(table(rows)), experiment())
    assert [(each.value, each.explains_all) for each in suspects[:2]] == [("tv", True), ("ads", False)]
    assert ("DE", False) in [(each.value, each.explains_all) for each in suspects], "a part that all are in"
    assert suspects[0].ratio.statistic < suspects[1].ratio.statistic


def test_a_loss_that_is_the_same_everywhere_is_explained_by_no_part(even):
    _, suspects = trace_sample_ratio(warehouse(dropped(even, "experiment", "checkout")), experiment())
    assert suspects
    assert not any(suspect.explains_all for suspect in suspects)


def test_units_without_a_value_are_a_part_like_any_other():
    rows = [unit(number, name, device=None) for number in range(300) for name in ("control",)]
    rows += [unit(number, name, device=device) for device in ("tv", "(unknown)") for number in range(200)
             for name in ("control", "treatment")]  # fmt: skip
    _, suspects = trace_sample_ratio(warehouse(table(rows)), experiment())
    assert (suspects[0].value, suspects[0].ratio.observed) == ("(unknown)", (500, 200))


def test_a_variant_without_units_is_no_matter_of_parts(even):
    ratio, suspects = trace_sample_ratio(warehouse(dropped(even, "experiment", "checkout", 1)), experiment())
    assert (ratio.is_mismatch, suspects) == (True, ())


def test_a_day_on_which_units_were_lost_is_found():
    day = START + timedelta(days=3)
    units = dropped(
        crowd(np.random.default_rng(5), {"control": 7_000, "treatment": 7_000}), "exposed_date", day, 0.9
    )
    ratio, suspects = trace_sample_ratio(warehouse(units), experiment())
    assert ratio.is_mismatch
    assert (suspects[0].dimension, suspects[0].value) == ("exposed_date", day.isoformat())
    assert suspects[0].explains_all


def test_a_part_of_many_is_held_against_a_stricter_threshold(even):
    _, suspects = trace_sample_ratio(warehouse(dropped(even, "device", "mobile")), experiment())
    by_dimension = {suspect.dimension: suspect.ratio.threshold for suspect in suspects}
    assert by_dimension["device"] == pytest.approx(0.01 / 2)
    days = dropped(even, "exposed_date", START, 1)
    (day,) = (
        each
        for each in trace_sample_ratio(warehouse(days), experiment())[1]
        if each.dimension == "exposed_date"
    )
    assert day.ratio.threshold == pytest.approx(0.01 / 14)


# --- names that the settings do not know ------------------------------------------------------------------


def stated(tried, sightings, events=()):
    """A warehouse with what the shop's tool and its events say of units while an experiment ran."""
    connection = warehouse(table([]))
    connection.execute("""
        create table silver.int_experiments (experiment varchar, start_at timestamp, end_at timestamp);
        create table silver.stg_exposures (experiment varchar, unit_id varchar, variant varchar, exposed_at timestamp);
        create table silver.int_event_contexts (context_key bigint, experiment_group varchar);
        create table silver.int_sessionized_events
        (user_key bigint, session_start_at timestamp, event_at timestamp, context_key bigint);
        create table silver.int_sessions (user_key bigint, session_start_at timestamp, is_bot boolean);
    """)
    connection.execute(
        "insert into silver.int_experiments values (?, '2024-03-01', '2024-04-01')", [tried.name]
    )
    for row in sightings:
        connection.execute("insert into silver.stg_exposures values (?, ?, ?, ?)", row)
    groups = sorted({group for _, group, *_ in events if group})
    connection.executemany(
        "insert into silver.int_event_contexts values (?, ?)", list(enumerate([None, *groups]))
    )
    for user, group, at, is_bot in events:
        key = groups.index(group) + 1 if group else 0
        connection.execute(
            "insert into silver.int_sessionized_events values (?, ?, ?, ?)", [user, at, at, key]
        )
        connection.execute("insert into silver.int_sessions values (?, ?, ?)", [user, at, is_bot])
    return connection


def format_metric(found):
    return {each.variant: each.units for each in found}


def test_names_that_a_tool_states_and_the_settings_do_not_know_are_counted_by_units():
    tried = experiment(assignment="exposures")
    sightings = [
        ("checkout", "a", "treatment", "2024-03-02"),
        ("checkout", "b", "treatmnt", "2024-03-02"),
        ("checkout", "b", "treatmnt", "2024-03-03"),
        ("checkout", "c", "treatmnt", "2024-03-04"),
        ("checkout", "d", None, "2024-03-04"),
        ("checkout", "e", "other", "2024-02-01"),
        ("banner", "f", "other", "2024-03-04"),
    ]
    assert format_metric(unknown_variants(stated(tried, sightings), tried)) == {"treatmnt": 2, None: 1}


def test_names_that_events_state_are_counted_unless_another_experiment_knows_them():
    tried = experiment(assignment="stated")
    events = [
        (1, "treatment", "2024-03-02", False),
        (2, "Treatment", "2024-03-02", False),
        (2, "Treatment", "2024-03-05", False),
        (3, "Treatment", "2024-03-05", True),
        (4, "banner-b", "2024-03-05", False),
        (5, "Treatment", "2024-04-05", False),
        (6, None, "2024-03-05", False),
    ]
    connection = stated(tried, [], events)
    other = experiment(name="banner", assignment="stated", variants={"control": 1, "banner-b": 1})
    hashed = experiment(name="hashed", variants={"control": 1, "Treatment": 1})
    assert format_metric(unknown_variants(connection, tried)) == {"Treatment": 1, "banner-b": 1}
    assert format_metric(unknown_variants(connection, tried, [other, hashed])) == {"Treatment": 1}
    sessions = experiment(assignment="stated", unit="session")
    assert format_metric(unknown_variants(connection, sessions, [other])) == {"Treatment": 2}


def test_a_rule_states_no_names():
    assert unknown_variants(warehouse(table([])), experiment()) == []


# --- all of it --------------------------------------------------------------------------------------------


def test_everything_at_once(even):
    connection = sessions(warehouse(dropped(even, "device", "mobile")), ["a", "b"])
    seen = []
    others = [
        experiment(name="banner"),
        experiment(name="stated", assignment="stated"),
        experiment(name="sessions", unit="session"),
    ]
    found = audit(
        connection, experiment(), others, rng=np.random.default_rng(0), simulations=5, on_progress=seen.append
    )
    assert seen == [1, 2, 3, 4, 5]
    assert {each.other: each.reason for each in found.correlations} == {
        "banner": None,
        "stated": "no unit is in both",
        "sessions": "its units are sessions, not users",
    }
    assert not found.split_over_time.is_changed
    assert (found.balance.ids, found.sample_ratio.is_mismatch, found.suspects[0].value) == (2, True, "mobile")


def test_what_others_assign_has_no_hash_to_be_balanced(even):
    tried = experiment(assignment="exposures", end=START + timedelta(days=30))
    connection = stated(tried, [("checkout", "x", "treatmnt", "2024-03-02")])
    found = audit(
        refill(connection, even),
        tried,
        [experiment(name="banner")],
        rng=np.random.default_rng(0),
        simulations=1,
    )
    assert (found.balance, found.correlations[0].ids) == (None, 20_000)
    assert format_metric(found.unknown_variants) == {"treatmnt": 1}
    assert found.to_dict()["correlations"][0]["is_independent"] is True
