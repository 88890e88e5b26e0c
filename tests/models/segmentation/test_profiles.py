"""Portraits of segments: names, campaigns, contrasts and importances."""

from __future__ import annotations

import json
from time import process_time

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from shopwright.models.segmentation.data import NAMES, as_customers
from shopwright.models.segmentation.profiles import Contrast, portray, unique_names
from shopwright.models.segmentation.rfm import CHAMPIONS, LOST, rfm_scale
from shopwright.models.segmentation.train import Segmentation, train
from tests.models.segmentation.conftest import customer_rows, planted_customers


def test_sizes_and_shares_are_those_of_the_members(segmentation, planted):
    customers = planted[0]
    labels, monetary = segmentation.clustering.label(customers), customers.column("monetary")
    for portrait in segmentation.portraits:
        members = labels == portrait.segment
        assert portrait.customers == members.sum()
        assert portrait.revenue_share == pytest.approx(monetary[members].sum() / monetary.sum())
        assert portrait.medians["recency_days"] == np.median(customers.column("recency_days")[members])
    assert sum(portrait.share for portrait in segmentation.portraits) == pytest.approx(1)
    assert sum(portrait.revenue_share for portrait in segmentation.portraits) == pytest.approx(1)


def test_planted_kinds_are_called_what_they_are(segmentation):
    assert len(set(segmentation.names)) == len(segmentation.names)
    assert segmentation.names[0] == "Champions"
    assert segmentation.names[-1] in {"Lost", "Hibernating"}
    assert all(portrait.campaign for portrait in segmentation.portraits)


def test_what_sets_a_segment_apart_comes_first(segmentation):
    best = segmentation.portraits[0]
    assert {each.words for each in best.contrasts[:3]} == {"high value", "large orders", "short pauses"}
    distances = [abs(each.distance) for each in best.contrasts]
    assert distances == sorted(distances, reverse=True)


def test_segments_are_told_by_what_was_planted_and_not_by_noise(segmentation):
    for portrait in segmentation.portraits:
        assert portrait.importance.roc_auc > 0.98
        assert set(portrait.importance.loss) == set(NAMES)
        assert portrait.importance.loss["mean_quantity"] < 0.01
        losses = list(portrait.importance.loss.values())
        assert losses == sorted(losses, reverse=True)
        assert losses[0] > 0


def test_segments_of_one_class_are_told_apart():
    spend, narrow = (
        Contrast("spend_per_month", 2.0, "high spend"),
        Contrast("mean_ticket", -1.0, "small orders"),
    )
    names = unique_names(
        [CHAMPIONS, LOST, CHAMPIONS, CHAMPIONS], [(spend, narrow), (spend,), (spend, narrow), (spend,)]
    )
    assert names == ["Champions (high spend)", "Lost", "Champions (small orders)", "Champions (1)"]


def test_an_empty_segment_and_worthless_customers_have_no_made_up_figures():
    customers = as_customers(
        ["a", "b"], customer_rows(recency_days=[1, 2], monetary=[0, 0], mean_ticket=[np.nan] * 2)
    )
    full, empty = portray(customers, np.zeros(2, dtype=np.int64), segments=2, scale=rfm_scale(customers))
    assert (full.customers, empty.customers, empty.share) == (2, 0, 0)
    assert full.revenue_share is None
    assert full.medians["mean_ticket"] is None
    assert set(empty.medians.values()) == {None}
    assert full.contrasts == empty.contrasts == ()


def test_a_segmentation_survives_json(segmentation):
    kept = Segmentation.from_dict(json.loads(json.dumps(segmentation.to_dict(), allow_nan=False)))
    assert kept.to_dict() == segmentation.to_dict()
    assert kept.portraits == segmentation.portraits


def test_the_same_customers_and_seed_give_the_same_segmentation(segmentation, planted, quick):
    order = np.random.default_rng(3).permutation(len(planted[0]))
    shuffled = as_customers(planted[0].ids[order], planted[0].values[order])
    assert train(shuffled, quick).to_dict() == segmentation.to_dict()


@pytest.mark.slow
def test_a_hundred_thousand_customers_take_less_than_a_minute_of_computing():
    customers, kinds = planted_customers(100_000, seed=2)
    started = process_time()
    found = train(customers)
    assert process_time() - started < 60
    assert adjusted_rand_score(kinds, found.clustering.label(customers)) > 0.9
