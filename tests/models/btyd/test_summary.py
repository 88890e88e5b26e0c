"""Histories from purchases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopwright.core.errors import DataError
from shopwright.models.btyd import PurchaseHistory, purchases_between, summarise
from shopwright.models.btyd.summary import group_histories

DAYS = np.array(["2026-01-01", "2026-01-15", "2026-01-15", "2026-01-29", "2026-01-08"], "datetime64[D]")
CUSTOMERS = ["ann", "ann", "ann", "ann", "bob"]
VALUES = [100.0, 5.0, 7.0, 20.0, 9.0]


def test_purchases_of_one_day_are_one_and_the_first_is_not_a_repeat():
    found = summarise(CUSTOMERS, DAYS, VALUES, end="2026-02-05")
    assert found.customer.tolist() == ["ann", "bob"]
    assert found.history.frequency.tolist() == [2, 0]
    assert found.history.recency.tolist() == [4, 0]
    assert found.history.age.tolist() == [5, 4]
    assert found.history.value[0] == 16
    assert np.isnan(found.history.value[1])


def test_days_may_be_the_unit():
    found = summarise(CUSTOMERS, DAYS, VALUES, end="2026-02-05", unit_days=1)
    assert found.history.recency.tolist() == [28, 0]
    assert found.history.unit_days == 1


@given(st.permutations(range(5)))
def test_the_order_of_rows_does_not_matter(order):
    found = summarise(np.array(CUSTOMERS)[order], DAYS[order], np.array(VALUES)[order], end="2026-02-05")
    plain = summarise(CUSTOMERS, DAYS, VALUES, end="2026-02-05")
    assert np.array_equal(found.history.value, plain.history.value, equal_nan=True)
    assert np.array_equal(found.history.recency, plain.history.recency)


def test_later_purchases_are_counted_by_day_and_only_for_known_customers():
    found = purchases_between(
        [*CUSTOMERS, "eve"],
        [*DAYS, DAYS[3]],
        customers=np.array(["ann", "bob"]),
        after="2026-01-08",
        until="2026-01-28",
    )
    assert found.tolist() == [1, 0]


def test_nobody_may_buy_after_the_end():
    with pytest.raises(DataError, match="1 purchases are later"):
        summarise(CUSTOMERS, DAYS, VALUES, end="2026-01-28")


@pytest.mark.parametrize(
    ("customers", "days", "values", "reason"),
    [
        ([], [], [], "there must be a purchase"),
        ([1], [1, 2], [1.0], "one entry per purchase"),
        ([1], [1], [np.nan], "finite"),
        ([1], ["soon"], [1.0], "Days must be dates"),
        ([1], [np.datetime64("NaT")], [1.0], "has no day"),
        ([1], [1], ["dear"], "value must be numbers"),
    ],
)
def test_invalid_purchases_are_rejected(customers, days, values, reason):
    with pytest.raises(DataError, match=reason):
        summarise(customers, days, values, end=9)


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        (([1], [2], [1], [1]), "between 0 and the age"),
        (([1.5], [1], [2], [1]), "whole number"),
        (([-1], [0], [2], [1]), "whole number"),
        (([0], [1], [2], [1]), "exactly where"),
        (([2], [0], [2], [1]), "exactly where"),
        (([0], [0], [np.nan], [1]), "finite"),
        (([0], [0], [1], [np.inf]), "value must be finite"),
        (([0, 0], [0], [1], [1]), "one number per customer"),
        (([[0]], [0], [1], [1]), "shape"),
    ],
)
def test_contradictory_histories_are_rejected(numbers, reason):
    with pytest.raises(DataError, match=reason):
        PurchaseHistory(*numbers)


def test_a_unit_has_a_length():
    with pytest.raises(DataError, match="more than 0"):
        PurchaseHistory([0], [0], [1], [1], unit_days=0)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(3, 5)), min_size=1))
def test_equal_histories_are_kept_once_and_found_again(rows):
    x, t_x, age = (np.array(column, float) for column in zip(*rows, strict=True))
    found = group_histories(PurchaseHistory(x, t_x, age, np.full(len(x), np.nan)))
    assert len(found.history) == len(set(rows))
    assert found.count.sum() == len(rows)
    assert (found.history.frequency[found.index] == x).all()
    assert (found.history.recency[found.index] == t_x).all()
    assert (found.history.age[found.index] == age).all()
