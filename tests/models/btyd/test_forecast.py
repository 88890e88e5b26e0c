"""From chances to forecasts, of counts and of value."""

from __future__ import annotations

import time
from itertools import product

import numpy as np
import pytest
from scipy.stats import betaprime
from tests.models.btyd.shoppers import history, pareto, report

from shopwright.core.errors import DataError
from shopwright.models.btyd import (
    BgNbd,
    GammaGamma,
    MbgNbd,
    ParetoNbd,
    forecast,
    interval_coverage,
    value_distribution,
    with_uncertainty,
)

KNOWN = (0.7, 9.0, 0.6, 12.0)
VALUE = GammaGamma(6.0, 4.0, 15.0, report=report())
MODEL = ParetoNbd(*KNOWN, report=report())
HORIZON = 30.0


class Stated:
    """Chances as given, of customers who differ in age only."""

    unit_days = 7.0

    def __init__(self, chances):
        self.chances = np.asarray(chances, float)

    def purchase_probabilities(self, data, horizon, most):
        found = np.zeros((len(data), most + 1))
        width = min(most + 1, self.chances.shape[1])
        found[:, :width] = self.chances[data.age.astype(int), :width]
        return found

    def expected_purchases(self, data, horizon):
        return self.chances[data.age.astype(int)] @ np.arange(self.chances.shape[1])


def of_ages(*ages):
    return history(np.zeros(len(ages)), np.zeros(len(ages)), np.array(ages, float))


def test_the_point_has_the_least_absolute_error_of_its_total():
    chances = [[0.6, 0.3, 0.1, 0.0], [0.3, 0.3, 0.2, 0.2], [0.05, 0.15, 0.4, 0.4]]
    found = forecast(Stated(chances), of_ages(0, 1, 2), 1.0)

    def error(points):
        return sum(
            chance * abs(count - point)
            for row, point in zip(chances, points, strict=True)
            for count, chance in enumerate(row)
        )

    total = found.mean.sum()
    assert found.point.sum() == pytest.approx(total)
    grid = np.arange(0, 3.01, 0.05)
    others = [
        error((first, second, total - first - second))
        for first, second in product(grid, grid)
        if 0 <= total - first - second <= 3
    ]
    assert error(found.point) <= min(others) + 1e-12


def test_customers_alike_share_a_point():
    found = forecast(Stated([[0.6, 0.4], [0.2, 0.8]]), of_ages(0, 0, 0, 1), 1.0)
    assert (
        found.point.tolist() == pytest.approx([1 / 3 + 1 / 15] * 3 + [0.8]) or len(set(found.point[:3])) == 1
    )
    assert found.point.sum() == pytest.approx(found.mean.sum())


def test_rare_buyers_need_the_far_end_of_the_chances():
    found = forecast(Stated([[0.9995, 0.0005], [0.99, 0.01]]), of_ages(*[0] * 90, *[1] * 10), 1.0)
    assert found.common_quantile == 0.99
    assert found.point[:90].max() == 0
    assert found.point.sum() == pytest.approx(0.145)


def test_bounds_are_quantiles_of_whole_numbers():
    found = forecast(Stated([[0.05, 0.2, 0.5, 0.2, 0.05]]), of_ages(0), 1.0, level=0.8)
    assert (found.lower[0], found.upper[0]) == (1, 3)
    wider = forecast(Stated([[0.05, 0.2, 0.5, 0.2, 0.05]]), of_ages(0), 1.0, level=0.95)
    assert (wider.lower[0], wider.upper[0]) == (0, 4)


def test_simulated_customers_fall_into_their_intervals():
    data, later = pareto(KNOWN, 20_000, later=HORIZON, seed=3)
    for level in (0.5, 0.8):
        assert interval_coverage(MODEL, data, HORIZON, later, level=level) == pytest.approx(level, abs=0.012)
    found = forecast(MODEL, data, HORIZON)
    inside = (later >= found.lower) & (later <= found.upper)
    assert inside.mean() > 0.8
    assert found.point.sum() == pytest.approx(found.mean.sum())
    assert np.abs(found.point - later).mean() < np.abs(found.mean - later).mean()
    assert found.mean.sum() == pytest.approx(later.sum(), rel=0.05)


def test_counts_and_levels_have_a_range():
    with pytest.raises(ValueError, match="level"):
        forecast(MODEL, of_ages(1), 1.0, level=0)
    with pytest.raises(DataError, match="2 actual counts for 1"):
        interval_coverage(MODEL, of_ages(1), 1.0, np.zeros(2))
    with pytest.raises(ValueError, match="level"):
        value_distribution(MODEL, VALUE, of_ages(1), 1.0, level=1)


