"""SQL assigns every unit as Python does."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopwright.assignment import assign, assign_bucket
from shopwright.assignment.sql import bucket_sql, variant_sql
from shopwright.core.engine import connect
from shopwright.settings import ExperimentDefinition

EXPERIMENTS = {
    "hash": {},
    "salted": {"salt": "it's: salted"},
    "five variants": {"variants": {"a": 1, "b": 2, "c": 3, "d": 1, "e'": 0.5}, "traffic": 0.7},
    "little traffic": {"traffic": 0.002},
    "layer": {"layer": "checkout-page", "layer_range": [0.25, 0.75]},
    "md5 parity": {"assignment": "md5_parity"},
    "md5 parity in a layer": {"assignment": "md5_parity", "layer": "old", "layer_range": [0, 0.1]},
    "exposures": {"assignment": "exposures"},
}
every_experiment = pytest.mark.parametrize("given", EXPERIMENTS.values(), ids=EXPERIMENTS)


def experiment(given=None):
    common = {"name": "checkout", "hypothesis": "It sells more.", "start": date(2024, 3, 1)}
    return ExperimentDefinition.model_validate(common | (given or {}))


def variants(tried, ids):
    with connect(threads=2) as connection:
        connection.execute("create table units as select unnest($ids::varchar[]) as unit_id", {"ids": ids})
        found = connection.execute(
            f"select unit_id, {variant_sql(tried, 'unit_id', 'null::varchar')} from units"
        )
        return found.fetchall()


@every_experiment
def test_sql_and_python_agree_on_many_ids(given):
    tried = experiment(given)
    ids = [f"{number * 7919}" for number in range(5_000)] + [f"visitor-{number}" for number in range(5_000)]
    found = dict(variants(tried, ids))
    assert found == {unit: assign(tried, unit).variant for unit in ids}


@given(
    ids=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=20),
    chosen=st.sampled_from(sorted(EXPERIMENTS)),
)
def test_sql_and_python_agree_on_any_text(ids, chosen):
    tried = experiment(EXPERIMENTS[chosen])
    assert variants(tried, ids) == [(unit, assign(tried, unit).variant) for unit in ids]


@pytest.mark.slow
def test_sql_and_python_agree_on_a_million_ids():
    with connect(threads=2) as connection:
        found = connection.execute(
            f"select id, {bucket_sql('checkout', 'id')} from (select range::varchar as id from range(1_000_000))"
        ).fetchall()
    assert [unit for unit, bucket in found if bucket != assign_bucket("checkout", unit)] == []


def test_a_unit_without_an_id_takes_no_part():
    with connect() as connection:
        for given in EXPERIMENTS.values():
            sql = variant_sql(experiment(given), "null::varchar", "null::varchar")
            assert connection.execute(f"select {sql}").fetchone() == (None,)


@pytest.mark.parametrize(
    ("stated", "variant"),
    [("control", "control"), ("treatment", "treatment"), ("other", None), ("Control", None), (None, None)],
)
def test_what_events_state_counts_where_it_is_a_variant(stated, variant):
    sql = variant_sql(experiment({"assignment": "stated"}), "'anna'", "$stated::varchar")
    with connect() as connection:
        assert connection.execute(f"select {sql}", {"stated": stated}).fetchone() == (variant,)
