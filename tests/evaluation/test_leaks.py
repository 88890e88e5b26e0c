"""Planted leaks are caught, honest data is not accused, and the verdict follows."""

from __future__ import annotations

import numpy as np
import pytest

from shopwright.core.errors import DataError
from shopwright.evaluation.leaks import (
    Finding,
    find_changed_features,
    find_separating_features,
    find_split_overlap,
)
from shopwright.evaluation.scores import Difference, Score
from shopwright.evaluation.splits import split_by_time
from shopwright.evaluation.verdicts import NOT_PREDICTABLE, PREDICTABLE, assess, check_gate

DAY = np.timedelta64(1, "D")
LEAK = Finding("separating feature", "refund", 1.0, "'refund' alone reveals the outcome")


def shop(rows=2_000):
    generator = np.random.default_rng(5)
    outcome = (generator.random(rows) < 0.2).astype(float)
    views = generator.poisson(3 + 2 * outcome).astype(float)
    return generator, outcome, views


def find(column, outcome):
    return find_separating_features([column], ["it"], outcome)


class TestSeparatingFeatures:
    def test_honest_features_are_not_accused(self):
        generator, outcome, views = shop()
        city = generator.choice(["Rome", "Oslo", None], len(outcome)).astype(object)
        customer = np.array([f"c{number}" for number in range(len(outcome))], dtype=object)
        spent = np.where(generator.random(len(outcome)) < 0.3, np.nan, generator.random(len(outcome)))
        columns = [views, city, customer, spent, np.arange(len(outcome))]
        assert find_separating_features(columns, ["views", "city", "customer", "spent", "row"], outcome) == []

    @pytest.mark.parametrize("sign", [1, -1])
    def test_a_number_that_is_the_outcome_in_disguise(self, sign):
        generator, outcome, _ = shop()
        (finding,) = find(sign * (outcome * 3 + generator.random(len(outcome))), outcome)
        assert finding.feature == "it"
        assert finding.value == 1.0
        assert "'it' alone reveals the outcome almost perfectly" in finding.message

    def test_a_value_that_is_there_only_for_one_outcome(self):
        generator, outcome, _ = shop()
        (finding,) = find(np.where(outcome == 1, generator.random(len(outcome)), np.nan), outcome)
        assert "whether 'it' is missing" in finding.message
        texts = np.array([None if finding else "x" for finding in outcome], dtype=object)
        assert "missing" in find(texts, outcome)[0].message

    def test_a_category_that_tells_the_outcome(self):
        generator, outcome, _ = shop()
        status = np.where(outcome == 1, generator.choice(["sent", "paid"], len(outcome)), "left").astype(
            object
        )
        assert "category" in find(status, outcome)[0].message

    def test_a_code_that_is_no_scale(self):
        generator, outcome, _ = shop()
        code = np.where(outcome == 1, 5, generator.choice([1, 9], len(outcome)))
        (finding,) = find(code, outcome)
        assert "category" in finding.message

    def test_a_handful_accuses_nothing(self):
        assert find(np.array([0.0, 0, 0, 1]), np.array([0, 0, 0, 1])) == []
        assert find(np.array([]), np.array([])) == []

    def test_a_column_of_another_length_is_named(self):
        with pytest.raises(DataError, match="'it'"):
            find(np.arange(3), np.array([0, 1]))

    def test_an_array_is_read_by_column(self):
        _, outcome, views = shop()
        (finding,) = find_separating_features(np.column_stack([views, outcome]), ["views", "told"], outcome)
        assert finding.feature == "told"


class TestMixedSplit:
    decided_at = np.datetime64("2024-01-01") + np.arange(100) * DAY

    def test_a_horizon_that_reaches_into_the_next_part(self):
        split = split_by_time(self.decided_at, gap=5 * DAY)
        assert find_split_overlap(split, self.decided_at, self.decided_at + 5 * DAY) == []
        first, second = find_split_overlap(split, self.decided_at, self.decided_at + 8 * DAY)
        assert first.value == 3
        assert "the outcomes of 3 of" in first.message
        assert "training" in first.message
        assert "test" in second.message

    def test_a_random_split(self):
        part = np.random.default_rng(1).integers(0, 3, 100)
        masks = (part == 0, part == 1, part == 2)
        assert len(find_split_overlap(masks, self.decided_at, self.decided_at)) == 3

    def test_an_outcome_that_is_not_known_at_all(self):
        split = split_by_time(self.decided_at, gap=5 * DAY)
        known_at = self.decided_at.copy()
        known_at[3] = np.datetime64("NaT")
        assert [finding.value for finding in find_split_overlap(split, self.decided_at, known_at)] == [1, 1]

    def test_a_decision_in_two_parts(self):
        decided_at = np.array(["2024-01-01", "2024-01-02", "2024-01-02", "2024-01-03"], dtype="datetime64[D]")
        masks = tuple(np.array(mask, dtype=bool) for mask in ([1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]))
        assert find_split_overlap(masks, decided_at, decided_at, entity=np.array(["a", "b", "a", "a"])) == []
        (finding,) = find_split_overlap(masks, decided_at, decided_at, entity=np.array(["a", "b", "b", "a"]))
        assert "of the same entity" in finding.message
        overlapping = (masks[0], masks[0] | masks[1], masks[3 - 1])
        assert any(
            "in the training rows too" in finding.message
            for finding in find_split_overlap(overlapping, decided_at, decided_at)
        )

    def test_empty_parts_mix_nothing(self):
        nothing = np.zeros(100, dtype=bool)
        assert find_split_overlap((nothing, ~nothing, nothing), self.decided_at, self.decided_at) == []