@pytest.mark.parametrize("model", [BgNbd, MbgNbd, ParetoNbd])
def test_a_mixture_spans_the_parameters_that_the_data_leave_possible(model):
    data, _ = pareto(KNOWN, 300, later=HORIZON, seed=1)
    fitted = model.fit(data)
    spread = with_uncertainty(fitted)
    assert len(spread.models) == 8
    logs = np.log([each.parameters for each in spread.models])
    assert np.cov(logs.T, bias=True) == pytest.approx(np.array(fitted.report.covariance), rel=1e-6, abs=1e-12)
    chances = spread.purchase_probabilities(data, HORIZON, 300)
    counts = np.arange(301)
    assert chances.sum(axis=1) == pytest.approx(1, abs=1e-9)
    assert chances @ counts == pytest.approx(spread.expected_purchases(data, HORIZON), rel=1e-6)
    assert ((spread.probability_alive(data) >= 0) & (spread.probability_alive(data) <= 1)).all()


def test_without_a_covariance_a_model_stands_alone():
    assert with_uncertainty(MODEL).models == (MODEL,)
    wide = report(covariance=tuple(tuple(row) for row in (9 * np.eye(4)).tolist()))
    assert len(with_uncertainty(ParetoNbd(*KNOWN, report=wide)).models) == 1


def valued(x, age, value):
    x = np.asarray(x, float)
    return history(x, np.where(x > 0, 0.99 * np.asarray(age), 0.0), np.asarray(age, float), value)


def test_the_value_is_the_mixture_over_counts():
    data = valued([0, 2, 12], [1, 30, 30], [np.nan, 40.0, 12.0])
    found = value_distribution(MODEL, VALUE, data, 26.0, level=0.8)
    shape, rate = VALUE.posterior(data)
    chances = MODEL.purchase_probabilities(data, 26.0, 300)

    def below(amount, row):
        counts = np.arange(1, 301)
        return chances[row, 0] + chances[row, 1:] @ betaprime.cdf(
            amount / rate[row], 6.0 * counts, shape[row]
        )

    assert below(found.upper[0], 0) == pytest.approx(0.9, abs=1e-3)
    assert below(found.upper[1], 1) == pytest.approx(0.9, abs=1e-3)
    assert below(found.upper[2], 2) == pytest.approx(0.9, abs=1e-3)
    assert below(found.lower[2], 2) == pytest.approx(0.1, abs=1e-3)
    assert found.mean == pytest.approx(MODEL.expected_purchases(data, 26.0) * VALUE.expected_value(data))


def test_where_not_buying_is_likely_the_lower_bound_is_nothing():
    found = value_distribution(MODEL, VALUE, valued([0, 30], [50, 50], [np.nan, 20.0]), 26.0)
    assert found.lower[0] == 0
    assert found.lower[1] > 0
    assert (found.upper >= found.lower).all()


def test_simulated_spending_falls_into_its_interval():
    data, later = pareto(KNOWN, 8_000, later=HORIZON, seed=5)
    rng = np.random.default_rng(6)
    rate = rng.gamma(VALUE.q, 1 / VALUE.v, len(data))
    own = rng.gamma(VALUE.p * np.maximum(data.frequency, 1), 1 / rate) / np.maximum(data.frequency, 1)
    data = history(data.frequency, data.recency, data.age, np.where(data.frequency > 0, own, np.nan))
    spent = np.where(later > 0, rng.gamma(VALUE.p * np.maximum(later, 1), 1 / rate), 0.0)
    found = value_distribution(MODEL, VALUE, data, HORIZON)
    assert (spent > found.upper)[found.upper > 0].mean() == pytest.approx(0.1, abs=0.015)
    bounded = found.lower > 0
    assert (spent[bounded] < found.lower[bounded]).mean() == pytest.approx(0.1, abs=0.04)
    assert found.mean.sum() == pytest.approx(spent.sum(), rel=0.07)


@pytest.mark.slow
def test_a_million_customers_are_fitted_and_a_hundred_thousand_valued_in_time():
    count = 1_000_000
    rng = np.random.default_rng(0)
    data, _ = pareto(KNOWN, count, later=HORIZON, seed=2)
    age, recency = np.ceil(data.age * 7) / 7, np.ceil(data.recency * 7) / 7
    data = history(data.frequency, recency, age, np.where(data.frequency > 0, rng.gamma(6, 5, count), np.nan))
    for model in (BgNbd, MbgNbd, ParetoNbd):
        begun = time.perf_counter()
        assert model.fit(data).report.converged
        assert time.perf_counter() - begun < 60
    begun = time.perf_counter()
    value_distribution(MODEL, VALUE, data.take(np.arange(100_000)), 52.0)
    assert time.perf_counter() - begun < 20
