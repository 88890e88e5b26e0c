"""Charts as values: which bars they have, and that these add up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopwright.charts import MAX_BARS, FeatureImportance, ReliabilityCurve, Waterfall


@dataclass(frozen=True)
class Score:
    base: float
    contributions: dict[str, float]
    values: dict[str, Any] = field(default_factory=dict)


def score_of(base: float, contributions: list[float]) -> Score:
    names = [f"feature_{index}" for index in range(len(contributions))]
    return Score(base, dict(zip(names, contributions, strict=True)), dict.fromkeys(names, 1))


def test_bars_are_in_descending_order_of_size_and_labeled_with_the_value() -> None:
    contributions = {"weak": 0.1, "strong": -2.0, "medium": 1.0}
    score = Score(0.5, contributions, {"weak": None, "strong": 0.123456, "medium": "mobile"})

    chart = Waterfall.from_explanation(score)

    assert [bar.label for bar in chart.bars] == ["strong = 0.1235", "medium = mobile", "weak = unknown"]
    assert [bar.end for bar in chart.bars] == pytest.approx([-1.5, -0.5, -0.4])
    assert (chart.lowest, chart.highest) == (-1.5, 0.5)


def test_weaker_features_share_one_bar() -> None:
    chart = Waterfall.from_explanation(score_of(0, [5.0, 4.0, 3.0, -1.0]), max_bars=2)

    assert [bar.label for bar in chart.bars][2:] == ["2 others"]
    assert chart.bars[2].contribution == 2.0


def test_a_feature_that_adds_nothing_has_no_bar() -> None:
    assert Waterfall.from_explanation(score_of(1, [0.0, 0.0])).bars == ()
    assert Waterfall.from_explanation(score_of(1, [0.0, 0.0])).end == 1
    labels = [
        bar.label for bar in Waterfall.from_explanation(score_of(1, [2.0, 0.0, 1.0, 0.5]), max_bars=2).bars
    ]
    assert labels == ["feature_0 = 1", "feature_2 = 1", "1 others"]


@given(st.floats(-5, 5), st.lists(st.floats(-5, 5), max_size=30), st.integers(1, 20))
def test_bars_lead_from_the_base_to_the_score(base: float, contributions: list[float], max_bars: int) -> None:
    chart = Waterfall.from_explanation(score_of(base, contributions), max_bars=max_bars)

    assert len(chart.bars) <= max_bars + 1
    assert chart.end == pytest.approx(base + sum(contributions))
    starts = [base, *(bar.end for bar in chart.bars)]
    assert [bar.start for bar in chart.bars] == starts[:-1]
    assert chart.lowest <= chart.end <= chart.highest


def test_a_waterfall_has_twelve_bars_and_the_remainder_by_default() -> None:
    assert len(Waterfall.from_explanation(score_of(0, [1.0] * 40)).bars) == MAX_BARS + 1 == 13


def test_importance_shows_the_first_rows_and_counts_all() -> None:
    rows = [
        {"feature": f"feature_{index}", "mean_absolute_contribution": 1 / (index + 1)} for index in range(40)
    ]

    chart = FeatureImportance.from_rows(rows)

    assert [bar.feature for bar in chart.bars] == [row["feature"] for row in rows[:15]]
    assert chart.feature_count == 40


def test_error_bars_are_never_negative() -> None:
    rows = [{"predicted": 0.01, "observed": 0.0, "observed_lower": 2.8e-17, "observed_upper": 0.1, "count": 20},
            {"predicted": 0.99, "observed": 1.0, "observed_lower": 0.9, "observed_upper": 0.9999999999, "count": 20}]  # fmt: skip

    first, last = ReliabilityCurve.from_rows(rows).points

    assert (first.error_below, first.error_above) == (0.0, 0.1)
    assert (last.error_below, last.error_above) == (pytest.approx(0.1), 0.0)
