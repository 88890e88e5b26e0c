"""An audit finds what was planted, and nothing where nothing was."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from shopwright.experiments.assignment import BUCKETS, assign
from shopwright.experiments.audit import audit, balance, correlate, false_positives, trace_sample_ratio
from tests.experiments.units import START, crowd, experiment, table, unit, warehouse


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
    assert (found.rate, found.is_sound) == (None, False)


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
    chosen = [user for user in ids if assign(experiment(), user).bucket < 0.6 * BUCKETS]
    found = balance(sessions(warehouse(table([])), chosen), experiment())
    assert (found.ids, found.test.is_mismatch) == (len(chosen), True)


def test_sessions_are_balanced_by_their_own_ids():
    ids = [str(number) for number in range(20_000)]
    chosen = [user for user in ids if assign(experiment(), f"s{user}").bucket < 0.6 * BUCKETS]
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
    assert (found.ids, found.phi, found.is_independent) == (0, None, True)


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
    assert (suspects[0].dimension, suspects[0].value, suspects[0].explains_all) == ("stage", "bought", True)


def test_the_part_that_explains_all_comes_before_one_that_is_further_off():
    cells = {
        ("tv", "ads"): (1500, 1100),
        ("tv", "email"): (500, 600),
        ("desktop", "ads"): (1500, 1300),
        ("desktop", "email"): (500, 700),
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


def test_everything_at_once(even):
    connection = sessions(warehouse(dropped(even, "device", "mobile")), ["a", "b"])
    seen = []
    others = [
        experiment(name="banner"),
        experiment(name="stated", assignment="stated"),
        experiment(name="sessions", unit="session"),
    ]
    found = audit(
        connection, experiment(), others, rng=np.random.default_rng(0), simulations=5, watch=seen.append
    )
    assert seen == [1, 2, 3, 4, 5]
    assert [each.other for each in found.correlations] == ["banner"]
    assert (found.balance.ids, found.sample_ratio.is_mismatch, found.suspects[0].value) == (2, True, "mobile")


def test_what_others_assign_has_neither_balance_nor_correlations(even):
    found = audit(
        warehouse(even),
        experiment(assignment="stated", end=START + timedelta(days=1)),
        [experiment(name="banner")],
        rng=np.random.default_rng(0),
        simulations=1,
    )
    assert (found.balance, found.correlations) == (None, ())
