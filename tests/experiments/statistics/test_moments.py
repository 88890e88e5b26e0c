"""Aggregates: what is computed from them, and that they add up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shopwright.experiments.statistics import Moments, Quantity, total

NAMES = ("orders", "sessions")
tables = arrays(
    np.float64, st.tuples(st.integers(2, 30), st.just(2)), elements=st.integers(0, 1000).map(float)
)


def moments(table):
    return Moments.from_arrays(dict(zip(NAMES, table.T, strict=True)))


@given(tables)
def test_means_variances_and_covariances_are_numpys(table):
    found = moments(table)
    expected = np.cov(table.T)
    assert found.mean("orders") == pytest.approx(table[:, 0].mean())
    assert found.variance("orders") == pytest.approx(expected[0, 0], abs=1e-6)
    assert found.covariance("sessions", "orders") == pytest.approx(expected[0, 1], abs=1e-6)


@given(tables, st.data())
def test_slices_add_up_to_the_whole_in_any_order(table, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(table)), max_size=4)))
    parts = [moments(part) for part in np.split(table, cuts)]
    order = data.draw(st.permutations(parts))
    whole, merged = moments(table), total(order)
    assert merged.count == whole.count
    assert np.array_equal(merged.sums, whole.sums)
    assert np.array_equal(merged.products, whole.products)


def test_one_row_of_the_warehouse_is_the_same_as_its_units():
    table = np.array([[1.0, 2.0], [0.0, 3.0], [4.0, 1.0]])
    row = Moments.from_sums(
        3,
        {"orders": 5, "sessions": 6},
        {("orders", "orders"): 17, ("sessions", "orders"): 6, ("sessions", "sessions"): 14},
    )
    assert np.array_equal(row.products, moments(table).products)
    assert row.value(Quantity("orders", "sessions")) == pytest.approx(5 / 6)


def test_a_pair_that_was_not_summed_is_named():
    row = Moments.from_sums(3, {"orders": 5, "sessions": 6}, {("orders", "orders"): 17})
    assert row.variance("orders") == pytest.approx((17 - 25 / 3) / 2)
    with pytest.raises(LookupError, match="products of 'orders' and 'sessions' were not summed"):
        row.covariance("orders", "sessions")


def test_a_column_that_is_not_there_is_named_with_its_neighbour():
    with pytest.raises(LookupError, match=r"no column 'order'.*did you mean 'orders'"):
        moments(np.ones((2, 2))).mean("order")


def test_different_columns_do_not_add():
    with pytest.raises(ValueError, match="do not add up"):
        Moments.from_arrays({"a": [1, 2]}) + Moments.from_arrays({"b": [1, 2]})


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"sums of shape \(2,\)"):
        Moments(3, ("a", "b"), np.zeros(3), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="distinct names"):
        Moments(3, ("a", "a"), np.zeros(2), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="count of 0 or more"):
        Moments(-1, ("a",), np.zeros(1), np.zeros((1, 1)))


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e9 + 0.1, -7.7])
@pytest.mark.parametrize("count", [2, 1000, 100_000])
def test_a_constant_column_has_no_variance_at_all(value, count):
    assert Moments.from_arrays({"x": np.full(count, value)}).variance("x") == 0


def test_a_ratio_that_never_changes_has_no_variance_at_all():
    sessions = np.random.default_rng(0).integers(1, 9, 1000) * 0.1
    both = Moments.from_arrays({"orders": sessions * 0.3, "sessions": sessions})
    weights = both.linear(Quantity("orders", "sessions"))
    assert both.variance_along(weights) == 0


def test_precision_is_as_documented():
    values = np.random.default_rng(0).normal(1000, 1, 1_000_000)
    assert Moments.from_arrays({"x": values}).variance("x") == pytest.approx(values.var(ddof=1), rel=1e-9)
