"""Sequences, beliefs, guardrails, power, dilution and novelty: small cases with known answers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from shopwright.experiments.statistics import (
    Baseline,
    Moments,
    NormalPrior,
    Proportion,
    QuantileSummary,
    Quantity,
    Target,
    always_valid,
    compare_quantiles,
    cuped,
    detectable_effect,
    dilution,
    guardrail,
    novelty,
    posterior,
    progress,
    quantile_positions,
    required_units,
    running_minimum,
    two_proportions,
    welch,
)
from shopwright.experiments.statistics.distributions import Normal, NormalMixture
from shopwright.experiments.statistics.estimate import Effect
from shopwright.experiments.statistics.sequential import tuning

SHOP = two_proportions(Proportion(1_000, 10_000), Proportion(1_050, 10_000))


def relative(value, error, level=0.95):
    return replace(SHOP, relative=Effect.measured(value, error, distribution=Normal(), level=level))


class TestHistory:
    """CUPED with more than two variants."""

    def test_theta_is_taken_over_all_variants(self):
        rng = np.random.default_rng(0)
        x = rng.gamma(2, 1, (3, 50))
        y = x * np.array([[1.0], [1.1], [3.0]]) + rng.normal(0, 0.2, (3, 50))
        arms = [Moments.from_arrays({"y": y[arm], "x": x[arm]}) for arm in range(3)]
        quantities = {"metric": Quantity("y"), "covariate": Quantity("x")}
        covariance = np.cov(y.ravel(), x.ravel())
        three = cuped(*arms[:2], other_variants=arms[2:], **quantities)
        assert three.adjustment.theta == pytest.approx(covariance[0, 1] / covariance[1, 1])
        assert three.adjustment.correlation == pytest.approx(np.corrcoef(y.ravel(), x.ravel())[0, 1])
        assert three.adjustment.theta > cuped(*arms[:2], **quantities).adjustment.theta
        shift = three.adjustment.theta * (x[1].mean() - x[0].mean())
        assert three.absolute.value == pytest.approx(y[1].mean() - y[0].mean() - shift)

    def test_a_useless_covariate_is_seen_to_be_useless(self):
        rng = np.random.default_rng(0)
        arms = [Moments.from_arrays({"y": rng.normal(5, 1, 500), "x": rng.normal(size=500)}) for _ in "ab"]
        found = cuped(*arms, metric=Quantity("y"), covariate=Quantity("x")).adjustment
        assert found.covariate == "x per unit"
        assert abs(found.variance_reduction) < 0.02


class TestSequences:
    def test_the_boundary_is_the_papers(self):
        """Waudby-Smith and others (2024), Theorem 2.2, written out for a mean of unit variance."""
        t, rho, alpha = 500, 0.07, 0.1
        margin = math.sqrt(
            2 * (t * rho**2 + 1) / (t**2 * rho**2) * math.log(math.sqrt(t * rho**2 + 1) / alpha)
        )
        assert NormalMixture(t * rho**2).critical(1 - alpha) / math.sqrt(t) == pytest.approx(margin)

    def test_it_is_tightest_about_where_it_is_tuned_for(self):
        rho = tuning(10_000, level=0.95)
        widths = {t: NormalMixture(t * rho**2).critical(0.95) for t in range(2_000, 60_000, 500)}
        best = min(widths, key=widths.get)
        assert widths[10_000] <= 1.01 * widths[best]
        assert widths[10_000] / Normal().critical(0.95) == pytest.approx(1.5, abs=0.05)

    def test_it_keeps_value_and_error(self):
        found = always_valid(SHOP, tuned_for=40_000)
        assert found.absolute.value == SHOP.absolute.value
        assert found.standard_error == SHOP.standard_error
        assert found.method == "two-proportions, always valid"
        assert found.pvalue > SHOP.pvalue

    def test_it_counts_the_units_of_both_arms(self):
        law = always_valid(SHOP, tuned_for=40_000).absolute.distribution
        assert law.information == pytest.approx(20_000 * tuning(40_000, level=0.95) ** 2)

    def test_it_needs_units_to_be_tuned_for(self):
        with pytest.raises(ValueError, match="above 0"):
            always_valid(SHOP, tuned_for=0)

    def test_the_minimum_so_far_forgets_nothing(self):
        assert running_minimum([]) == []
        assert running_minimum([None, 0.5, 0.9, None]) == [None, 0.5, 0.5, 0.5]


class TestQuantiles:
    def test_the_error_is_the_distance_of_the_bounds_over_twice_the_critical_value(self):
        bounds = QuantileSummary(100, 8.0, 10.0, 13.0)
        found = compare_quantiles(bounds, bounds, positions_level=0.9)
        assert found.standard_error == pytest.approx(math.sqrt(2) * 5 / (2 * stats.norm.ppf(0.95)))

    def test_positions_are_the_wald_interval_of_a_rate(self):
        """Their distance from the quantile is that of a rate's interval from the rate."""
        where = quantile_positions(400, quantile=0.2)
        half = stats.norm.ppf(0.975) * math.sqrt(0.2 * 0.8 / 400)
        assert (where.lower, where.upper) == pytest.approx((0.2 - half, 0.2 + half))


