"""Coverage, calibration and costs."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from shopwright.core.errors import ConfigurationError, DataError
from shopwright.evaluation.calibration import (
    Calibrator,
    _fit,
    expected_calibration_error,
    reliability_curve,
)
from shopwright.evaluation.costs import cost_curve, expected_cost
from shopwright.evaluation.coverage import coverage_score, expected_coverage, pit_histogram

ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=1, max_size=60)


def rng():
    return np.random.default_rng(11)


def make_rows(count, curve=lambda chance: chance):
    """Outcomes whose true probability is a curve of the predicted one."""
    generator = rng()
    probability = generator.beta(1, 4, count)
    return (generator.random(count) < curve(probability)).astype(float), probability


class TestCoverage:
    @given(
        st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5), st.floats(0.05, 0.95)
    )
    def test_it_is_the_mean_of_random_draws(self, bounds, level):
        low, high = np.sort(np.array(bounds), axis=1).T
        positions = low + (high - low) * ((np.arange(4_000) + 0.5) / 4_000)[:, None]
        inside = (positions >= (1 - level) / 2) & (positions <= (1 + level) / 2)
        assert expected_coverage(low, high, level=level) == pytest.approx(inside.mean(axis=0), abs=1e-3)

    def test_counts_from_the_right_distribution_are_covered_as_promised(self):
        rates = rng().gamma(2, 1, 5_000)
        counts = rng().poisson(rates)
        below, at = stats.poisson.cdf(counts - 1, rates), stats.poisson.cdf(counts, rates)
        result = coverage_score(below, at, interval_level=0.8, rng=rng())
        assert result.lower <= 0.8 <= result.upper
        assert result.value == pytest.approx(0.8, abs=0.015)
        assert result.ideal == 0.8
        assert pit_histogram(below, at) == pytest.approx(np.full(10, 0.1), abs=0.015)
        # With bounds rounded to whole counts, intervals hold more than they promise.
        lower, upper = stats.poisson.ppf(0.1, rates), stats.poisson.ppf(0.9, rates)
        assert ((counts >= lower) & (counts <= upper)).mean() > 0.85

    def test_too_narrow_predictions_show_at_the_ends(self):
        values = rng().normal(0, 2, 2_000)
        result = pit_histogram(stats.norm.cdf(values), stats.norm.cdf(values))
        assert result.sum() == pytest.approx(1)
        assert min(result[0], result[-1]) > 0.2

    def test_no_rows_and_wrong_ones(self):
        assert coverage_score([], [], rng=rng()).reason == "there are no rows"
        assert np.isnan(pit_histogram([], [])).all()
        assert coverage_score([0.2], [0.5], rng=rng()).lower is None
        with pytest.raises(DataError, match=r"below row 0 is 0\.5, above"):
            expected_coverage([0.5], [0.4], level=0.8)
        with pytest.raises(ConfigurationError):
            expected_coverage([0.5], [0.6], level=1)


class TestReliability:
    def test_it_is_scikit_learns_where_nothing_is_tied(self):
        outcome, probability = make_rows(1_000)
        ours = reliability_curve(outcome, probability, bins=10)
        observed, predicted = calibration_curve(outcome, probability, n_bins=10, strategy="quantile")
        assert [item.predicted for item in ours.bins] == pytest.approx(predicted)
        assert [item.observed for item in ours.bins] == pytest.approx(observed)
        expected = np.abs(observed - predicted).mean()
        assert ours.expected_calibration_error == pytest.approx(expected)

    @given(ROWS, st.integers(1, 12))
    def test_bins_hold_every_row_once_and_never_split_a_tie(self, rows, bins):
        outcome, steps = np.array(rows).T
        result = reliability_curve(outcome, steps / 20, bins=bins)
        assert len(result.bins) <= bins
        assert sum(item.count for item in result.bins) == len(rows)
        assert sum(item.count * item.observed for item in result.bins) == pytest.approx(outcome.sum())
        for lower_bin, upper_bin in zip(result.bins, result.bins[1:], strict=False):
            assert lower_bin.max_probability < upper_bin.min_probability
        for item in result.bins:
            assert item.observed_lower <= item.observed <= item.observed_upper

    @pytest.mark.parametrize("rows", [1, 3, 100, 12_345])
    def test_rates_of_0_and_1_are_inside_their_intervals(self, rows):
        """Charts draw the distance from the rate to each bound, which must not be below 0 by a rounding error."""
        outcome, probability = np.repeat([0.0, 1.0], rows), np.repeat([0.1, 0.9], rows)
        never_cost, always_cost = reliability_curve(outcome, probability, bins=2).bins
        assert (never_cost.observed, never_cost.observed_lower) == (0, 0)
        assert (always_cost.observed, always_cost.observed_upper) == (1, 1)
        assert 0 < never_cost.observed_upper == pytest.approx(1 - always_cost.observed_lower)

    def test_what_chance_shows_is_told(self):
        probability = make_rows(2_000)[1]
        generator = rng()
        outcomes = (generator.random((300, 2_000)) < probability).astype(float)
        errors = [expected_calibration_error(outcome, probability) for outcome in outcomes]
        assert reliability_curve(outcomes[0], probability).noise_floor == pytest.approx(
            np.mean(errors), rel=0.05
        )

    def test_no_rows(self):
        assert expected_calibration_error([], []) is None
        assert reliability_curve([], []).reason == "there are no rows"
        with pytest.raises(ConfigurationError):
            reliability_curve([1], [0.5], bins=0)


class TestCalibrator:
    def test_a_calibrated_model_is_left_alone(self):
        outcome, probability = make_rows(5_000)
        result = Calibrator.fit(outcome, probability, rng=rng())
        assert result.method == "identity"
        assert result.apply(probability).tolist() == probability.tolist()
        assert set(result.losses) == {"identity", "beta", "isotonic"}

    def test_a_smooth_distortion_is_undone_by_a_curve(self):
        outcome, probability = make_rows(20_000, lambda chance: chance**2)
        result = Calibrator.fit(outcome, probability, rng=rng())
        assert result.method == "beta"
        assert expected_calibration_error(outcome, probability) > 0.05
        assert expected_calibration_error(outcome, result.apply(probability)) < 0.01

    def test_steps_are_undone_by_steps(self):
        outcome, probability = make_rows(
            20_000, lambda chance: np.select([chance < 0.1, chance < 0.3], [0.3, 0.35], 0.9)
        )
        result = Calibrator.fit(outcome, probability, rng=rng(), groups=np.arange(20_000) // 2)
        assert result.method == "isotonic"
        assert expected_calibration_error(outcome, result.apply(probability)) < 0.01

    def test_the_curve_is_the_logistic_regression_on_both_logarithms(self):
        outcome, probability = make_rows(2_000, lambda chance: chance**1.5)
        features = np.column_stack([np.log(probability), -np.log1p(-probability)])
        reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1_000).fit(features, outcome)
        ours = _fit("beta", outcome, probability).coefficients
        assert ours == pytest.approx((*reference.coef_[0], reference.intercept_[0]), abs=2e-3)

    def test_the_steps_are_scikit_learns_except_for_certainty(self):
        outcome, probability = make_rows(500)
        reference = IsotonicRegression().fit(probability, outcome).predict(probability)
        ours = _fit("isotonic", outcome, probability).apply(probability)
        unsure = (reference > 0) & (reference < 1)
        assert ours[unsure] == pytest.approx(reference[unsure])
        assert ours.min() > 0
        assert ours.max() < 1

    @settings(max_examples=25)
    @given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=2, max_size=40))
    def test_no_method_turns_the_order_round(self, rows):
        outcome, probability = np.array(rows).T
        for method in ("identity", "beta", "isotonic"):
            result = _fit(method, outcome, probability)
            positions = np.linspace(0, 1, 50)
            after = result.apply(positions)
            assert ((after >= 0) & (after <= 1)).all()
            assert (np.diff(after) >= -1e-12).all()
            assert Calibrator.from_dict(json.loads(json.dumps(result.to_dict()))) == result

    def test_too_few_rows_fit_nothing(self):
        result = Calibrator.fit([1] * 30 + [0] * 5, np.linspace(0, 1, 35), rng=rng())
        assert result.method == "identity"
        assert "too few" in result.reason

    @pytest.mark.parametrize(
        "change",
        [
            {"method": "spline"},
            {"coefficients": [1, 2, 3]},
            {"method": "beta", "coefficients": [-1, 2, 3]},
            {"method": "beta", "coefficients": [1, 2]},
            {"method": "isotonic", "knots": [[0.5, 0.2], [0.1, 0.2]]},
            {"method": "isotonic", "knots": [[0.1, 0.2], [0.1, 2]]},
            {"method": "isotonic", "knots": None},
            {"losses": None},
        ],
    )
    def test_what_is_no_calibrator_is_refused(self, change):
        with pytest.raises(DataError, match="no stored calibrator"):
            Calibrator.from_dict(Calibrator("identity").to_dict() | change)

    def test_wrong_wishes(self):
        outcome, probability = make_rows(500)
        with pytest.raises(ConfigurationError, match="folds"):
            Calibrator.fit(outcome, probability, rng=rng(), folds=1)
        with pytest.raises(DataError, match="groups"):
            Calibrator.fit(outcome, probability, rng=rng(), groups=np.arange(3))
        with pytest.raises(DataError, match="expected 0 to 1"):
            Calibrator("identity").apply([1.5])


class TestCosts:
    @given(ROWS, st.floats(0.1, 10), st.floats(0.1, 10))
    def test_the_best_threshold_is_cheapest_of_all(self, rows, false_negative_cost, false_positive_cost):
        outcome, steps = np.array(rows).T
        probability = steps / 20
        costs = {"false_negative_cost": false_negative_cost, "false_positive_cost": false_positive_cost}
        curve = cost_curve(outcome, probability, points=5, **costs)
        costs_by_threshold = [
            expected_cost(outcome, probability, threshold=item, **costs) for item in [*probability, None]
        ]
        result = curve.never_cost if curve.best is None else curve.best.cost
        assert result == pytest.approx(min(costs_by_threshold))
        for point in curve.points:
            expected = expected_cost(outcome, probability, threshold=point.threshold, **costs)
            assert point.cost == pytest.approx(expected)
        assert curve.always_cost == pytest.approx(expected_cost(outcome, probability, threshold=0, **costs))
        assert curve.best is None or curve.best in curve.points

    def test_a_calibrated_model_is_best_near_the_threshold_of_theory(self):
        outcome, probability = make_rows(50_000)
        curve = cost_curve(outcome, probability, false_negative_cost=4, false_positive_cost=1)
        assert curve.theoretical_threshold == pytest.approx(0.2)
        assert curve.best.threshold == pytest.approx(0.2, abs=0.05)
        assert curve.best.cost < min(curve.never_cost, curve.always_cost)
        assert len(curve.points) <= 201

    def test_no_rows_and_wrong_costs(self):
        assert cost_curve([], [], false_negative_cost=1, false_positive_cost=1).reason == "there are no rows"
        assert expected_cost([], [], threshold=0.5, false_negative_cost=1, false_positive_cost=1) is None
        with pytest.raises(ConfigurationError, match="more than 0"):
            cost_curve([1], [0.5], false_negative_cost=0, false_positive_cost=1)
