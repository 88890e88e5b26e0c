"""Scores: scikit-learn's where it has them, small cases by hand, and intervals that hold what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from shopwright.core.errors import ConfigurationError, DataError
from shopwright.evaluation import resampling
from shopwright.evaluation.measures import share_in_top_tenth
from shopwright.evaluation.resampling import resample
from shopwright.evaluation.scores import (
    DIRECTIONS,
    Score,
    amount_scores,
    classification_scores,
    paired_difference,
)

# Coarse probabilities, so that ties are frequent.
ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=2, max_size=60)
AMOUNTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=60)


def rng():
    return np.random.default_rng(7)


def value_of(result, name):
    return result[name].value


@given(ROWS, st.sampled_from([0.2, 0.5, 0.9]))
def test_probabilities_are_scored_as_by_scikit_learn(rows, base_rate):
    outcome, steps = np.array(rows).T
    assume(0 < outcome.sum() < len(outcome))
    probability = steps / 20
    result = classification_scores(outcome, probability, base_rate=base_rate, rng=rng(), draws=2)
    rare = 0 if base_rate > 0.5 else 1
    towards = steps if rare else -steps
    expected = {
        "roc_auc": metrics.roc_auc_score(outcome, probability),
        "pr_auc": metrics.average_precision_score(outcome == rare, towards),
        "brier": metrics.brier_score_loss(outcome, probability),
        "brier_skill": 1
        - metrics.brier_score_loss(outcome, probability)
        / metrics.brier_score_loss(outcome, np.full(len(outcome), base_rate)),
        "log_loss": metrics.log_loss(outcome, probability),
    }
    assert {name: value_of(result, name) for name in expected} == pytest.approx(expected, rel=1e-9)
    assert result["pr_auc"].positive_class == result["lift_top_tenth"].positive_class == rare


@given(AMOUNTS)
def test_amounts_are_scored_as_by_others(rows):
    actual, predicted = np.array(rows, dtype=float).T
    assume(np.ptp(actual) > 0 and np.ptp(predicted) > 0)
    result = amount_scores(actual, predicted, rng=rng(), draws=2)
    expected = {
        "mae": metrics.mean_absolute_error(actual, predicted),
        "rmse": metrics.root_mean_squared_error(actual, predicted),
        "correlation": stats.pearsonr(actual, predicted).statistic,
        "bias": predicted.sum() / actual.sum() - 1,
    }
    assert {name: value_of(result, name) for name in expected} == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(ROWS)
def test_the_gini_of_a_yes_or_no_is_twice_the_auc_less_one(rows):
    outcome, steps = np.array(rows).T
    assume(0 < outcome.sum() < len(outcome))
    result = amount_scores(outcome, steps, rng=rng(), draws=2)
    assert value_of(result, "gini") == pytest.approx(2 * metrics.roc_auc_score(outcome, steps) - 1)


@given(ROWS, st.randoms())
def test_the_order_of_rows_never_matters(rows, random):
    shuffled = random.sample(rows, len(rows))
    first, second = (
        classification_scores(
            [row[0] for row in ordering], [row[1] / 20 for row in ordering], base_rate=0.3, rng=rng(), draws=1
        )
        for ordering in (rows, shuffled)
    )
    assert {name: score.value for name, score in first.items()} == {
        name: score.value if score.value is None else pytest.approx(score.value)
        for name, score in second.items()
    }


class TestByHand:
    def test_lift_of_the_top_tenth(self):
        outcome = [1] + [0] * 18 + [1]
        probability = np.linspace(1, 0, 20)
        result = classification_scores(outcome, probability, base_rate=0.1, rng=rng())
        assert value_of(result, "lift_top_tenth") == pytest.approx(5)

    def test_rows_at_the_cut_with_equal_predictions_count_with_their_share(self):
        # The tenth of 20 rows is 2; five rows share the first place and hold 5 of the 10.
        assert share_in_top_tenth(np.array([5.0, 5.0]), np.array([5.0, 15.0])) == pytest.approx(2 / 5 * 0.5)

    def test_the_calibration_error(self):
        outcome = [0, 0, 0, 1, 1, 1, 1, 0]
        probability = [0.1] * 4 + [0.9] * 4
        result = classification_scores(outcome, probability, base_rate=0.5, rng=rng())["ece"]
        assert result.value == pytest.approx(0.15)
        # Two bins of four rows with a variance of 0.09 each.
        assert result.ideal == pytest.approx(2 * math.sqrt(2 / math.pi * 4 * 0.09) / 8)

    def test_the_normalised_gini(self):
        result = amount_scores([0, 0, 10], [1, 3, 2], rng=rng())
        # The amount is at the second of three places: no area; perfect would be 2/3.
        assert value_of(result, "gini") == pytest.approx(0)
        assert value_of(amount_scores([0, 1, 10], [1, 2, 3], rng=rng()), "gini") == pytest.approx(1)

    def test_the_top_tenth_and_the_coverage(self):
        actual = np.array([50, *range(1, 10)])
        result = amount_scores(actual, actual, rng=rng(), lower=actual - 1, upper=np.r_[49, actual[1:]])
        assert value_of(result, "top_tenth_capture") == pytest.approx(50 / 95)
        assert value_of(result, "interval_coverage") == pytest.approx(0.9)
        assert result["interval_coverage"].ideal == 0.8

    def test_one_certain_error_is_not_infinite(self):
        result = classification_scores([1, 0], [0.0, 0.5], base_rate=0.5, rng=rng())
        assert value_of(result, "log_loss") == pytest.approx(
            (-math.log(np.finfo(float).eps) + math.log(2)) / 2
        )


class TestUndefined:
    def test_no_rows(self):
        result = classification_scores([], [], base_rate=0.5, rng=rng())
        assert {(score.value, score.reason) for score in result.values()} == {(None, "there are no rows")}
        result = amount_scores([], [], rng=rng())
        assert {score.value for score in result.values()} == {None}
        assert result["gini"].reason == "there are no rows"

    def test_one_outcome_only(self):
        result = classification_scores([1] * 20, [0.5] * 20, base_rate=1.0, rng=rng())
        assert "only one" in result["roc_auc"].reason
        assert result["pr_auc"].value is result["lift_top_tenth"].value is None
        assert result["brier"].value == 0.25
        assert "nothing can be better" in result["brier_skill"].reason
        assert result["roc_auc"].format().startswith("none: only one")

    def test_constant_amounts(self):
        result = amount_scores([0.1] * 20, [0.3] * 20, rng=rng())
        assert result["correlation"].value is result["gini"].value is None
        assert result["correlation"].reason == "the actual amounts are all the same"
        assert amount_scores([1, 2], [3, 3], rng=rng())["correlation"].reason.startswith("the predicted")
        assert result["bias"].value == pytest.approx(2)

    def test_nothing_was_spent(self):
        result = amount_scores([0.0] * 20, [0.3] * 20, rng=rng())
        assert {name for name, score in result.items() if score.value is None} == {
            "bias",
            "gini",
            "correlation",
            "top_tenth_capture",
        }
        assert "add up to 0" in result["bias"].reason

    def test_a_handful_has_no_interval(self):
        result = classification_scores([0, 1, 1], [0.1, 0.4, 0.9], base_rate=0.5, rng=rng())["brier"]
        assert result.value is not None
        assert result.lower is result.upper is None
        assert "too few" in result.note

    def test_a_class_that_most_draws_miss(self):
        result = classification_scores([1] + [0] * 19, np.linspace(0, 1, 20), base_rate=0.05, rng=rng())
        assert result["roc_auc"].value == 0
        assert result["roc_auc"].lower is None
        assert "too many of the draws" in result["roc_auc"].note
        assert result["brier"].lower is not None

    @pytest.mark.parametrize(
        ("outcome", "probability", "words"),
        [
            ([0, 2], [0.1, 0.2], "outcome row 1 is 2"),
            ([0, 1], [0.1, 1.2], "probability row 1 is 1.2"),
            ([0, 1], [0.1], "1 rows, expected 2"),
            ([0, np.nan], [0.1, 0.2], "row 1 is nan"),
            ([[0, 1]], [0.1, 0.2], "shape"),
        ],
    )
    def test_wrong_rows_are_named(self, outcome, probability, words):
        with pytest.raises(DataError, match=words):
            classification_scores(outcome, probability, base_rate=0.5, rng=rng())

    def test_wrong_wishes_are_named(self):
        with pytest.raises(DataError, match="base rate"):
            classification_scores([0, 1], [0.1, 0.2], base_rate=2, rng=rng())
        with pytest.raises(DataError, match="both bounds"):
            amount_scores([1], [1], rng=rng(), lower=[0])
        with pytest.raises(DataError, match="above its upper"):
            amount_scores([1], [1], rng=rng(), lower=[2], upper=[1])
        with pytest.raises(DataError, match="groups has 1 rows"):
            amount_scores([1, 2], [1, 2], rng=rng(), groups=np.array([1]))
        with pytest.raises(ConfigurationError, match="level"):
            amount_scores([1, 2], [1, 2], rng=rng(), level=1)


class TestIntervals:
    def test_the_same_seed_gives_the_same_interval(self):
        outcome, probability = rng().integers(0, 2, 100), rng().random(100)
        first, second = (
            classification_scores(outcome, probability, base_rate=0.5, rng=rng()) for _ in range(2)
        )
        assert first == second

    def test_a_wider_level_gives_a_wider_interval(self):
        outcome, probability = rng().integers(0, 2, 100), rng().random(100)
        narrow, wide = (
            classification_scores(outcome, probability, base_rate=0.5, rng=rng(), level=level)
            for level in (0.5, 0.95)
        )
        for name, score in narrow.items():
            assert wide[name].lower <= score.lower <= score.value <= score.upper <= wide[name].upper

    def test_repeated_rows_of_an_entity_tell_nothing_new(self):
        generator = rng()
        outcome, probability = generator.integers(0, 2, 200), generator.random(200)
        once = classification_scores(outcome, probability, base_rate=0.5, rng=rng())["brier"]
        names = np.repeat([f"customer {number:03}" for number in range(200)], 10)
        for groups in (names, names.astype(object), np.repeat(np.arange(200), 10)):
            often = classification_scores(
                np.repeat(outcome, 10), np.repeat(probability, 10), base_rate=0.5, groups=groups, rng=rng()
            )["brier"]
            assert (often.lower, often.upper) == pytest.approx((once.lower, once.upper))

    @pytest.mark.parametrize("grouped", [False, True])
    def test_many_rows_are_drawn_from_and_the_interval_is_as_narrow_as_of_all(self, monkeypatch, grouped):
        generator = rng()
        probability = generator.random(20_000)
        outcome = generator.random(20_000) < probability
        groups = np.arange(20_000) // 2 if grouped else None
        whole = classification_scores(outcome, probability, base_rate=0.5, groups=groups, rng=rng())
        monkeypatch.setattr(resampling, "MAX_ROWS", 5_000)
        part = classification_scores(outcome, probability, base_rate=0.5, groups=groups, rng=rng())
        for name in ("roc_auc", "brier", "log_loss"):
            assert part[name].value == whole[name].value
            assert part[name].note.startswith("interval from ")
            width, expected = (scores[name].upper - scores[name].lower for scores in (part, whole))
            assert width == pytest.approx(expected, rel=0.3)
        monkeypatch.setattr(resampling, "MAX_ROWS", 20_000)
        assert not classification_scores(outcome, probability, base_rate=0.5, rng=rng())["brier"].note

    @pytest.mark.slow
    @pytest.mark.parametrize("grouped", [False, True])
    def test_nineteen_of_twenty_intervals_hold_the_truth(self, grouped):
        generator, trials = np.random.default_rng(3), 300
        covered = dict.fromkeys(("roc_auc", "brier", "mae", "difference"), 0)
        truth = self.simulated(generator, 400_000, grouped=False)
        draws = {"draws": 200, "rng": generator}
        target = self.scored(*truth, None, {"draws": 1, "rng": generator})
        for _ in range(trials):
            outcome, first, second = self.simulated(generator, 400, grouped=grouped)
            groups = np.arange(400) // 4 if grouped else None
            for name, result in self.scored(outcome, first, second, groups, draws).items():
                covered[name] += result.lower <= target[name].value <= result.upper
        # Three standard errors of a share of 300 around 93 to 95 %.
        assert all(0.90 <= count / trials <= 0.985 for count in covered.values()), covered

    @staticmethod
    def simulated(generator, rows, *, grouped):
        group_size = 4 if grouped else 1
        strength = np.repeat(generator.normal(-0.5, 1, rows // group_size), group_size)
        first = 1 / (1 + np.exp(-strength))
        second = 1 / (
            1 + np.exp(-np.repeat(generator.normal(0, 1, rows // group_size), group_size) - strength)
        )
        draw = np.repeat(generator.random(rows // group_size), group_size)
        return (draw < first).astype(float), first, second

    @staticmethod
    def scored(outcome, first, second, groups, draws):
        result = classification_scores(outcome, first, base_rate=0.4, groups=groups, **draws)
        return {
            "roc_auc": result["roc_auc"],
            "brier": result["brier"],
            "mae": amount_scores(outcome, first, groups=groups, **draws)["mae"],
            "difference": paired_difference(
                outcome, first, second, score="roc_auc", base_rate=0.4, groups=groups, **draws
            ),
        }


class TestDifference:
    @pytest.mark.parametrize("name", [name for name in DIRECTIONS if name != "interval_coverage"])
    def test_it_is_the_difference_of_the_two_scores(self, name):
        generator = rng()
        outcome, first, second = (generator.random(200) < 0.3).astype(float), *generator.random((2, 200))
        scores = [
            classification_scores(outcome, prediction, base_rate=0.3, rng=rng())
            | amount_scores(outcome, prediction, rng=rng())
            for prediction in (first, second)
        ]
        result = paired_difference(outcome, first, second, score=name, base_rate=0.3, rng=rng())
        assert (result.first, result.second) == pytest.approx(tuple(score[name].value for score in scores))
        expected = abs(result.first) - abs(result.second) if name == "bias" else result.first - result.second
        assert result.value == pytest.approx(expected)
        assert result.lower <= result.value <= result.upper

    def test_equal_predictions_show_nothing(self):
        outcome, first = rng().integers(0, 2, 50), rng().random(50)
        result = paired_difference(outcome, first, first, score="roc_auc", base_rate=0.3, rng=rng())
        assert (result.lower, result.value, result.upper, result.conclusion) == (0, 0, 0, "inconclusive")

    def test_it_says_which_is_better(self):
        actual = rng().random(100)
        good, bad = actual + rng().normal(0, 0.1, 100), np.full(100, 0.5)
        assert paired_difference(actual, good, bad, score="mae", rng=rng()).conclusion == "better"
        assert paired_difference(actual, bad, good, score="mae", rng=rng()).conclusion == "worse"
        result = paired_difference(actual, good, bad, score="correlation", rng=rng())
        assert result.conclusion == "inconclusive"
        assert result.reason == "the predicted amounts are all the same"
        assert result.first is not None
        assert result.format() == f"none: {result.reason}"

    def test_an_unknown_score_is_answered_with_the_near_match(self):
        with pytest.raises(ConfigurationError, match="did you mean 'roc_auc'"):
            paired_difference([0, 1], [0, 1], [0, 1], score="rocauc", rng=rng())
        with pytest.raises(ConfigurationError, match="base rate"):
            paired_difference([0, 1], [0, 1], [0, 1], score="roc_auc", rng=rng())


def test_a_score_is_told_with_its_interval():
    assert Score("roc_auc", 0.7123, 0.69, 0.7345, "higher").format() == "0.712 (0.69 to 0.735)"
    assert Score("roc_auc", 0.7123, None, None, "higher").format() == "0.712"


def test_resampling_asks_for_draws():
    with pytest.raises(ConfigurationError, match="draws"):
        resample(None, groups=None, rng=rng(), draws=0, level=0.9)
