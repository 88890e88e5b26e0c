"""Independent implementations give the same figures on random data."""

from __future__ import annotations

import numpy as np
import pytest
import tea_tasting
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportions_ztest
from statsmodels.stats.weightstats import DescrStatsW

from shopwright.experiments.statistics import (
    Baseline,
    Moments,
    Proportion,
    Quantity,
    Target,
    benjamini_hochberg,
    chi_square_independence,
    cuped,
    holm,
    novelty,
    ratio_of_means,
    required_units,
    sample_ratio,
    two_proportions,
    welch,
)
from shopwright.experiments.statistics.distributions import Normal, StudentT
from shopwright.experiments.statistics.estimate import Effect

SEEDS = range(5)


@pytest.mark.parametrize("seed", SEEDS)
def test_welch_is_scipys(seed):
    rng = np.random.default_rng(seed)
    one, two = rng.gamma(2, 10, 40 + seed), rng.gamma(3, 5, 70)
    ours = welch(Moments.from_arrays({"x": one}), Moments.from_arrays({"x": two}), column="x", level=0.9)
    theirs = stats.ttest_ind(two, one, equal_var=False)
    interval = theirs.confidence_interval(0.9)
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert ours.pvalue == pytest.approx(theirs.pvalue)
    assert ours.absolute.distribution.dof == pytest.approx(theirs.df)
    assert ours.absolute.interval.lower == pytest.approx(interval.low)
    assert ours.absolute.interval.upper == pytest.approx(interval.high)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_proportions_is_statsmodels(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(50, 500, 2)
    successes = rng.binomial(counts, 0.3)
    ours = two_proportions(*(Proportion(int(x), int(n)) for x, n in zip(successes, counts, strict=True)))
    statistic, pvalue = proportions_ztest(successes[::-1], counts[::-1])
    assert ours.statistic == pytest.approx(statistic)
    assert ours.pvalue == pytest.approx(pvalue)


@pytest.mark.parametrize("seed", SEEDS)
def test_chi_square_is_scipys(seed):
    table = np.random.default_rng(seed).integers(1, 60, (3 + seed % 2, 2))
    ours = chi_square_independence(table)
    theirs = stats.chi2_contingency(table, correction=False)
    assert (ours.statistic, ours.dof, ours.pvalue) == pytest.approx(
        (theirs.statistic, theirs.dof, theirs.pvalue)
    )
    assert np.allclose(ours.expected, theirs.expected_freq)
    assert ours.is_small == (theirs.expected_freq < 5).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_sample_ratio_is_scipys(seed):
    observed = np.random.default_rng(seed).multinomial(10_000, [0.2, 0.3, 0.5])
    ours = sample_ratio(observed.tolist(), weights=[2, 3, 5])
    theirs = stats.chisquare(observed, [2_000, 3_000, 5_000])
    assert (ours.statistic, ours.pvalue) == pytest.approx((theirs.statistic, theirs.pvalue))


@pytest.mark.parametrize("seed", SEEDS)
def test_corrections_are_statsmodels(seed):
    pvalues = np.random.default_rng(seed).uniform(size=12) ** 3
    assert holm(pvalues.tolist()) == pytest.approx(multipletests(pvalues, method="holm")[1])
    assert benjamini_hochberg(pvalues.tolist()) == pytest.approx(multipletests(pvalues, method="fdr_bh")[1])


@pytest.mark.parametrize("covariates", [(), ("orders_covariate", "sessions_covariate")])
@pytest.mark.parametrize("seed", SEEDS)
def test_ratios_and_cuped_are_tea_tastings(seed, covariates):
    data = tea_tasting.make_users_data(rng=seed, n_users=500, covariates=True)
    theirs = tea_tasting.Experiment(m=tea_tasting.RatioOfMeans("orders", "sessions", *covariates)).analyze(
        data
    )
    variant = data["variant"].to_numpy()
    names = ("orders", "sessions", "orders_covariate", "sessions_covariate")
    arms = [
        Moments.from_arrays({name: data[name].to_numpy()[variant == group] for name in names})
        for group in (0, 1)
    ]
    if covariates:
        ours = cuped(*arms, metric=Quantity("orders", "sessions"), covariate=Quantity(*covariates))
    else:
        ours = ratio_of_means(*arms, numerator="orders", denominator="sessions")
    interval = ours.absolute.interval
    values = ours.adjustment or ours
    assert (values.control, values.treatment) == pytest.approx((theirs["m"].control, theirs["m"].treatment))
    assert ours.pvalue == pytest.approx(theirs["m"].pvalue)
    assert (interval.lower, interval.upper) == pytest.approx(
        (theirs["m"].effect_size_ci_lower, theirs["m"].effect_size_ci_upper)
    )
    assert ours.relative.value == pytest.approx(theirs["m"].rel_effect_size)


@pytest.mark.parametrize(("rate", "effect", "weights"), [(0.05, 0.1, (1, 1)), (0.3, 0.03, (1, 3))])
def test_units_needed_are_statsmodels(rate, effect, weights):
    ours = required_units(
        Baseline.from_rate(rate), target=Target(effect, alpha=0.02, power=0.9), weights=weights
    )
    standardised = effect * rate / np.sqrt(rate * (1 - rate))
    theirs = NormalIndPower().solve_power(
        standardised, alpha=0.02, power=0.9, ratio=weights[1] / weights[0], alternative="two-sided"
    )
    assert ours.units[0] == pytest.approx(theirs, abs=1)
    assert ours.units[1] == pytest.approx(theirs * weights[1] / weights[0], abs=1)


def test_distributions_are_scipys():
    for level in (0.5, 0.8, 0.95, 0.999):
        assert Normal().critical(level) == pytest.approx(stats.norm.ppf((1 + level) / 2))
        assert StudentT(7.3).critical(level) == pytest.approx(stats.t.ppf((1 + level) / 2, 7.3))
    for statistic in (-4.0, -0.3, 0.0, 1.7, 30.0):
        assert Normal().pvalue(statistic) == pytest.approx(2 * stats.norm.sf(abs(statistic)))
        assert StudentT(7.3).pvalue(statistic) == pytest.approx(2 * stats.t.sf(abs(statistic), 7.3))


def test_the_trend_is_numpys_weighted_fit():
    rng = np.random.default_rng(0)
    errors, values = rng.uniform(0.5, 2, 9), rng.normal(size=9)
    effects = {
        day: Effect.measured(value, error, distribution=Normal())
        for day, (value, error) in enumerate(zip(values.tolist(), errors.tolist(), strict=True))
    }
    found = novelty(effects)
    fit, covariance = np.polyfit(range(9), values, 1, w=1 / errors, cov="unscaled")
    assert found.slope.value == pytest.approx(fit[0])
    assert found.slope.standard_error == pytest.approx(np.sqrt(covariance[0, 0]))
    half = DescrStatsW(values[4:], weights=1 / errors[4:] ** 2)
    assert found.second_half.value == pytest.approx(half.mean)
