"""Splits by time: nothing of a later part is needed to know an earlier one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopwright.core.errors import ConfigurationError, DataError
from shopwright.evaluation.leaks import find_split_overlap
from shopwright.evaluation.splits import split_by_time

START = np.datetime64("2024-01-01")
NO_GAP = np.timedelta64(0, "D")
DAYS = st.lists(st.integers(0, 60), min_size=1, max_size=80)


def at(days):
    return START + np.array(days, dtype="timedelta64[D]")


def check(split, decided_at, gap):
    masks = split.masks(decided_at)
    train, validation, test = (decided_at[mask] for mask in masks)
    assert min(len(train), len(validation), len(test)) > 0
    assert (sum(mask.astype(int) for mask in masks) <= 1).all()
    assert train.max() + gap <= validation.min()
    assert validation.max() + gap <= test.min()
    assert train.max() < validation.min() <= validation.max() < test.min()
    assert find_split_overlap(split, decided_at, decided_at + gap, entity=np.arange(len(decided_at))) == []
    # A part holds all rows of a moment or none.
    assert not {*train.tolist()} & {*validation.tolist()}


@given(DAYS, st.integers(0, 30), st.floats(0.05, 0.4), st.floats(0.05, 0.4))
def test_a_split_never_mixes_time(days, gap, validation_share, test_share):
    decided_at, gap = at(days), np.timedelta64(gap, "D")
    try:
        split = split_by_time(decided_at, gap=gap, validation_share=validation_share, test_share=test_share)
    except DataError:
        times = np.unique(decided_at)
        possible = any(
            a < b < c and a + gap <= b and b + gap <= c for a in times[:1] for b in times for c in times
        )
        assert not possible
    else:
        check(split, decided_at, gap)
        assert split.test_until == decided_at.max()


def test_shares_are_of_all_rows():
    decided_at = at(np.repeat(np.arange(100), 3))
    split = split_by_time(decided_at, gap=np.timedelta64(10, "D"))
    assert [int(mask.sum()) for mask in split.masks(decided_at)] == [126, 60, 60]
    assert split.describe() == {
        "train_until": "2024-02-11",
        "validation_from": "2024-02-21",
        "validation_until": "2024-03-11",
        "test_from": "2024-03-21",
        "test_until": "2024-04-09",
    }
    json.dumps(split.describe())


def test_equal_moments_stay_together():
    decided_at = at([0] * 50 + [1] * 5 + [2] * 5)
    assert [int(mask.sum()) for mask in split_by_time(decided_at, gap=NO_GAP).masks(decided_at)] == [50, 5, 5]


def test_a_gap_finer_than_the_times():
    decided_at = at(np.arange(10))
    check(split_by_time(decided_at, gap=np.timedelta64(90, "m")), decided_at, np.timedelta64(90, "m"))


def test_too_little_history_says_how_much_is_needed():
    with pytest.raises(DataError, match=r"59 days.*at least 180 days are needed"):
        split_by_time(at(np.arange(60)), gap=np.timedelta64(90, "D"))
    with pytest.raises(DataError, match="2 different moments"):
        split_by_time(at([0, 0, 1]), gap=NO_GAP)
    with pytest.raises(DataError, match="no decisions"):
        split_by_time(at([]), gap=NO_GAP)
    with pytest.raises(DataError, match="1 decisions have no time"):
        split_by_time(np.array(["NaT", "2024-01-01"], dtype="datetime64[D]"), gap=NO_GAP)


def test_impossible_wishes():
    for shares in ((0.5, 0.5), (0, 0.2), (0.2, -1)):
        with pytest.raises(ConfigurationError):
            split_by_time(at([0, 1, 2]), gap=NO_GAP, validation_share=shares[0], test_share=shares[1])
    with pytest.raises(ConfigurationError, match="gap"):
        split_by_time(at([0, 1, 2]), gap=np.timedelta64(-1, "D"))
