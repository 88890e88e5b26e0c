"""What candidates foretell, and that the parts of one agree with each other."""

from __future__ import annotations

import numpy as np
import pytest

from shopwright.core.errors import DataError
from shopwright.evaluation.coverage import expected_coverage
from shopwright.models.btyd import GammaGamma
from shopwright.models.lifetime_value.artifact import FILE, load_candidate, save_candidate
from shopwright.models.lifetime_value.baselines import BASELINES
from shopwright.models.lifetime_value.candidates import Choice, at, field_at, measures
from shopwright.models.lifetime_value.features import HORIZONS, JUDGED, history, purchases, spent
from shopwright.models.lifetime_value.repeat_buying import FACTORS, EveryPurchase, RepeatBuying

TREES = ("xgboost", "lightgbm")
KINDS = ("bg_nbd", "mbg_nbd", "pareto_nbd", *TREES)


@pytest.fixture(scope="module")
def everybody(frame, moments):
    return at(frame, moments.test)


@pytest.fixture(scope="module")
def rows(everybody):
    """Enough of them to see that parts agree."""
    return everybody.take(np.arange(0, len(everybody), 12))


@pytest.fixture(params=KINDS)
def candidate(request, field):
    return field[request.param]


def test_all_kinds_compete(field):
    assert set(field) == set(KINDS)


@pytest.mark.parametrize("kind", TREES)
def test_trees_come_first_where_they_were_chosen_and_are_the_same_again(kind, frame, moments, field):
    chosen = Choice(trees=kind, settings={kind: dict(field[kind].settings)}, rows=[])
    found = field_at(frame, moments.test, chosen, seed=1)[0]
    assert found.kind == kind
    now = at(frame, moments.test)
    np.testing.assert_array_equal(found.expected(now, JUDGED), field[kind].expected(now, JUDGED))


def test_totals_and_ranks_are_about_right(candidate, everybody):
    found = measures(spent(everybody, JUDGED), candidate.expected(everybody, JUDGED)[1])
    assert abs(found["bias"]) < 0.2
    assert found["gini"] > 0.4


def test_expected_purchases_add_up_to_about_what_came(candidate, everybody):
    total = purchases(everybody, JUDGED).sum()
    assert candidate.expected(everybody, JUDGED)[0].sum() == pytest.approx(total, rel=0.2)


@pytest.mark.parametrize("days", HORIZONS)
def test_intervals_hold_four_fifths_of_what_came(candidate, frame, days):
    known = frame.take(~np.isnan(spent(frame, days)))
    rows = at(known, known.decided_at.max())
    below, upto = candidate.standing(rows, days, spent(rows, days))
    assert expected_coverage(below, upto, level=0.8).mean() == pytest.approx(0.8, abs=0.04)


def test_bounds_stand_at_their_tails(candidate, rows):
    found = candidate.predict(rows, JUDGED)
    assert (found.lower <= found.upper).all()
    for bound, tail in ((found.lower, 0.1), (found.upper, 0.9)):
        below, upto = candidate.standing(rows, JUDGED, bound)
        assert (below <= tail + 0.01).all()
        assert (upto >= tail - 0.01).all()


def test_where_nothing_stands_in_the_prediction_runs_from_no_chance_to_that_of_no_purchase(field, rows):
    below, upto = field["bg_nbd"].standing(rows, JUDGED, np.zeros(len(rows)))
    none = field["bg_nbd"].counts.purchase_probabilities(history(rows), JUDGED / 7, 0)[:, 0]
    assert (below == 0).all()
    np.testing.assert_allclose(upto, none)


def test_more_back_than_bought_is_outside_of_what_repeat_buying_foretells(field, rows):
    below, upto = field["bg_nbd"].standing(rows, JUDGED, np.full(len(rows), -1.0))
    assert expected_coverage(below, upto, level=0.8).sum() == 0


