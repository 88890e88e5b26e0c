"""Whether the audit tells a split that changed from one that did not."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from shopwright.experiments.audit import split_over_time, trace_sample_ratio
from tests.experiments.units import START, crowd, experiment, refill, table, unit, warehouse


def by_days(shares, size=400):
    """Units of days on which such shares were treated."""
    rng = np.random.default_rng(7)
    return table(
        unit(number, "treatment" if treated else "control", exposed_date=START + timedelta(days=day))
        for day, share in enumerate(shares)
        for number, treated in enumerate(rng.random(size) < share)
    )


def test_weights_that_change_on_a_day_are_found_with_the_day():
    found = split_over_time(warehouse(by_days([0.5] * 6 + [0.3] * 4)), experiment())
    assert found.is_changed
    assert found.changed_from == START + timedelta(days=6)
    assert [sum(side) for side in (found.before, found.after)] == [2_400, 1_600]
    assert found.after[1] / 1_600 == pytest.approx(0.3, abs=0.05)


def test_a_change_that_leaves_the_whole_as_planned_is_found_too():
    units = warehouse(by_days([0.4] * 5 + [0.6] * 5))
    assert not trace_sample_ratio(units, experiment())[0].is_mismatch
    assert split_over_time(units, experiment()).changed_from == START + timedelta(days=5)


def test_one_day_that_stands_out_is_no_change_for_good():
    found = split_over_time(warehouse(by_days([0.5] * 10 + [0.2] + [0.5] * 10, size=100)), experiment())
    assert (found.is_changed, found.changed_from) == (True, None)
    assert found.stands_out == START + timedelta(days=10)


def test_more_traffic_on_later_days_changes_no_split():
    few, many = by_days([0.5] * 5, size=200), by_days([0.5] * 10, size=1_000)
    later = many.filter(pc.greater_equal(many["exposed_date"], START + timedelta(days=5)))
    found = split_over_time(warehouse(pa.concat_tables([few, later])), experiment())
    assert (found.is_changed, found.changed_from) == (False, None)


def test_a_split_that_is_off_on_all_days_alike_is_no_change():
    units = warehouse(by_days([0.3] * 10))
    assert trace_sample_ratio(units, experiment())[0].is_mismatch
    assert not split_over_time(units, experiment()).is_changed


def test_even_splits_are_called_changed_as_rarely_as_they_may():
    rng = np.random.default_rng(8)
    connection = warehouse(table([]))
    called = 0
    for _ in range(100):
        units = crowd(rng, {"control": 700, "treatment": 350, "third": 350})
        tried = experiment(variants={"control": 2, "treatment": 1, "third": 1})
        called += split_over_time(refill(connection, units), tried).is_changed
    assert called <= 4


@pytest.mark.parametrize("shares", [[], [0.5], [0, 0, 0]])
def test_without_days_or_variants_to_compare_there_is_no_test(shares):
    found = split_over_time(warehouse(by_days(shares)), experiment())
    assert (found.pvalue, found.is_changed) == (None, False)
    assert found.reason == "too few units on separate days, or a variant without units"


def test_days_with_few_units_are_taken_together():
    found = split_over_time(warehouse(by_days([0.5] * 30, size=3)), experiment())
    assert found.pvalue is not None
    assert not found.is_changed
