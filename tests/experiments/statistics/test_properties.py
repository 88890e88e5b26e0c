"""What must hold for every estimator, whatever the data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shopwright.experiments.statistics import (
    Moments,
    Proportion,
    QuantileSummary,
    Quantity,
    adjust,
    always_valid,
    compare_quantiles,
    cuped,
    posterior,
    ratio_of_means,
    two_proportions,
    welch,
)

ESTIMATORS = {
    "welch": lambda one, two, **options: welch(one, two, column="orders", **options),
    "ratio": lambda one, two, **options: ratio_of_means(
        one, two, numerator="orders", denominator="sessions", **options
    ),
    "cuped": lambda one, two, **options: cuped(
        one, two, metric=Quantity("orders"), covariate=Quantity("before"), **options
    ),
    "cuped-ratio": lambda one, two, **options: cuped(
        one,
        two,
        metric=Quantity("orders", "sessions"),
        covariate=Quantity("before", "sessions_before"),
        **options,
    ),
}
seeds = st.integers(0, 2**32 - 1)
names = st.sampled_from(list(ESTIMATORS))


def units(rng, count):
    habit = rng.gamma(2, 1, count)
    return {
        "orders": rng.poisson(habit) + 1.0,
        "sessions": rng.poisson(habit) + 1.0,
        "before": rng.poisson(habit) * 1.0,
        "sessions_before": rng.poisson(habit) + 1.0,
    }


def pair(seed):
    rng = np.random.default_rng(seed)
    return units(rng, rng.integers(20, 60)), units(rng, rng.integers(20, 60))


def both(seed):
    return [Moments.from_arrays(arm) for arm in pair(seed)]


@given(seeds, names)
def test_a_wider_level_gives_a_wider_interval(seed, name):
    arms = both(seed)
    narrow, wide = (ESTIMATORS[name](*arms, level=level) for level in (0.8, 0.99))
    for small, large in ((narrow.absolute, wide.absolute), (narrow.relative, wide.relative)):
        assert large.interval.lower < small.interval.lower < small.value < small.interval.upper
        assert small.interval.upper < large.interval.upper
    assert narrow.pvalue == wide.pvalue
    assert narrow.at_level(0.99) == wide


@given(seeds, names)
def test_swapping_the_variants_flips_the_sign(seed, name):
    one, two = both(seed)
    there, back = ESTIMATORS[name](one, two), ESTIMATORS[name](two, one)
    assert there.absolute.value == pytest.approx(-back.absolute.value)
    assert there.pvalue == pytest.approx(back.pvalue)
    assert there.absolute.interval.lower == pytest.approx(-back.absolute.interval.upper)
    assert 1 + there.relative.value == pytest.approx(1 / (1 + back.relative.value))


@given(seeds, names, st.floats(1e-3, 1e3))
def test_the_unit_of_a_metric_does_not_matter(seed, name, scale):
    arms = pair(seed)
    scaled = [Moments.from_arrays(arm | {"orders": arm["orders"] * scale}) for arm in arms]
    plain, other = ESTIMATORS[name](*both(seed)), ESTIMATORS[name](*scaled)
    assert other.pvalue == pytest.approx(plain.pvalue, rel=1e-6)
    assert other.absolute.value == pytest.approx(plain.absolute.value * scale, rel=1e-6, abs=1e-9 * scale)
    assert other.relative.interval.lower == pytest.approx(plain.relative.interval.lower, rel=1e-6, abs=1e-9)


@given(seeds, names)
def test_an_interval_excludes_what_the_test_rejects(seed, name):
    found = ESTIMATORS[name](*both(seed), level=0.9)
    for effect in (found.absolute, found.relative):
        assume(abs(effect.pvalue - 0.1) > 1e-9)
        assert (0 in effect.interval) == (effect.pvalue > 0.1)
        assert effect.pvalue_against(effect.interval.lower) == pytest.approx(0.1)
        assert effect.pvalue_against(effect.interval.upper) == pytest.approx(0.1)


@given(seeds, names, st.integers(10, 10**6))
def test_a_sequence_is_wider_than_an_interval_and_agrees_with_its_pvalue(seed, name, tuned_for):
    plain = ESTIMATORS[name](*both(seed))
    sequence = always_valid(plain, tuned_for=tuned_for)
    for narrow, wide in ((plain.absolute, sequence.absolute), (plain.relative, sequence.relative)):
        half = Z95 * narrow.standard_error
        assert wide.interval.upper - wide.value > half
        assert wide.pvalue_against(wide.interval.lower) == pytest.approx(0.05)
        assert (0 in wide.interval) == (wide.pvalue >= 0.05)
    assert sequence.at_level(0.9).absolute.pvalue_against(sequence.at_level(0.9).absolute.interval.lower) == (
        pytest.approx(0.1)
    )


Z95 = 1.959963984540054


@given(st.integers(0, 50), st.integers(0, 50), st.integers(50, 90), st.integers(50, 90))
def test_proportions_swap_and_stay_in_range(first, second, one, two):
    there = two_proportions(Proportion(first, one), Proportion(second, two))
    back = two_proportions(Proportion(second, two), Proportion(first, one))
    assert there.absolute.value == -back.absolute.value
    assert there.pvalue == back.pvalue
    assert there.pvalue is None or 0 <= there.pvalue <= 1


@given(seeds, names)
def test_chances_to_win_of_both_directions_add_up_to_one(seed, name):
    found = ESTIMATORS[name](*both(seed))
    up, down = posterior(found), posterior(found, is_higher_better=False)
    assert up.chance_to_win + down.chance_to_win == pytest.approx(1)
    assert down.expected_loss - up.expected_loss == pytest.approx(up.mean)


@given(st.lists(st.none() | st.floats(0, 1), max_size=12), st.sampled_from(["holm", "benjamini-hochberg"]))
def test_corrections_only_raise_and_keep_the_order(pvalues, correction):
    adjusted = adjust(pvalues, correction=correction)
    known = [(old, new) for old, new in zip(pvalues, adjusted, strict=True) if old is not None]
    assert [new is None for new in adjusted] == [old is None for old in pvalues]
    assert all(old <= new <= 1 for old, new in known)
    assert [new for _, new in sorted(known)] == sorted(new for _, new in known)
    assert adjust(pvalues, correction="none") == pvalues


@given(st.floats(1, 1e6), st.floats(0.01, 1e3), st.floats(0.5, 2))
def test_quantiles_scale_and_swap(value, spread, factor):
    one = QuantileSummary(100, value, value + spread, value + 2 * spread)
    two = QuantileSummary(100, value * factor, (value + spread) * factor, (value + 2 * spread) * factor)
    there, back = compare_quantiles(one, two), compare_quantiles(two, one)
    assert there.absolute.value == -back.absolute.value
    assert there.pvalue == back.pvalue
    assert there.relative.value == pytest.approx(factor - 1, abs=1e-9)