def test_contributions_add_up_to_the_logarithm_of_the_expected_value(candidate, rows):
    parts = candidate.parts(rows)
    summed = parts.base + parts.contributions.sum(axis=1)
    np.testing.assert_allclose(summed, np.log(candidate.expected(rows, JUDGED)[1]), atol=1e-4)
    assert parts.contributions.shape == parts.values.shape == (len(rows), len(parts.names))


def test_factors_of_repeat_buying_multiply_to_the_value(field, rows):
    parts = field["pareto_nbd"].parts(rows)
    assert parts.names == FACTORS
    np.testing.assert_allclose(parts.values.prod(axis=1), field["pareto_nbd"].expected(rows, JUDGED)[1])


def test_a_candidate_read_back_foretells_the_same_to_the_bit(candidate, rows, tmp_path):
    save_candidate(candidate, tmp_path)
    again = load_candidate(tmp_path)
    assert again.settings == candidate.settings
    one, two = candidate.predict(rows, HORIZONS[1]), again.predict(rows, HORIZONS[1])
    for name in ("purchases", "value", "lower", "upper"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_an_artifact_of_another_kind_than_it_says_is_refused(field, tmp_path):
    save_candidate(field["bg_nbd"], tmp_path)
    (tmp_path / FILE).write_text('{"kind": "pareto_nbd"}')
    with pytest.raises(DataError, match="says to be a pareto_nbd and holds a bg_nbd"):
        load_candidate(tmp_path)


def test_the_first_purchase_tells_what_the_next_is_worth(everybody):
    given = history(everybody)
    once = given.frequency == 0
    every = EveryPurchase.fit(given)
    assert np.ptp(GammaGamma.fit(given).expected_value(given)[once]) == 0
    ranks = np.argsort(given.value[once])
    assert (np.diff(every.expected_value(given)[once][ranks]) >= 0).all()
    assert every.expected_value(given)[once].max() > 1.3 * every.expected_value(given)[once].min()


def test_who_brought_nothing_is_expected_to_pay_what_everybody_does(rows, field):
    worth = field["bg_nbd"].worth
    given = history(rows)
    given.value[0] = -5.0
    assert worth.expected_value(given)[0] == pytest.approx(worth.p * worth.v / (worth.q - 1))


def test_no_horizon_is_foretold_that_trees_have_not_learnt(frame, moments, field):
    trees = field["xgboost"]
    short = type(trees)(trees.kind, trees.encoder, {JUDGED: trees.hurdles[JUDGED]}, trees.settings)
    assert np.isnan(short.expected(at(frame, moments.test), HORIZONS[1])).all()


def test_trees_do_not_tell_who_is_alive(field, rows):
    assert np.isnan(field["xgboost"].probability_alive(rows)).all()
    alive = field["mbg_nbd"].probability_alive(rows)
    assert ((alive > 0) & (alive <= 1)).all()


def test_the_value_so_far_over_and_over(rows):
    nothing_known = rows.take(np.zeros(len(rows), dtype=bool))
    given = {name: each(nothing_known, rows, 182) for name, each in BASELINES.items()}
    total, age = rows.columns["value_total"], rows.columns["age_days"]
    np.testing.assert_allclose(given["as before"], total * 182 / age)
    np.testing.assert_array_equal(given["value so far"], total)
    assert len(np.unique(given["constant"])) == 1


def test_the_constant_is_what_customers_brought_when_it_was_last_known(frame, rows):
    known = frame.take(frame.decided_at < rows.decided_at[0])
    last = at(known, known.decided_at.max())
    assert BASELINES["constant"](known, rows, JUDGED)[0] == spent(last, JUDGED).mean()


def test_a_model_of_counts_that_there_is_not_is_refused(field):
    written = field["bg_nbd"].to_dict()
    written["counts"]["model"] = "poisson"
    with pytest.raises(DataError, match="no model of purchases 'poisson'"):
        RepeatBuying.from_dict(written)
