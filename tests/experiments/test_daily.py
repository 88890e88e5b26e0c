"""The sums of every day are those of the units as they stood at its end."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopwright.experiments.aggregates import read_aggregates
from shopwright.experiments.daily import compare_days, correct_for_variants, read_daily_moments
from shopwright.experiments.statistics import Moments, holm
from shopwright.metrics import METRICS, Kind
from tests.experiments.units import MONEY, START, experiment, table, unit, warehouse

SUMMED = [name for name, metric in METRICS.items() if metric.kind is not Kind.QUANTILE]
DAILY = (
    "session_count",
    "cart_session_count",
    "abandoned_session_count",
    "order_count",
    "unit_count",
    "returned_unit_count",
)
DAYS = pa.schema(
    [
        ("experiment", pa.string()),
        ("unit_key", pa.int64()),
        ("activity_date", pa.date32()),
        *((name, pa.int64()) for name in DAILY),
        ("revenue_amount", MONEY),
    ]
)
KEYS = pa.schema([("unit_key", pa.int64()), ("experiment", pa.string()), ("unit_id", pa.string())])

activities = st.fixed_dictionaries(
    dict.fromkeys(DAILY, st.integers(0, 5)) | {"revenue_amount": st.decimals(0, 500, places=2)}
)
histories = st.lists(
    st.tuples(
        st.sampled_from(["control", "treatment", "third"]),
        st.integers(0, 5),
        st.sampled_from([1, 1, 1, 2]),
        st.dictionaries(st.integers(0, 6), activities, max_size=4),
    ),
    max_size=12,
)
"""Of each unit: its variant, the day it came in, in how many variants it was seen, and what it did days later."""


@pytest.fixture(scope="module")
def connection():
    return warehouse(table([]))


def fill(connection, histories):
    """Tables of units, their keys and their days, of this experiment; another one's lie beside them."""
    units, days = [], []
    for number, (variant, came, variants, done) in enumerate(histories):
        totals = {name: sum(each[name] for each in done.values()) for name in (*DAILY, "revenue_amount")}
        totals["is_converted"] = int(totals["order_count"] > 0)
        first = START + timedelta(days=came)
        units.append(unit(number, variant, exposed_date=first, variant_count=variants, **totals))
        days += [
            {
                "experiment": "checkout",
                "unit_key": number,
                "activity_date": first + timedelta(days=day),
                **each,
            }
            for day, each in done.items()
        ]
    keys = [
        {"experiment": "checkout", "unit_key": number, "unit_id": f"u{number}"}
        for number in range(len(units))
    ]
    keys += [{"experiment": "another", "unit_key": 1_000, "unit_id": "u0"}]
    days += [
        dict.fromkeys(DAYS.names, 9) | {"experiment": "another", "unit_key": 1_000, "activity_date": START}
    ]
    given = {
        "gold.fct_experiment_units": table(units),
        "silver.int_experiment_units": pa.Table.from_pylist(keys, schema=KEYS),
        "silver.int_experiment_unit_days": pa.Table.from_pylist(days, schema=DAYS),
    }
    for name, rows in given.items():
        connection.register("given_rows", rows)
        connection.execute(f"create or replace table {name} as select * from given_rows")
    return connection


def as_it_stood(histories, variant, day, names):
    """Moments of a variant's units at the end of a day, from what each had done by then."""
    seen = [
        [what for after, what in done.items() if START + timedelta(days=came + after) <= day]
        for its, came, variants, done in histories
        if its == variant and variants == 1 and START + timedelta(days=came) <= day
    ]

    def total(what, name):
        if name == "is_converted":
            return float(any(each["order_count"] > 0 for each in what))
        return float(sum(each[name] for each in what))

    return Moments.from_arrays({name: [total(what, name) for what in seen] for name in names})


def agree(found, expected):
    assert found.count == expected.count
    assert found.sums == pytest.approx(expected.sums)
    assert found.products == pytest.approx(expected.products)


@settings(max_examples=40)
@given(histories=histories, name=st.sampled_from(SUMMED))
def test_every_day_is_what_a_count_from_scratch_says(connection, histories, name):
    tried = experiment(variants={"control": 1, "treatment": 1, "third": 1}, primary_metric=name)
    found = read_daily_moments(fill(connection, histories), tried, METRICS[name])
    for day, variants in found.items():
        for variant in tried.variants:
            agree(variants[variant], as_it_stood(histories, variant, day, METRICS[name].measures))
    happened = {
        START + timedelta(days=came + after)
        for _, came, variants, done in histories
        for after in (0, *done)
        if variants == 1
    }
    assert list(found) == sorted(happened)


@settings(max_examples=40)
@given(histories=histories, name=st.sampled_from(SUMMED))
def test_the_last_day_is_the_read_out(connection, histories, name):
    tried = experiment(variants={"control": 1, "treatment": 1, "third": 1}, primary_metric=name)
    days = list(read_daily_moments(fill(connection, histories), tried, METRICS[name]).values())
    whole = read_aggregates(connection, tried, metrics=[METRICS[name]])
    for variant in tried.variants:
        if whole.group(variant):
            for measure in METRICS[name].measures:
                assert days[-1][variant].sum(measure) == pytest.approx(whole.group(variant).sum(measure))
                assert days[-1][variant].product(measure, measure) == pytest.approx(
                    whole.group(variant).product(measure, measure)
                )