class TestChangedFeatures:
    keys = np.array([["c1", "2024-01-01"], ["c2", "2024-01-02"]], dtype=object)

    def changed(self, before, after):
        return find_changed_features([np.array(before)], [np.array(after)], ["it"], self.keys)

    def test_the_same_bytes_are_the_same(self):
        columns = [
            np.array([1.0, np.nan]),
            np.array(["a", None], dtype=object),
            np.array([float("nan"), 1.5], dtype=object),
            np.array([1, 2]),
            np.array(["2024-01-01", "NaT"], dtype="datetime64[D]"),
        ]
        names = [str(number) for number in range(len(columns))]
        assert find_changed_features(columns, [finding.copy() for finding in columns], names, self.keys) == []
        assert self.changed([np.nan, 1], [-np.nan, 1]) == []

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ([1.0, 2.0], [1.0, np.nextafter(2.0, 3)]),
            ([1.0, np.nan], [1.0, 2.0]),
            ([1.0, 0.0], [1.0, -0.0]),
            (["a", "b"], ["a", "c"]),
            ([1, 2], [1, 3]),
            (np.array(["a", None], dtype=object), np.array(["a", ""], dtype=object)),
            (np.array(["a", 1], dtype=object), np.array(["a", 1.0], dtype=object)),
            (np.array(["2024-01-01", "NaT"], "M8[D]"), np.array(["2024-01-01", "2024-01-02"], "M8[D]")),
        ],
    )
    def test_any_other_byte_is_a_finding(self, before, after):
        (finding,) = self.changed(before, after)
        assert finding.value == 1
        assert finding.feature == "it"
        assert "c2, 2024-01-02" in finding.message
        assert "uses the future" in finding.message

    def test_decisions_that_come_or_go_and_types_that_change(self):
        assert "depends on the future" in self.changed([1, 2], [1])[0].message
        assert "changed from" in self.changed([1, 2], [1.0, 2.0])[0].message


def difference(value, lower, upper, *, direction="higher", second=0.6, reason=None):
    first = None if value is None else second + value
    return Difference("roc_auc", value, lower, upper, direction, first, second, reason)


GOOD = Score("roc_auc", 0.7, 0.68, 0.72, "higher")
CALIBRATED = Score("ece", 0.025, 0.01, 0.03, "lower", ideal=0.01)


class TestVerdict:
    def test_better_than_the_best_baseline_is_predictable(self):
        result = assess(
            {"constant": difference(0.2, 0.1, 0.3, second=0.5), "recency": difference(0.1, 0.05, 0.15)}
        )
        assert (result.label, result.baseline) == (PREDICTABLE, "recency")
        assert result.reason == (
            "better than the best baseline, recency: roc_auc 0.7 against 0.6, difference +0.1 (+0.05 to +0.15)"
        )

    def test_better_than_the_constant_alone_is_not(self):
        result = assess(
            {"constant": difference(0.2, 0.1, 0.3, second=0.5), "recency": difference(0.1, -0.01, 0.2)}
        )
        assert (result.label, result.baseline) == (NOT_PREDICTABLE, "recency")
        assert "contains 0" in result.reason

    def test_less_is_better_for_an_error(self):
        assert assess({"a": difference(-0.1, -0.2, -0.05, direction="lower")}).label == PREDICTABLE
        result = assess({"a": difference(0.1, 0.05, 0.2, direction="lower")})
        assert result.label == NOT_PREDICTABLE
        assert result.reason.startswith("worse than the best baseline, a")

    def test_a_leak_takes_the_verdict_away(self):
        result = assess({"constant": difference(0.4, 0.3, 0.5)}, [LEAK, LEAK])
        assert result.label == NOT_PREDICTABLE
        assert "'refund' alone" in result.reason
        assert "(and 1 more)" in result.reason

    def test_nothing_to_compare_with(self):
        assert assess({}).reason == "no baseline to compare with: there is none"
        undefined = difference(None, None, None, reason="only one outcome")
        assert assess({"constant": undefined}).reason.endswith("only one outcome")
        assert "no interval" in assess({"constant": difference(0.1, None, None)}).reason


class TestGate:
    baselines = {"constant": difference(0.2, 0.1, 0.3, second=0.5)}  # noqa: RUF012 - read only

    def test_all_is_well(self):
        assert check_gate(GOOD, None, self.baselines, CALIBRATED, []).passes
        result = check_gate(GOOD, difference(0.02, 0.01, 0.03), self.baselines, None, [])
        assert result.passes
        assert any("better than the champion" in reason for reason in result.reasons)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            (
                {"challenger": Score("roc_auc", None, None, None, "higher", "empty")},
                "roc_auc is undefined: empty",
            ),
            ({"champion": difference(0.01, -0.01, 0.03)}, "not significantly better than the champion"),
            ({"champion": difference(-0.02, -0.03, -0.01)}, "worse than the champion"),
            (
                {"champion": difference(None, None, None, reason="empty")},
                "cannot be compared with the champion",
            ),
            ({"baselines": {}}, "no baseline"),
            ({"calibration": Score("ece", 0.2, 0.1, 0.3, "lower", ideal=0.01)}, "not calibrated: ece 0.2"),
            (
                {"calibration": Score("interval_coverage", 0.7, 0.6, 0.8, "ideal", ideal=0.8)},
                "not calibrated",
            ),
            (
                {"calibration": Score("ece", None, None, None, "lower", "empty")},
                "calibration is unknown: empty",
            ),
            ({"findings": [LEAK]}, "do not trust the score"),
        ],
    )
    def test_any_one_fault_closes_it(self, changes, message):
        arguments = {
            "challenger": GOOD,
            "champion": None,
            "baselines": self.baselines,
            "calibration": CALIBRATED,
            "findings": [],
        }
        result = check_gate(*(arguments | changes).values())
        assert not result.passes
        (reason,) = result.reasons
        assert message in reason
