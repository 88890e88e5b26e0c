"""SegmentChanges between segments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopwright.core.errors import DataError
from shopwright.models.segmentation.changes import GONE, NEW, count_changes


def _labelled(labels):
    return np.array(list(labels), dtype=np.str_), np.array(list(labels.values()), dtype=np.int64)


def test_customers_stay_change_come_and_go():
    before, after = {"a": 0, "b": 0, "c": 1}, {"a": 0, "b": 1, "d": 1}
    found = count_changes(_labelled(before), _labelled(after), names=["good", "bad", "none"])
    assert found.rows == ("good", "bad", "none", NEW)
    assert found.columns == ("good", "bad", "none", GONE)
    assert found.counts == ((1, 1, 0, 0), (0, 0, 0, 1), (0, 0, 0, 0), (0, 1, 0, 0))
    assert found.shares == ((0.5, 0.5, 0, 0), (0, 0, 0, 1), (None,) * 4, (0, 1, 0, 0))
    assert found.stayed == 0.5


def test_without_customers_nothing_has_a_share():
    found = count_changes(_labelled({}), _labelled({}), names=["good"])
    assert found.shares == ((None, None), (None, None))
    assert found.stayed is None


people = st.dictionaries(st.sampled_from("abcdefghij"), st.integers(0, 3))


@given(people, people)
def test_counts_add_up_to_the_customers_of_both_dates(before, after):
    counts = np.array(count_changes(_labelled(before), _labelled(after), names="wxyz").counts)
    assert counts.sum() == len(before.keys() | after.keys())
    assert counts[:-1].sum(axis=1).tolist() == [list(before.values()).count(label) for label in range(4)]
    assert counts[:, :-1].sum(axis=0).tolist() == [list(after.values()).count(label) for label in range(4)]
    assert counts[-1, -1] == 0


def test_wrong_labels_are_refused():
    good = _labelled({"a": 0})
    with pytest.raises(DataError, match="Got 2 labels for 1 customers"):
        count_changes((np.array(["a", "a"]), np.array([0, 0])), good, names=["x"])
    with pytest.raises(DataError, match="Segment 1 has no name"):
        count_changes(_labelled({"a": 1}), good, names=["x"])
