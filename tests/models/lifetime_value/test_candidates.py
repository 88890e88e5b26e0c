"""What candidates predicts, and that the parts of one agree with each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shopwright.core.errors import DataError
from shopwright.evaluation.coverage import expected_coverage
from shopwright.models.btyd import GammaGamma
from shopwright.models.lifetime_value.artifact import FILE, load_candidate, save_candidate
from shopwright.models.lifetime_value.baselines import BASELINES
from shopwright.models.lifetime_value.btyd_model import FACTORS, AllPurchasesGammaGamma, BtydModel
from shopwright.models.lifetime_value.candidates import Selection, amount_metrics, at_snapshot, fit_candidates
from shopwright.models.lifetime_value.features import future_purchases, future_value, purchase_history
from tests.models.lifetime_value.marketplace import CONFIG

TREES = ("xgboost", "lightgbm")
KINDS = ("bg_nbd", "mbg_nbd", "pareto_nbd", *TREES)


@pytest.fixture(scope="module")
def everybody(frame, snapshots):
    return at_snapshot(frame, snapshots.test)


@pytest.fixture(scope="module")
def rows(everybody):
    """Enough of them to see that parts agree."""
    return everybody.take(np.arange(0, len(everybody), 12))


@pytest.fixture(params=KINDS)
def candidate(request, candidates):
    return candidates[request.param]


def test_all_kinds_compete(candidates):
    assert set(candidates) == set(KINDS)


@pytest.mark.parametrize("kind", TREES)
def test_selected_trees_come_first_and_are_reproducible(kind, frame, snapshots, candidates):
    chosen = Selection(boosting=kind, parameters={kind: dict(candidates[kind].parameters)}, rows=[])
    found = fit_candidates(frame, snapshots.test, chosen, CONFIG, seed=1)[0]
    assert found.kind == kind
    now = at_snapshot(frame, snapshots.test)
    np.testing.assert_array_equal(
        found.expected(now, CONFIG.horizon_days), candidates[kind].expected(now, CONFIG.horizon_days)
    )


def test_totals_and_ranks_are_about_right(candidate, everybody):
    found = amount_metrics(
        future_value(everybody, CONFIG.horizon_days), candidate.expected(everybody, CONFIG.horizon_days)[1]
    )
    assert abs(found["bias"]) < 0.2
    assert found["gini"] > 0.4


def test_expected_purchases_add_up_to_about_the_actual_ones(candidate, everybody):
    total = future_purchases(everybody, CONFIG.horizon_days).sum()
    assert candidate.expected(everybody, CONFIG.horizon_days)[0].sum() == pytest.approx(total, rel=0.2)


@pytest.mark.parametrize("days", CONFIG.horizons)
def test_intervals_cover_four_fifths_of_the_actual_values(candidate, frame, days):
    known = frame.take(~np.isnan(future_value(frame, days)))
    rows = at_snapshot(known, known.decided_at.max())
    below, up_to = candidate.predictive_cdf(rows, days, future_value(rows, days))
    assert expected_coverage(below, up_to, level=0.8).mean() == pytest.approx(0.8, abs=0.04)


def test_bounds_are_quantiles_of_the_predictive_distribution(candidate, rows):
    found = candidate.predict(rows, CONFIG.horizon_days)
    assert (found.lower <= found.upper).all()
    for bound, tail in ((found.lower, 0.1), (found.upper, 0.9)):
        below, up_to = candidate.predictive_cdf(rows, CONFIG.horizon_days, bound)
        assert (below <= tail + 0.01).all()
        assert (up_to >= tail - 0.01).all()


def test_a_value_of_zero_has_the_probability_of_no_purchase(candidates, rows):
    below, up_to = candidates["bg_nbd"].predictive_cdf(rows, CONFIG.horizon_days, np.zeros(len(rows)))
    none = candidates["bg_nbd"].counts.purchase_probabilities(
        purchase_history(rows), CONFIG.horizon_days / 7, 0
    )[:, 0]
    assert (below == 0).all()
    np.testing.assert_allclose(up_to, none)


def test_negative_values_are_outside_of_btyd_intervals(candidates, rows):
    below, up_to = candidates["bg_nbd"].predictive_cdf(rows, CONFIG.horizon_days, np.full(len(rows), -1.0))
    assert expected_coverage(below, up_to, level=0.8).sum() == 0


def test_contributions_add_up_to_the_logarithm_of_the_expected_value(candidate, rows):
    parts = candidate.contributions(rows)
    summed = parts.base + parts.contributions.sum(axis=1)
    np.testing.assert_allclose(summed, np.log(candidate.expected(rows, CONFIG.horizon_days)[1]), atol=1e-4)
    assert parts.contributions.shape == parts.values.shape == (len(rows), len(parts.names))


def test_btyd_factors_multiply_to_the_value(candidates, rows):
    parts = candidates["pareto_nbd"].contributions(rows)
    assert parts.names == FACTORS
    np.testing.assert_allclose(
        parts.values.prod(axis=1), candidates["pareto_nbd"].expected(rows, CONFIG.horizon_days)[1]
    )


def test_a_loaded_candidate_predicts_exactly_the_same(candidate, rows, tmp_path):
    save_candidate(candidate, tmp_path)
    again = load_candidate(tmp_path)
    assert again.parameters == candidate.parameters
    one, two = (
        candidate.predict(rows, CONFIG.long_horizon_days),
        again.predict(rows, CONFIG.long_horizon_days),
    )
    for name in ("purchases", "value", "lower", "upper"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_an_artifact_of_another_kind_is_rejected(candidates, tmp_path):
    save_candidate(candidates["bg_nbd"], tmp_path)
    (tmp_path / FILE).write_text('{"kind": "pareto_nbd"}')
    with pytest.raises(DataError, match="states a pareto_nbd model but holds a bg_nbd model"):
        load_candidate(tmp_path)


def test_the_first_purchase_informs_the_value_of_the_next(everybody):
    given = purchase_history(everybody)
    once = given.frequency == 0
    every = AllPurchasesGammaGamma.fit(given)
    assert np.ptp(GammaGamma.fit(given).expected_value(given)[once]) == 0
    ranks = np.argsort(given.value[once])
    assert (np.diff(every.expected_value(given)[once][ranks]) >= 0).all()
    assert every.expected_value(given)[once].max() > 1.3 * every.expected_value(given)[once].min()


def test_customers_without_value_get_the_overall_mean(rows, candidates):
    value_model = candidates["bg_nbd"].value_model
    given = purchase_history(rows)
    given.value[0] = -5.0
    assert value_model.expected_value(given)[0] == pytest.approx(
        value_model.p * value_model.v / (value_model.q - 1)
    )


def test_horizons_that_trees_did_not_learn_are_not_predicted(frame, snapshots, candidates):
    trees = candidates["xgboost"]
    short = replace(trees, hurdles={CONFIG.horizon_days: trees.hurdles[CONFIG.horizon_days]})
    assert np.isnan(short.expected(at_snapshot(frame, snapshots.test), CONFIG.long_horizon_days)).all()


def test_trees_have_no_probability_of_being_alive(candidates, rows):
    assert np.isnan(candidates["xgboost"].probability_alive(rows)).all()
    alive = candidates["mbg_nbd"].probability_alive(rows)
    assert ((alive > 0) & (alive <= 1)).all()


def test_baselines_from_the_value_so_far(rows):
    nothing_known = rows.take(np.zeros(len(rows), dtype=bool))
    given = {name: each(nothing_known, rows, 182) for name, each in BASELINES.items()}
    total, age = rows.columns["value_total"], rows.columns["age_days"]
    np.testing.assert_allclose(given["spending rate"], total * 182 / age)
    np.testing.assert_array_equal(given["value so far"], total)
    assert len(np.unique(given["constant"])) == 1


def test_the_constant_is_the_mean_of_the_last_known_outcomes(frame, rows):
    known = frame.take(frame.decided_at < rows.decided_at[0])
    last = at_snapshot(known, known.decided_at.max())
    assert (
        BASELINES["constant"](known, rows, CONFIG.horizon_days)[0]
        == future_value(last, CONFIG.horizon_days).mean()
    )


def test_an_unknown_model_of_counts_is_rejected(candidates):
    written = candidates["bg_nbd"].to_dict()
    written["counts"]["model"] = "poisson"
    with pytest.raises(DataError, match="Unknown model of purchase counts 'poisson'"):
        BtydModel.from_dict(written, CONFIG)
