"""Scores and classes by recency, frequency and money."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopwright.core.errors import DataError
from shopwright.models.segmentation.customers import make_customers
from shopwright.models.segmentation.rfm import GRID, RfmScale, classify_rfm, fit_rfm_scale, rfm_class_names
from tests.models.segmentation.conftest import customer_rows


def _customers(recency, frequency=None, monetary=None):
    ones = np.ones(len(recency))
    values = customer_rows(
        recency_days=recency,
        frequency=ones if frequency is None else frequency,
        monetary=ones if monetary is None else monetary,
    )
    return make_customers([f"{number:05d}" for number in range(len(recency))], values)


def test_ten_customers_are_spread_over_five_scores_two_each():
    found = _customers(range(1, 11), range(1, 11), range(10, 0, -1))
    scores = fit_rfm_scale(found).scores(found)
    rising = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert scores[:, 0].tolist() == rising[::-1]  # ordered lately is better
    assert scores[:, 1].tolist() == rising
    assert scores[:, 2].tolist() == rising[::-1]


def test_equal_values_score_by_what_they_beat():
    # Seven of ten ordered once and beat nobody; those with two orders beat seven tenths, the one with nine nine tenths.
    found = _customers([1] * 10, [1] * 7 + [2, 2, 9])
    assert fit_rfm_scale(found).scores(found)[:, 1].tolist() == [1] * 7 + [4, 4, 5]


values = st.lists(st.integers(-3, 12), min_size=1, max_size=60)


@given(values, st.randoms(use_true_random=False))
def test_ties_never_part_and_order_never_matters(drawn, random):
    found = _customers(drawn, drawn, drawn)
    scale = fit_rfm_scale(found)
    scores = scale.scores(found)
    shuffled = list(drawn)
    random.shuffle(shuffled)
    other = _customers(shuffled, shuffled, shuffled)
    assert fit_rfm_scale(other) == scale
    by_value = {}
    for value, row in [
        *zip(drawn, scores.tolist(), strict=True),
        *zip(shuffled, scale.scores(other).tolist(), strict=True),
    ]:
        assert by_value.setdefault(value, row) == row
    assert scores.min() >= 1
    assert scores.max() <= 5
    for value, (recency, frequency, monetary) in by_value.items():
        beaten = sum(each < value for each in drawn)
        assert frequency == monetary == 1 + 5 * beaten // len(drawn)
        assert recency == 1 + 5 * sum(each > value for each in drawn) // len(drawn)


def test_a_scale_survives_json():
    scale = fit_rfm_scale(_customers([1, 1, 1, 2], [1, 1, 1, 1], [0.1, 0.2, 0.3, 1e300]))
    assert RfmScale.from_dict(json.loads(json.dumps(scale.to_dict(), allow_nan=False))) == scale


def test_every_class_has_a_place_and_a_campaign_of_its_own():
    classes = {each for row in GRID for each in row}
    assert (
        len({each.name for each in classes}) == len({each.campaign for each in classes}) == len(classes) == 11
    )


@pytest.mark.parametrize(
    ("scores", "name"),
    [
        ((5, 5, 5), "Champions"),
        ((5, 1, 1), "New customers"),
        ((4.5, 1, 1), "New customers"),
        ((1, 5, 5), "Cannot lose them"),
        ((1, 1, 1), "Lost"),
        ((3, 3, 2), "Need attention"),
    ],
)
def test_classes_of_scores(scores, name):
    assert classify_rfm(*scores).name == name


def test_each_customer_has_a_class():
    assert rfm_class_names(np.array([[5, 5, 5], [1, 1, 1]])) == ["Champions", "Lost"]


@pytest.mark.parametrize("recency", [[], [np.nan, 1.0]])
def test_no_scores_without_customers_or_values(recency):
    with pytest.raises(DataError, match="RFM scores need customers"):
        fit_rfm_scale(_customers(np.array(recency)))
