"""A fingerprint changes with the data and with nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopwright.core.errors import DataError
from shopwright.registry.fingerprint import fingerprint

BASE = {"a": np.array([1.0, 2.0, np.nan]), "b": np.array(["x", None, ""], dtype=object)}


@pytest.mark.parametrize(
    "other",
    [
        {"a": BASE["a"]},
        {"b": BASE["b"], "a": BASE["a"]},
        {"c": BASE["a"], "b": BASE["b"]},
        BASE | {"a": np.array([1.0, np.nan, 2.0])},
        BASE | {"a": BASE["a"].astype(np.float32)},
        BASE | {"b": np.array(["x", "", None], dtype=object)},
        BASE | {"b": np.array(["", "x", None], dtype=object)},
        {name: values[:2] for name, values in BASE.items()},
        {},
    ],
)
def test_another_frame_has_another_fingerprint(other):
    assert fingerprint(other) != fingerprint(BASE)


@given(st.lists(st.none() | st.text(max_size=4), min_size=1), st.randoms())
def test_texts_count_and_their_numpy_type_does_not(texts, random):
    values = np.array(texts, dtype=object)
    assert fingerprint({"a": values}) == fingerprint({"a": values.copy()})
    shuffled = random.sample(texts, len(texts))
    same = fingerprint({"a": np.array(shuffled, dtype=object)}) == fingerprint({"a": values})
    assert same == (shuffled == texts)


def test_representation_does_not_count():
    assert fingerprint({"a": np.array(["x", "yy"])}) == fingerprint(
        {"a": np.array(["x", "yy"], dtype=object)}
    )
    numbers = np.arange(6, dtype=np.int64)
    assert fingerprint({"a": numbers.astype(">i8")}) == fingerprint({"a": numbers})
    assert fingerprint({"a": numbers[::2]}) == fingerprint({"a": numbers[::2].copy()})
    other_nan = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)
    assert fingerprint({"a": other_nan}) == fingerprint({"a": np.array([np.nan])})


def test_kinds_of_values_differ():
    days = np.array(["2026-01-01"], dtype="datetime64[D]")
    found = [
        fingerprint({"a": values})
        for values in (
            days,
            days.astype("datetime64[us]"),
            np.array([True]),
            np.array([1]),
            np.array([1], dtype=object),
            np.array([True], dtype=object),
            np.array(["1"], dtype=object),
        )
    ]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"a": np.zeros(2), "b": np.zeros(3)}, "shape"),
        ({"a": np.zeros((2, 2))}, "shape"),
        ({"a": np.ma.masked_array([1.0], [True])}, "masked"),
        ({"a": np.array([object()], dtype=object)}, "type object"),
        ({"a": np.zeros(1, dtype="V4")}, "no fingerprint"),
    ],
)
def test_what_has_no_fingerprint_is_told(columns, says):
    with pytest.raises(DataError, match=says):
        fingerprint(columns)