class TestBeliefs:
    def test_a_narrow_prior_outweighs_the_data(self):
        found = posterior(relative(0.2, 0.1), prior=NormalPrior(0.1, mean=0.0))
        assert found.mean == pytest.approx(0.1)
        assert found.standard_deviation == pytest.approx(0.1 / math.sqrt(2))
        assert found.interval.lower < found.mean < found.interval.upper

    def test_a_wide_prior_is_a_flat_one(self):
        wide, flat = posterior(relative(0.2, 0.1), prior=NormalPrior(1e6)), posterior(relative(0.2, 0.1))
        assert (wide.mean, wide.expected_loss) == pytest.approx((flat.mean, flat.expected_loss))

    @pytest.mark.parametrize(("value", "is_higher_better"), [(0.05, True), (0.05, False), (-0.3, True)])
    def test_the_loss_is_the_mean_of_what_is_lost(self, value, is_higher_better):
        found = posterior(relative(value, 0.1), is_higher_better=is_higher_better)
        draws = np.linspace(value - 1, value + 1, 200_001)
        losses = np.maximum(-draws if is_higher_better else draws, 0)
        weights = stats.norm.pdf(draws, value, 0.1)
        assert found.expected_loss == pytest.approx((losses * weights).sum() / weights.sum(), rel=1e-4)

    def test_a_prior_has_a_spread(self):
        with pytest.raises(ValueError, match="above 0"):
            NormalPrior(0)


class TestGuardrails:
    @pytest.mark.parametrize(
        ("value", "verdict"),
        [(0.0, "holds"), (-0.0103, "holds"), (-0.0105, "unclear"), (-0.0295, "unclear"), (-0.0297, "fails")],
    )
    def test_higher_is_better(self, value, verdict):
        found = guardrail(relative(value, 0.0049), worst_change=0.02, is_higher_better=True)
        assert (found.verdict, found.limit) == (verdict, -0.02)
        assert (found.pvalue < 0.025) == (verdict == "holds")
        assert (found.pvalue > 0.975) == (verdict == "fails")

    @pytest.mark.parametrize(("value", "verdict"), [(-0.5, "holds"), (0.02, "unclear"), (0.03, "fails")])
    def test_lower_is_better(self, value, verdict):
        found = guardrail(relative(value, 0.0049), worst_change=0.02, is_higher_better=False)
        assert (found.verdict, found.limit) == (verdict, 0.02)

    def test_the_pvalue_is_one_sided(self):
        found = guardrail(relative(0.01, 0.02), worst_change=0.03, is_higher_better=True)
        assert found.pvalue == pytest.approx(stats.norm.sf(2))

    def test_a_wider_interval_is_less_sure(self):
        narrow, wide = relative(-0.0103, 0.0049), relative(-0.0103, 0.0049, level=0.99)
        verdicts = [
            guardrail(one, worst_change=0.02, is_higher_better=True).verdict for one in (narrow, wide)
        ]
        assert verdicts == ["holds", "unclear"]

    def test_the_worst_change_is_a_size(self):
        with pytest.raises(ValueError, match="0 or more"):
            guardrail(SHOP, worst_change=-0.02, is_higher_better=True)