def test_tables_may_have_other_names(connection):
    fill(connection, [("control", 0, 1, {})])
    for name in ("fct_experiment_units", "int_experiment_unit_days", "int_experiment_units"):
        schema = "gold" if name.startswith("fct") else "silver"
        connection.execute(f"create or replace table my_{name} as from {schema}.{name}")
    found = read_daily_moments(
        connection,
        experiment(),
        METRICS["conversion_rate"],
        unit_days="my_int_experiment_unit_days",
        unit_keys="my_int_experiment_units",
        units="my_fct_experiment_units",
    )
    assert found[START]["control"].count == 1


def test_a_quantile_has_no_daily_sequence(connection):
    with pytest.raises(ValueError, match="Time to purchase is a quantile and has no daily results"):
        read_daily_moments(connection, experiment(), METRICS["time_to_purchase"])


def looks(rng, days=20, effect=0.0):
    """Twenty days on each of which a hundred units come to each variant and a fifth of them buy."""
    bought = {
        name: rng.random((days, 100)) < 0.2 + more for name, more in (("control", 0), ("treatment", effect))
    }
    return {
        START + timedelta(days=day): {
            name: Moments.from_arrays({"is_converted": seen[: day + 1].ravel()})
            for name, seen in bought.items()
        }
        for day in range(days)
    }


def test_watching_shows_every_look_and_the_smallest_always_valid_pvalue_so_far():
    metric_results = compare_days(experiment(), METRICS["conversion_rate"], looks(np.random.default_rng(0)))
    assert [reading.day for reading in metric_results] == [START + timedelta(days=day) for day in range(20)]
    always = [reading.sequential.pvalue for reading in metric_results]
    assert [reading.always_valid_pvalue for reading in metric_results] == np.minimum.accumulate(
        always
    ).tolist()
    for reading in metric_results:
        assert reading.sequential.absolute.value == reading.naive.absolute.value
        assert reading.naive.absolute.interval.lower > reading.sequential.absolute.interval.lower


def test_twenty_looks_at_nothing_fool_the_naive_reader_and_not_the_other():
    rng, tried = np.random.default_rng(1), experiment(sequence_units=2_000)
    found = [compare_days(tried, METRICS["conversion_rate"], looks(rng)) for _ in range(100)]
    assert sum(any(day.naive.pvalue < 0.05 for day in days) for days in found) > 10
    assert sum(days[-1].always_valid_pvalue < 0.05 for days in found) <= 5


def test_twenty_looks_at_a_large_effect_find_it():
    metric_results = compare_days(
        experiment(sequence_units=2_000),
        METRICS["conversion_rate"],
        looks(np.random.default_rng(2), effect=0.1),
    )
    assert metric_results[-1].always_valid_pvalue < 0.01


def three(rng, days=5):
    """Days on each of which a hundred units come to each of three variants."""
    return {
        day: {**moments, "third": looks(rng, days)[day]["treatment"]}
        for day, moments in looks(rng, days).items()
    }


def test_pvalues_of_each_look_are_corrected_for_the_number_of_variants():
    tried = experiment(variants={"control": 1, "treatment": 1, "third": 1})
    metric_results = compare_days(tried, METRICS["conversion_rate"], three(np.random.default_rng(3)))
    for day in {reading.day for reading in metric_results}:
        found = [reading for reading in metric_results if reading.day == day]
        assert [reading.variant for reading in found] == ["treatment", "third"]
        corrected = holm([reading.always_valid_pvalue for reading in found])
        assert [reading.corrected_pvalue for reading in found] == corrected


def test_one_treatment_has_nothing_to_be_corrected_for():
    for reading in compare_days(experiment(), METRICS["conversion_rate"], looks(np.random.default_rng(0))):
        assert reading.corrected_pvalue == reading.always_valid_pvalue


def test_the_correction_at_every_look_is_the_experiments_own():
    pvalues = {"b": 0.03, "c": None, "d": 0.04}
    for rule, expected in (
        ("holm", {"b": 0.06, "c": None, "d": 0.06}),
        ("benjamini-hochberg", {"b": 0.04, "c": None, "d": 0.04}),
        ("none", pvalues),
    ):
        assert correct_for_variants(pvalues, experiment(correction=rule)) == expected


def test_days_before_a_variant_has_units_have_no_estimate(connection):
    fill(connection, [("control", 0, 1, {}), ("treatment", 2, 1, {})])
    tried = experiment()
    metric_results = compare_days(
        tried, METRICS["conversion_rate"], read_daily_moments(connection, tried, METRICS["conversion_rate"])
    )
    assert [reading.naive.absolute is None for reading in metric_results] == [True, False]
    assert metric_results[0].always_valid_pvalue is None


def test_without_units_there_is_nothing_to_watch(connection):
    fill(connection, [])
    assert read_daily_moments(connection, experiment(), METRICS["conversion_rate"]) == {}
    assert compare_days(experiment(), METRICS["conversion_rate"], {}) == []
