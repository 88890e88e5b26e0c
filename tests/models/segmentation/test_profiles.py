"""Profiles of segments: names, campaigns, contrasts and importances."""

from __future__ import annotations

import json
from time import process_time

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from shopwright.models.segmentation.customers import NAMES, make_customers
from shopwright.models.segmentation.model import RENAMED_KEYS, Segmentation
from shopwright.models.segmentation.profiles import Contrast, profile_segments, unique_names
from shopwright.models.segmentation.rfm import CHAMPIONS, LOST, fit_rfm_scale
from shopwright.models.segmentation.train import fit_segmentation
from tests.models.segmentation.conftest import customer_rows, planted_customers


def test_sizes_and_shares_are_those_of_the_members(segmentation, planted):
    customers = planted[0]
    labels, monetary = segmentation.clustering.label(customers), customers.column("monetary")
    for profile in segmentation.profiles:
        members = labels == profile.segment
        assert profile.customers == members.sum()
        assert profile.revenue_share == pytest.approx(monetary[members].sum() / monetary.sum())
        assert profile.medians["recency_days"] == np.median(customers.column("recency_days")[members])
    assert sum(profile.share for profile in segmentation.profiles) == pytest.approx(1)
    assert sum(profile.revenue_share for profile in segmentation.profiles) == pytest.approx(1)


def test_planted_kinds_are_called_what_they_are(segmentation):
    assert len(set(segmentation.names)) == len(segmentation.names)
    assert segmentation.names[0] == "Champions"
    assert segmentation.names[-1] in {"Lost", "Hibernating"}
    assert all(profile.campaign for profile in segmentation.profiles)


def test_what_sets_a_segment_apart_comes_first(segmentation):
    best = segmentation.profiles[0]
    assert {each.label for each in best.contrasts[:3]} == {"high value", "large orders", "short intervals"}
    distances = [abs(each.distance) for each in best.contrasts]
    assert distances == sorted(distances, reverse=True)


def test_importance_is_in_planted_features_and_not_in_noise(segmentation):
    for profile in segmentation.profiles:
        assert profile.importance.roc_auc > 0.98
        assert set(profile.importance.loss) == set(NAMES)
        assert profile.importance.loss["mean_quantity"] < 0.01
        losses = list(profile.importance.loss.values())
        assert losses == sorted(losses, reverse=True)
        assert losses[0] > 0


def test_segments_of_one_class_get_different_names():
    spend, narrow = (
        Contrast("spend_per_month", 2.0, "high spend"),
        Contrast("mean_ticket", -1.0, "small orders"),
    )
    names = unique_names(
        [CHAMPIONS, LOST, CHAMPIONS, CHAMPIONS], [(spend, narrow), (spend,), (spend, narrow), (spend,)]
    )
    assert names == ["Champions (high spend)", "Lost", "Champions (small orders)", "Champions (1)"]


def test_undefined_metrics_of_segments_are_none():
    customers = make_customers(
        ["a", "b"], customer_rows(recency_days=[1, 2], monetary=[0, 0], mean_ticket=[np.nan] * 2)
    )
    full, empty = profile_segments(
        customers, np.zeros(2, dtype=np.int64), segments=2, scale=fit_rfm_scale(customers)
    )
    assert (full.customers, empty.customers, empty.share) == (2, 0, 0)
    assert full.revenue_share is None
    assert full.medians["mean_ticket"] is None
    assert set(empty.medians.values()) == {None}
    assert full.contrasts == empty.contrasts == ()


def test_a_segmentation_survives_json(segmentation):
    kept = Segmentation.from_dict(json.loads(json.dumps(segmentation.to_dict(), allow_nan=False)))
    assert kept.to_dict() == segmentation.to_dict()
    assert kept.profiles == segmentation.profiles


def test_the_same_customers_and_seed_give_the_same_segmentation(segmentation, planted, quick):
    order = np.random.default_rng(3).permutation(len(planted[0]))
    shuffled = make_customers(planted[0].ids[order], planted[0].values[order])
    assert fit_segmentation(shuffled, quick).to_dict() == segmentation.to_dict()


@pytest.mark.slow
def test_a_hundred_thousand_customers_take_less_than_a_minute_of_computing():
    customers, kinds = planted_customers(100_000, seed=2)
    started = process_time()
    found = fit_segmentation(customers)
    assert process_time() - started < 60
    assert adjusted_rand_score(kinds, found.clustering.label(customers)) > 0.9


def test_artifacts_of_earlier_releases_are_read(segmentation):
    old_keys = {new: old for old, new in RENAMED_KEYS.items() if new != "label"} | {"label": "words"}

    def as_before(value):
        if isinstance(value, dict):
            return {old_keys.get(key, key): as_before(entry) for key, entry in value.items()}
        return [as_before(entry) for entry in value] if isinstance(value, list) else value

    document = json.loads(json.dumps(segmentation.to_dict()))
    assert as_before(document) != document
    assert Segmentation.from_dict(as_before(document)).to_dict() == segmentation.to_dict()
