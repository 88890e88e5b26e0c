"""What a purchase is worth."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import gamma as gamma_distribution
from tests.models.btyd.shoppers import history, report

from shopwright.core.errors import DataError
from shopwright.models.btyd import BgNbd, GammaGamma, independence

KNOWN = (6.0, 4.0, 15.0)


def known(*parameters):
    return GammaGamma(*(parameters or KNOWN), report=report())


def valued(x, value):
    x = np.asarray(x, float)
    return history(x, np.where(x > 0, 1.0, 0.0), np.full(len(x), 2.0), value)


def drawn(count, seed=0):
    p, q, v = KNOWN
    rng = np.random.default_rng(seed)
    x = rng.geometric(0.4, count) - 1.0
    rate = rng.gamma(q, 1 / v, count)
    total = rng.gamma(p * np.maximum(x, 1), 1 / rate)
    return valued(x, np.where(x > 0, total / np.maximum(x, 1), np.nan)), p / rate


@pytest.mark.parametrize(("x", "mean"), [(1, 3.0), (4, 25.0), (30, 12.0)])
def test_the_likelihood_is_that_of_the_story(x, mean):
    p, q, v = KNOWN

    def density(rate):
        own = gamma_distribution.pdf(mean, p * x, scale=1 / (rate * x))
        return own * gamma_distribution.pdf(rate, q, scale=1 / v)

    wanted = math.log(quad(density, 0, 20, limit=300)[0])
    assert known().log_likelihood(valued([x], [mean]))[0] == pytest.approx(wanted, rel=1e-6)


def test_parameters_of_simulated_values_are_recovered():
    data, _ = drawn(20_000)
    found = GammaGamma.fit(data)
    errors = found.report.standard_errors
    assert found.report.converged
    assert found.report.customers == data.repeat_buyers
    for name, wanted in zip(GammaGamma.PARAMETERS, KNOWN, strict=True):
        assert abs(getattr(found, name) - wanted) < 3.5 * errors[name]


def test_expected_values_have_the_mean_of_the_true_ones():
    data, true = drawn(20_000)
    assert known().expected_value(data).mean() == pytest.approx(true.mean(), rel=0.02)


def test_the_expected_value_lies_between_the_own_mean_and_everyones():
    newcomer, once, often = known().expected_value(valued([0, 1, 50], [np.nan, 90, 90]))
    assert newcomer == pytest.approx(6 * 15 / 3)
    assert newcomer < once < often < 90


def test_values_that_are_not_positive_are_not_learned_from():
    data, _ = drawn(200)
    value = data.value.copy()
    first = np.flatnonzero(data.frequency > 0)[0]
    value[first] = -5.0
    found = GammaGamma.fit(valued(data.frequency, value))
    assert found.report.customers == data.repeat_buyers - 1
    assert (
        found.expected_value(valued([2, 0], [-5.0, np.nan]))[0]
        == found.expected_value(valued([0], [np.nan]))[0]
    )
    assert np.isnan(found.log_likelihood(valued([2], [-5.0])))[0]


def test_without_a_mean_there_is_no_number():
    found = known(6.0, 0.9, 15.0).expected_value(valued([0, 3], [np.nan, 10.0]))
    assert np.isnan(found[0])
    assert found[1] > 0


def test_frequency_and_value_may_depend_on_each_other():
    data, _ = drawn(3000)
    assert abs(independence(data).correlation) < 0.06
    bound = independence(valued(data.frequency, data.frequency + 1.0))
    assert bound.correlation == pytest.approx(1)
    assert bound.pvalue < 1e-9
    assert independence(valued([2, 2, 2], [1, 2, 3])).correlation is None


def test_a_model_survives_being_written_down():
    found = GammaGamma.fit(drawn(300)[0], penalty=1.0)
    assert GammaGamma.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    with pytest.raises(DataError, match="gamma_gamma"):
        GammaGamma.from_dict(BgNbd(1.0, 1.0, 1.0, 1.0, report=report()).to_dict())


def test_what_is_out_of_range_is_refused():
    with pytest.raises(DataError, match="bought again"):
        GammaGamma.fit(valued(np.ones(30), np.full(30, np.nan)))
    with pytest.raises(ValueError, match="penalty"):
        GammaGamma.fit(drawn(100)[0], penalty=-1)
