"""What has no number is None, with its reason; it is never 0 and never nan."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopwright.experiments.statistics import (
    Moments,
    Proportion,
    QuantileSummary,
    Quantity,
    Target,
    always_valid,
    chi_square_independence,
    compare_quantiles,
    cuped,
    dilution,
    guardrail,
    posterior,
    progress,
    quantile_positions,
    ratio_of_means,
    sample_ratio,
    two_proportions,
    welch,
)


def column(*values):
    return Moments.from_arrays({"x": np.array(values, dtype=float)})


def numbers(value):
    """Every number inside a result."""
    if isinstance(value, float):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from numbers(getattr(value, field.name))


SOME = column(1, 2, 3)


def test_no_units():
    found = welch(column(), SOME, column="x")
    assert (found.control, found.treatment, found.absolute, found.relative) == (None, 2, None, None)
    assert found.pvalue is found.statistic is found.standard_error is None
    assert found.reason == found.relative_reason == "control: no units"
    assert welch(SOME, column(), column="x").reason == "treatment: no units"


def test_one_unit_has_a_value_but_no_interval():
    found = welch(SOME, column(5), column="x")
    assert found.absolute.value == 3
    assert found.relative.value == 1.5
    assert found.absolute.interval is found.relative.interval is found.pvalue is None
    assert found.reason == found.relative_reason == "treatment: a single unit has no variance"


def test_no_variance():
    found = welch(column(2, 2, 2), column(3, 3), column="x")
    assert found.absolute.value == 1
    assert found.pvalue is found.absolute.interval is found.standard_error is None
    assert found.reason == found.relative_reason == "no variance in either variant"


def test_variance_on_one_side_is_enough():
    found = welch(column(0, 0, 0), SOME, column="x")
    assert found.pvalue is not None
    assert found.reason is None


def test_a_control_of_zero_has_no_relative_difference():
    found = welch(column(-1, 0, 1), SOME, column="x")
    assert found.absolute.value == 2
    assert found.pvalue is not None
    assert found.relative is None
    assert found.relative_reason == "the control's value is 0, so a relative change is undefined"


def test_a_negative_control_has_no_relative_difference():
    found = welch(column(-1, -2, -3), SOME, column="x")
    assert found.absolute.value == 4
    assert found.relative is None
    assert "negative" in found.relative_reason


def test_a_treatment_that_is_zero_throughout():
    found = welch(SOME, column(0, 0, 0), column="x")
    assert found.pvalue is not None
    assert found.relative.value == -1
    assert found.relative.interval is None
    assert "-100%" in found.relative_reason


def test_a_ratio_without_a_denominator():
    some = Moments.from_arrays({"orders": [1, 2], "sessions": [2, 2]})
    none = Moments.from_arrays({"orders": [0, 0], "sessions": [0, 0]})
    found = ratio_of_means(none, some, numerator="orders", denominator="sessions")
    assert found.control is found.absolute is found.relative is None
    assert found.reason == "control: 'sessions' sums to 0"


def test_proportions_at_the_edge():
    nobody = two_proportions(Proportion(0, 10), Proportion(0, 12))
    assert nobody.absolute.value == 0
    assert nobody.pvalue is nobody.relative is None
    assert nobody.reason == "no variance in either variant"
    opposite = two_proportions(Proportion(0, 10), Proportion(12, 12))
    assert opposite.pvalue < 0.001
    assert opposite.absolute.interval is None
    assert two_proportions(Proportion(0, 0), Proportion(1, 2)).reason == "control: no units"


def test_proportions_must_be_possible():
    with pytest.raises(ValueError, match="11 of 10"):
        Proportion(11, 10)
    with pytest.raises(ValueError, match="not a column of 0 and 1"):
        Proportion.from_moments(SOME, "x")
    assert Proportion.from_moments(column(0, 1, 1), "x") == Proportion(2, 3)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ([[0, 0], [1, 2]], "a variant has no units"),
        ([[3, 0], [2, 0]], "all units have the same outcome"),
    ],
)
def test_tables_with_an_empty_margin(table, reason):
    found = chi_square_independence(table)
    assert (found.statistic, found.pvalue, found.expected, found.reason) == (None, None, None, reason)


@pytest.mark.parametrize("table", [[1, 2], [[1], [2]], [[1, -1], [2, 3]], [[1, 2]], [[1, math.nan], [2, 3]]])
def test_tables_must_be_tables(table):
    with pytest.raises(ValueError, match="a table needs"):
        chi_square_independence(table)


def test_small_expected_counts_are_flagged():
    assert chi_square_independence([[1, 9], [2, 8]]).is_small
    assert not chi_square_independence([[10, 90], [20, 80]]).is_small


def test_a_sample_ratio_of_nobody():
    found = sample_ratio([0, 0], weights=[1, 1])
    assert (found.pvalue, found.is_mismatch, found.reason) == (None, False, "no units")
    for observed, weights in (([1], [1]), ([1, 2], [1]), ([1, 2], [1, 0]), ([-1, 2], [1, 1])):
        with pytest.raises(ValueError):
            sample_ratio(observed, weights=weights)


def test_cuped_without_history_is_the_plain_estimate():
    arms = [Moments.from_arrays({"x": x, "before": [0, 0, 0]}) for x in ([1, 2, 3], [2, 3, 5])]
    found = cuped(*arms, metric=Quantity("x"), covariate=Quantity("before"))
    assert found.absolute == welch(*arms, column="x").absolute
    assert found.adjustment.reason == "the covariate does not vary"
    assert (found.adjustment.theta, found.adjustment.variance_reduction) == (0, None)
    ratio = cuped(*arms, metric=Quantity("x"), covariate=Quantity("x", "before"))
    assert ratio.absolute == found.absolute
    assert ratio.adjustment.reason == "the covariate is not defined in every variant"


def test_cuped_by_the_metric_itself_leaves_no_variance():
    arms = [Moments.from_arrays({"x": x}) for x in ([1, 2, 3.3], [2, 3, 5.1])]
    found = cuped(*arms, metric=Quantity("x"), covariate=Quantity("x"))
    assert found.absolute.value == pytest.approx(0)
    assert found.reason == "no variance in either variant"
    assert found.adjustment.correlation == 1


def test_an_effect_without_an_error_stays_as_it_is():
    found = welch(column(2, 2), column(3, 3), column="x")
    assert found.absolute.pvalue_against(0.5) is None
    assert found.at_level(0.5).absolute == found.absolute


def test_columns_too_large_to_compute_with():
    arms = [Moments.from_arrays({"x": x, "below": [1e-155, 1.1e-155]}) for x in ([1, 2], [3, 5])]
    found = cuped(*arms, metric=Quantity("x"), covariate=Quantity("below"))
    assert found.absolute.value == 2.5
    assert found.adjustment.reason == "numbers too large or too small to compute with"
    ratio = ratio_of_means(*arms, numerator="x", denominator="below")
    assert ratio.reason == "numbers too large or too small to compute with"
    tiny = progress(welch(*arms, column="x"), target=Target(1e-200))
    assert tiny.reason == "numbers too large or too small to compute with"


def test_a_ratio_of_a_column_to_itself_is_one():
    arms = [Moments.from_arrays({"x": x}) for x in ([1, 2], [3, 5])]
    found = ratio_of_means(*arms, numerator="x", denominator="x")
    assert (found.control, found.treatment, found.reason) == (1, 1, "no variance in either variant")


def test_covariances_of_too_few():
    assert column(1).covariance("x", "x") is None
    assert column(1).variance("x") is None
    assert column().mean("x") is None


def test_quantiles_of_too_few():
    assert quantile_positions(1, quantile=0.5) is None
    assert quantile_positions(20, quantile=0.99) is None
    few = QuantileSummary(3, None, 5.0, None)
    found = compare_quantiles(few, QuantileSummary(100, 1.0, 2.0, 3.0))
    assert found.absolute.value == -3
    assert found.reason == "control: too few units for this quantile"
    nobody = QuantileSummary(0, None, None, None)
    assert compare_quantiles(nobody, few).reason == "control: no units"
    with pytest.raises(ValueError, match="ascend"):
        compare_quantiles(QuantileSummary(9, 3.0, 2.0, 1.0), few)
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile_positions(10, quantile=50)


def test_what_follows_from_an_undefined_estimate_is_undefined_with_its_reason():
    nothing = welch(column(), SOME, column="x")
    assert always_valid(nothing, tuned_for=10).absolute is None
    assert posterior(nothing).reason == "control: no units"
    judged = guardrail(nothing, worst_change=0.02, is_higher_better=True)
    assert (judged.verdict, judged.pvalue, judged.reason) == ("unclear", None, "control: no units")
    assert progress(nothing, target=Target(0.05)).reason == "control: no units"
    exposed = Proportion(1, 2)
    scaled = dilution(nothing, control=exposed, treatment=exposed, measured_on="assigned")
    assert (scaled.scaled, scaled.reason) == (None, "control: no units")


def test_levels_must_be_shares():
    with pytest.raises(ValueError, match="it is 95"):
        welch(SOME, column(2, 4), column="x", level=95)


columns = st.lists(
    st.sampled_from([0.0, 1.0, -1.0, 1e-60, 1e60, -1e60])
    | st.integers(-(10**12), 10**12).map(lambda x: x / 1000),
    max_size=6,
)


@given(columns, columns, columns)
def test_no_nan_and_no_infinity_ever_leaks_out(one, two, below):
    size = min(len(one), len(two), len(below))
    arms = [Moments.from_arrays({"x": part[:size], "below": below[:size]}) for part in (one, two)]
    results = [
        welch(*arms, column="x"),
        ratio_of_means(*arms, numerator="x", denominator="below"),
        cuped(*arms, metric=Quantity("x"), covariate=Quantity("below")),
        cuped(*arms, metric=Quantity("x", "below"), covariate=Quantity("below", "x")),
    ]
    results += [always_valid(result, tuned_for=100) for result in results]
    followers = [posterior(result) for result in results] + [
        progress(result, target=Target(0.05)) for result in results
    ]
    for result in (*results, *followers):
        infinite = [value for value in numbers(result) if not math.isfinite(value)]
        assert infinite == []
