"""Groups of customers, and how many of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from shopwright.core.errors import ConfigurationError, DataError
from shopwright.models.segmentation.choice import SegmentCountMetrics, decide, elbow_distances, stability
from shopwright.models.segmentation.clustering import MAX_SCALED, SHARE_WEIGHT, Clustering, cluster, fit_scale
from shopwright.models.segmentation.config import SegmentationConfig
from shopwright.models.segmentation.customers import make_customers
from tests.models.segmentation.conftest import customer_rows, planted_customers


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_kinds_of_customers_are_found_again(seed, quick):
    customers, kinds = planted_customers(1_200, seed)
    found = cluster(customers, quick)
    assert found.segments == 4
    assert found.choice.is_stable
    assert adjusted_rand_score(kinds, found.label(customers)) > 0.9


def test_the_order_of_rows_does_not_matter(planted, quick):
    customers, _ = planted
    order = np.random.default_rng(1).permutation(len(customers))
    shuffled = make_customers(customers.ids[order], customers.values[order])
    one, other = cluster(customers, quick), cluster(shuffled, quick)
    assert one.to_dict() == other.to_dict()
    assert one.label(customers).tolist() == other.label(shuffled).tolist()


def test_a_clustering_survives_json_to_the_last_bit(segmentation, planted):
    found = segmentation.clustering
    kept = Clustering.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert kept.choice == found.choice
    assert kept.scales == found.scales
    assert kept.centers.tobytes() == found.centers.tobytes()
    assert kept.label(planted[0]).tolist() == found.label(planted[0]).tolist()


def test_segments_are_numbered_by_mean_value(segmentation, planted):
    labels, monetary = segmentation.clustering.label(planted[0]), planted[0].column("monetary")
    worth = [monetary[labels == segment].mean() for segment in range(segmentation.clustering.segments)]
    assert worth == sorted(worth, reverse=True)


def test_amounts_are_scaled_by_median_and_middle_half_of_their_logarithms():
    values = np.expm1(np.array([0.0, 1, 2, 3, 4]))
    scaled = fit_scale("monetary", values, is_logged=True)
    assert (scaled.center, scaled.spread) == pytest.approx((2, 2))
    assert scaled.apply(values) == pytest.approx([-1, -0.5, 0, 0.5, 1])
    assert scaled.apply(np.array([1e300, -1e300])).tolist() == [MAX_SCALED, -MAX_SCALED]
    assert scaled.apply(np.array([np.nan])) == pytest.approx([0])
    assert scaled.apply(np.array([-np.expm1(1.0)])) == pytest.approx([-1.5])


def test_shares_and_flags_keep_their_range():
    scaled = fit_scale("refund_rate", np.array([0, 0.5, 2.0]), is_logged=False)
    assert scaled.apply(np.array([0, 0.5, 2.0, np.nan])).tolist() == [0, SHARE_WEIGHT / 2, SHARE_WEIGHT, 0]


@pytest.mark.parametrize("values", [[5.0, 5.0], [np.nan, np.nan]])
def test_a_feature_that_never_varies_says_nothing(values):
    assert fit_scale("monetary", np.array(values), is_logged=True).apply(np.array(values)).tolist() == [0, 0]


def test_the_elbow_is_where_the_curve_bends_most():
    bends = elbow_distances({1: 100.0, 2: 20.0, 3: 10.0, 4: 5.0, 5: 0.0})
    assert max(bends, key=bends.get) == 2
    assert bends[2] == pytest.approx(1 - 0.25 - 0.2)
    assert bends[1] == bends[5] == 0
    assert elbow_distances({1: 3.0, 2: 3.0}) == {1: 0.0, 2: 0.0}


def test_stability_is_one_for_clear_groups_and_low_for_none():
    rng = np.random.default_rng(4)
    rows = [rng.integers(0, 300, 300) for _ in range(5)]
    clear = np.repeat([[0.0, 0], [50, 0], [0, 50]], 100, axis=0) + rng.normal(size=(300, 2))
    round_cloud = rng.normal(size=(300, 2))
    with threadpool_limits(limits=1):
        assert stability(clear, 3, rows, seed=1) == pytest.approx(1)
        assert stability(round_cloud, 5, rows, seed=1) < 0.7


def _figures(segments, stable, silhouette, elbow, smallest=0.1):
    return SegmentCountMetrics(
        segments=segments,
        inertia=1.0,
        elbow=elbow,
        silhouette=silhouette,
        stability=stable,
        min_segment_share=smallest,
    )


def test_the_largest_stable_separated_number_near_the_elbow_is_selected():
    figures = [
        _figures(3, 0.95, 0.50, 0.50),
        _figures(4, 0.90, 0.48, 0.45),
        _figures(5, 0.70, 0.60, 0.44),  # not stable
        _figures(6, 0.95, 0.30, 0.44),  # badly parted
        _figures(7, 0.95, 0.49, 0.20),  # past the elbow
        _figures(8, 0.95, 0.49, 0.45, 0.001),  # one segment of hardly anybody
    ]
    found = decide(figures, SegmentationConfig())
    assert (found.segments, found.is_stable) == (4, True)
    assert found.selected == figures[1]


def test_without_a_stable_number_the_choice_says_so():
    found = decide([_figures(3, 0.5, 0.3, 0.5), _figures(4, 0.6, 0.2, 0.4)], SegmentationConfig())
    assert (found.segments, found.is_stable) == (4, False)
    assert "no number of segments is stable" in found.reason


def test_too_few_customers_are_refused():
    few = make_customers(["a", "b"], customer_rows(recency_days=[1, 2]))
    with pytest.raises(DataError, match="2 customers are too few for up to 8 segments, which need 80"):
        cluster(few, SegmentationConfig())


def test_identical_customers_are_rejected_but_not_similar_ones(quick):
    ids = [str(number) for number in range(120)]
    with pytest.raises(DataError, match="Customers differ too little: 1 distinct ones"):
        cluster(make_customers(ids, customer_rows(recency_days=[1] * 120)), quick)
    hardly = make_customers(ids, customer_rows(recency_days=[1, 20, 300] * 40))
    assert cluster(hardly, quick).segments == 3


@pytest.mark.parametrize(
    ("ids", "values", "message"),
    [
        (["a", "a"], customer_rows(recency_days=[1, 2]), "Customer 'a' is repeated"),
        (["a", "b"], customer_rows(recency_days=[1, np.inf]), "Customer 'b': recency_days is infinite"),
        (["a"], customer_rows(recency_days=[1, 2]), "1 customers have values of shape"),
    ],
)
def test_wrong_customers_are_refused(ids, values, message):
    with pytest.raises(DataError, match=message):
        make_customers(ids, values)


def test_a_misspelt_feature_is_named(planted):
    with pytest.raises(ConfigurationError, match="Customers have no feature 'recency'"):
        cluster(planted[0], SegmentationConfig(features=("recency",)))


def test_more_segments_at_least_than_at_most_are_refused():
    with pytest.raises(ValidationError, match="min_segments is 9"):
        SegmentationConfig(min_segments=9)
