"""Who sees what: the same for ever, by the weights, and independent of every other experiment."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from shopwright.assignment import BUCKET_COUNT, assign, assign_bucket, layer_buckets, variant_buckets
from tests.experiments.units import experiment

IDS = [str(number * 7919) for number in range(100_000)]
weights = st.lists(st.floats(1, 100), min_size=2, max_size=6).map(
    lambda given: {f"v{place}": weight for place, weight in enumerate(given)}
)


@pytest.mark.parametrize(
    ("salt", "unit_id", "bucket"),
    [
        ("checkout", "541320447", 7547),
        ("checkout", "1", 5116),
        ("checkout", "visitor-1", 5592),
        ("banner", "541320447", 4367),
        ("it's: salted", "Zoë 🛒", 5573),
    ],
)
def test_buckets_stay_what_they_are_for_ever(salt, unit_id, bucket):
    assert assign_bucket(salt, unit_id) == bucket


@given(salt=st.text(), unit_id=st.text())
def test_a_bucket_is_the_documented_part_of_the_md5(salt, unit_id):
    try:
        digest = hashlib.md5(f"{salt}:{unit_id}".encode()).hexdigest()
    except UnicodeEncodeError:
        return
    assert assign_bucket(salt, unit_id) == int(digest[:15], 16) % 10_000


def test_two_experiments_do_not_correlate():
    places = variant_buckets(experiment())["treatment"]
    treated = [[assign_bucket(salt, unit_id) in places for unit_id in IDS] for salt in ("checkout", "banner")]
    assert abs(np.corrcoef(treated)[0, 1]) < 0.01


def test_the_name_is_the_salt_unless_another_is_given():
    told = experiment(name="banner", salt="checkout")
    assert [assign(told, unit_id).variant for unit_id in IDS[:1000]] == [
        assign(experiment(), unit_id).variant for unit_id in IDS[:1000]
    ]


@pytest.mark.parametrize(
    "given", [{"control": 1, "treatment": 1}, {"a": 1, "b": 3}, {"a": 5, "b": 1, "c": 1, "d": 2, "e": 1}]
)
def test_units_are_dealt_by_the_weights(given):
    tried = experiment(variants=given)
    seen = Counter(assign(tried, unit_id).variant for unit_id in IDS[:20_000])
    expected = [20_000 * share for share in tried.shares.values()]
    assert stats.chisquare([seen[name] for name in given], expected).pvalue > 0.001


@given(variants=weights)
def test_all_buckets_are_dealt_out_each_once(variants):
    places = list(variant_buckets(experiment(variants=variants)).values())
    assert (places[0].start, places[-1].end) == (0, BUCKET_COUNT)
    assert all(one.end == two.start for one, two in pairwise(places))


@given(variants=weights, traffic=st.lists(st.floats(0.6, 1), min_size=2, max_size=2).map(sorted))
def test_more_traffic_adds_units_and_moves_none(variants, traffic):
    few, many = (variant_buckets(experiment(variants=variants, traffic=share)) for share in traffic)
    for name in variants:
        assert many[name].start == few[name].start
        assert many[name].end >= few[name].end
        assert (
            abs(few[name].end - few[name].start - BUCKET_COUNT * traffic[0] * share_of(variants, name)) <= 1.5
        )


def share_of(variants, name):
    return variants[name] / sum(variants.values())


def test_traffic_is_the_share_of_units_that_take_part():
    tried = experiment(traffic=0.3)
    seen = Counter(assign(tried, unit_id).variant for unit_id in IDS[:20_000])
    assert seen[None] / 20_000 == pytest.approx(0.7, abs=0.015)
    assert seen["control"] == pytest.approx(seen["treatment"], rel=0.1)


@given(cuts=st.lists(st.floats(0.001, 0.999), min_size=1, max_size=4, unique=True).map(sorted))
def test_experiments_of_one_layer_share_its_buckets_out(cuts):
    edges = [0.0, *cuts, 1.0]
    ranges = [layer_buckets(experiment(layer="page", layer_range=pair)) for pair in pairwise(edges)]
    assert Counter(sum(bucket in part for part in ranges) for bucket in range(BUCKET_COUNT)) == {
        1: BUCKET_COUNT
    }


def test_a_unit_is_in_one_experiment_of_a_layer_only():
    low, high = (
        experiment(name=name, layer="page", layer_range=part)
        for name, part in (("low", (0, 0.3)), ("high", (0.3, 1)))
    )
    for unit_id in IDS[:5_000]:
        seen = [assign(tried, unit_id) for tried in (low, high)]
        assert [each.variant is None for each in seen].count(True) == 1
        assert {each.reason for each in seen if each.variant is None} == {"in another part of layer 'page'"}


def test_the_layer_says_nothing_about_the_variant():
    tried = experiment(layer="page", layer_range=(0, 0.5))
    seen = Counter(assign(tried, unit_id).variant for unit_id in IDS[:20_000])
    assert seen["control"] == pytest.approx(seen["treatment"], rel=0.1)


@given(unit_id=st.text(st.characters(exclude_categories=["Cs"])))
def test_md5_parity_is_hashlibs(unit_id):
    found = assign(experiment(assignment="md5_parity", variants={"even": 1, "odd": 1}), unit_id)
    assert found.variant == ("even", "odd")[hashlib.md5(unit_id.encode()).digest()[-1] % 2]
    assert (found.bucket, found.reason) == (None, "parity of the MD5")


@pytest.mark.parametrize("scheme", ["stated", "exposures"])
def test_what_another_tool_assigns_is_not_known_here(scheme):
    found = assign(experiment(assignment=scheme), "anna")
    assert (found.variant, found.reason) == (None, f"assigned elsewhere ({scheme})")


def test_an_answer_says_why():
    assert assign(experiment(), "541320447").reason == "bucket 7547 of 10000"
    assert assign(experiment(traffic=0.5), "541320447").reason == "bucket 7547 takes no part (traffic 50%)"