class TestPower:
    def test_a_textbook_size(self):
        """Rule of thumb 16 s^2 / d^2 per variant (van Belle, 2008): 80 % power, two-sided 5 %."""
        size = required_units(Baseline(1.0, 4.0), target=Target(0.1))
        assert size.units[0] == pytest.approx(16 * 4 / 0.1**2, rel=0.02)

    def test_days_count_all_variants_and_small_arms_decide(self):
        size = required_units(
            Baseline(1.0, 4.0), target=Target(0.1, comparisons=2), weights=[2, 1, 1], units_per_day=1_000
        )
        assert size.units[0] == pytest.approx(2 * size.units[1], abs=1)
        assert size.days == math.ceil(size.total / 1_000)
        even = required_units(Baseline(1.0, 4.0), target=Target(0.1, comparisons=2), weights=[1, 1, 1])
        assert size.units[1] < even.units[1]
        assert even.units[1] > required_units(Baseline(1.0, 4.0), target=Target(0.1)).units[1]

    def test_the_smallest_treatment_decides(self):
        target = Target(0.1, comparisons=2)
        three = required_units(Baseline(1.0, 4.0), target=target, weights=[2, 4, 1])
        two = required_units(Baseline(1.0, 4.0), target=target, weights=[2, 1])
        assert (three.units[0], three.units[2]) == pytest.approx(two.units, abs=1)

    def test_size_and_effect_are_inverse(self):
        baseline, target = Baseline.from_rate(0.03), Target(0.07, power=0.9)
        units = required_units(baseline, target=target, weights=[1, 2]).units
        assert detectable_effect(baseline, target=target, units=units) == pytest.approx(0.07, rel=1e-4)

    def test_an_experiment_of_the_needed_size_has_the_power(self):
        rate, target = 0.1, Target(0.05)
        units = required_units(Baseline.from_rate(rate), target=target).units[0]
        arm = Proportion(round(units * rate), units)
        found = progress(two_proportions(arm, arm), target=target, units_per_day=100)
        assert found.power == pytest.approx(0.8, abs=1e-3)
        assert found.detectable_effect == pytest.approx(0.05, rel=1e-3)
        assert found.units_needed[0] == pytest.approx(units, rel=1e-3)

    def test_days_left_count_both_variants(self):
        arm = Proportion(100, 1_000)
        found = progress(two_proportions(arm, arm), target=Target(0.05), units_per_day=100)
        assert found.days_left == math.ceil((sum(found.units_needed) - 2_000) / 100)
        assert progress(two_proportions(arm, arm), target=Target(0.9), units_per_day=100).days_left == 0
        assert progress(two_proportions(arm, arm), target=Target(0.05)).days_left is None

    def test_past_units_make_a_baseline(self, plain_users):
        past = Baseline.from_moments(plain_users[0], Quantity("orders"))
        assert past.variance == pytest.approx(plain_users[0].variance("orders"))

    def test_what_cannot_be_sized_says_why(self):
        target = Target(0.05)
        assert required_units(Baseline(0.0, 1.0), target=target).reason.startswith("the control's value")
        assert required_units(Baseline.from_rate(1.0), target=target).reason == "no variance"
        nobody = Baseline.from_moments(Moments.from_arrays({"x": []}), Quantity("x"))
        size = required_units(nobody, target=target)
        assert (size.units, size.total, size.reason) == (None, None, "no units")
        assert detectable_effect(Baseline(0.0, 1.0), target=target, units=[10, 10]) is None
        assert detectable_effect(Baseline(1.0, 1.0), target=target, units=[10, 0]) is None

    def test_targets_are_checked(self):
        for wrong in ({"minimum_detectable_effect": 0}, {"power": 0.01}, {"comparisons": 0}):
            with pytest.raises(ValueError):
                Target(**({"minimum_detectable_effect": 0.05} | wrong))
        with pytest.raises(ValueError, match="two variants"):
            required_units(Baseline.from_rate(0.1), target=Target(0.05), weights=[1])


class TestDilution:
    half = Proportion(5_000, 10_000)

    def test_an_effect_on_all_is_larger_on_the_exposed(self):
        found = dilution(SHOP, control=self.half, treatment=self.half, measured_on="assigned")
        assert found.unexposed_share == 0.5
        assert found.scaled.value == pytest.approx(2 * SHOP.absolute.value)
        assert found.scaled.interval.lower == pytest.approx(2 * SHOP.absolute.interval.lower)
        assert found.scaled.pvalue == SHOP.pvalue

    def test_and_the_other_way_round(self):
        found = dilution(SHOP, control=self.half, treatment=self.half, measured_on="exposed")
        assert found.scaled.value == pytest.approx(SHOP.absolute.value / 2)

    def test_it_is_exact_where_the_unexposed_are_untouched(self):
        """Units that were never exposed add the same to both variants."""
        exposed = [Moments.from_arrays({"x": x}) for x in ([1, 2, 3, 4], [3, 5, 3, 4])]
        others = Moments.from_arrays({"x": [5, 7]})
        everyone = [arm + others for arm in exposed]
        shares = Proportion(4, 6)
        found = dilution(
            welch(*everyone, column="x"), control=shares, treatment=shares, measured_on="assigned"
        )
        assert found.scaled.value == pytest.approx(welch(*exposed, column="x").absolute.value)

    def test_uneven_exposure_cannot_be_scaled(self):
        found = dilution(SHOP, control=self.half, treatment=Proportion(5_500, 10_000), measured_on="exposed")
        assert found.is_uneven
        assert found.exposure_pvalue < 0.01
        assert (found.scaled, found.reason) == (None, "exposure differs between the variants")

    def test_nobody_exposed(self):
        nobody = Proportion(0, 10)
        found = dilution(SHOP, control=nobody, treatment=nobody, measured_on="assigned")
        assert (found.unexposed_share, found.scaled, found.reason) == (1, None, "no unit was exposed")
        empty = Proportion(0, 0)
        assert dilution(SHOP, control=empty, treatment=empty, measured_on="assigned").unexposed_share is None

    def test_factors_are_positive(self):
        with pytest.raises(ValueError, match="above 0"):
            SHOP.absolute.scaled(0)


class TestNovelty:
    def days(self, values, error=0.1):
        return {day: Effect.measured(value, error, distribution=Normal()) for day, value in enumerate(values)}

    def test_a_fading_effect_is_found(self):
        found = novelty(self.days([1.0, 0.8, 0.6, 0.4, 0.2, 0.0]))
        assert found.slope.value == pytest.approx(-0.2)
        assert found.slope.pvalue < 0.001
        assert (found.first_half.value, found.second_half.value) == pytest.approx((0.8, 0.2))

    def test_a_steady_effect_is_not(self):
        found = novelty(self.days([0.5, 0.52, 0.48, 0.5, 0.5]))
        assert found.slope.pvalue > 0.5
        assert found.day_count == 5

    def test_uncertain_days_count_less(self):
        days = self.days([0.5, 0.5, 0.5, 0.5]) | {4: Effect.measured(9.0, 1e3, distribution=Normal())}
        assert novelty(days).slope.value == pytest.approx(0, abs=1e-6)

    def test_days_without_an_effect_are_left_out(self):
        days = self.days([0.5, 0.5, 0.5]) | {3: None, 4: Effect.unmeasured(0.1, "no variance")}
        found = novelty(days)
        assert (found.slope, found.day_count) == (None, 3)
        assert found.reason == "a trend needs at least 4 days with an effect"
