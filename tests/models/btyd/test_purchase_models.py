"""What every model of purchase counts must do, against the stories they tell and against published figures."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import betaln, gammaln
from tests.models.btyd.shoppers import beta_geometric, history, pareto, report

from shopwright.core.errors import DataError
from shopwright.models.btyd import PURCHASE_MODELS, BgNbd, MbgNbd, ParetoNbd
from shopwright.models.btyd.beta_geometric import _mean_by_series, mean_count

KNOWN = {
    BgNbd: (0.6, 8.0, 0.8, 2.5),
    MbgNbd: (0.9, 8.0, 0.6, 1.5),
    ParetoNbd: (0.7, 9.0, 0.6, 12.0),
}
every_model = pytest.mark.parametrize("model", PURCHASE_MODELS, ids=lambda model: model.NAME)


def known(model, *parameters):
    return model(*(parameters or KNOWN[model]), report=report())


def drawn(model, count, seed=0, later=30.0):
    if model is ParetoNbd:
        return pareto(KNOWN[model], count, later=later, seed=seed)
    occasions = model.FIRST_OCCASIONS
    return beta_geometric(KNOWN[model], count, first_occasions=occasions, later=later, seed=seed)


@st.composite
def histories(draw, most=60):
    rows = []
    for _ in range(draw(st.integers(1, 5))):
        age = draw(st.floats(0.0, 300.0))
        x = draw(st.integers(0, most)) if age > 0.1 else 0
        rows.append((x, age * draw(st.floats(0.001, 1.0)) if x else 0.0, age))
    return history(*(np.array(column, float) for column in zip(*rows, strict=True)))


positive = st.floats(-3, 3).map(math.exp)
parameters = st.tuples(positive, st.floats(-1, 5).map(math.exp), positive, st.floats(-1, 4).map(math.exp))


def over_gamma(shape, rate):
    """Weights and values of a Gamma variable: the trapezoid rule in its logarithm."""
    log = np.linspace(-60, math.log(200 / rate), 1200)
    density = np.exp(shape * log - rate * np.exp(log) + shape * math.log(rate) - gammaln(shape))
    return density * (log[1] - log[0]), np.exp(log)


def told(model, x, t_x, age):
    """The likelihood of one history, straight from the story: averaged over rates and chances."""
    r, alpha, third, fourth = KNOWN[model]
    weight, rate = over_gamma(r, alpha)
    if model is ParetoNbd:
        weight_leaving, leaving = over_gamma(third, fourth)
        rate, leaving = rate[:, None], leaving[None, :]
        both = rate + leaving
        each = rate**x * (leaving * np.exp(-both * t_x) + rate * np.exp(-both * age)) / both
        return weight @ each @ weight_leaving
    occasions = x + model.FIRST_OCCASIONS
    odds = np.linspace(-60, 60, 1500)
    p, q = 1 / (1 + np.exp(-odds)), 1 / (1 + np.exp(odds))
    weight_leaving = p**third * q**fourth * math.exp(-betaln(third, fourth)) * (odds[1] - odds[0])
    stayed = (weight_leaving @ q**occasions) * (weight @ (rate**x * np.exp(-rate * age)))
    if not occasions:
        return stayed
    return stayed + (weight_leaving @ (p * q ** (occasions - 1))) * (weight @ (rate**x * np.exp(-rate * t_x)))


@every_model
@pytest.mark.parametrize(
    "row", [(0, 0.0, 39.0), (1, 2.0, 39.0), (2, 30.43, 38.86), (7, 20.0, 20.0), (26, 30.86, 31.0), (0, 0, 0)]
)
def test_the_likelihood_is_that_of_the_story(model, row):
    found = known(model).log_likelihood(history(*([number] for number in row)))
    assert found[0] == pytest.approx(math.log(told(model, *row)), rel=1e-8, abs=1e-8)


@every_model
@given(data=histories(), at=parameters)
@settings(max_examples=25)
def test_the_gradient_is_that_of_the_likelihood(model, data, at):
    columns = (data.frequency, data.recency, data.age)

    def total(theta):
        return model.likelihood(np.exp(theta), *columns).value.sum()

    theta = np.log(at)
    steps = 1e-5 * np.eye(4)
    numeric = np.array([(total(theta + step) - total(theta - step)) / 2e-5 for step in steps])
    exact = model.likelihood(np.exp(theta), *columns).slope.sum(axis=0)
    assert exact == pytest.approx(numeric, rel=1e-5, abs=1e-4)


@every_model
@pytest.mark.parametrize("row", [(0, 0.0, 5.0), (2, 30.0, 39.0), (9, 35.0, 39.0)])
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_chances_of_counts_follow_from_likelihoods(model, row, count):
    """Purchases at u_1 < ... < u_y make a longer history; its likelihood, over all such times, is their chance."""
    x, t_x, age = row
    horizon = 26.0
    fitted = known(model)

    def likelihood(more, last):
        one = history([x + more], [last if x + more else 0.0], [age + horizon])
        return math.exp(fitted.log_likelihood(one)[0] - fitted.log_likelihood(history([x], [t_x], [age]))[0])

    def density(u):
        return u ** (count - 1) / math.factorial(count - 1) * likelihood(count, age + u)

    wanted = quad(density, 0, horizon)[0] if count else likelihood(0, t_x)
    found = fitted.purchase_probabilities(history([x], [t_x], [age]), horizon, 8)[0]
    assert found[count] == pytest.approx(wanted, rel=1e-8)


@every_model
def test_chances_add_up_to_1_and_their_mean_is_the_expected_count(model):
    data, _ = drawn(model, 200)
    found = known(model).purchase_probabilities(data, 30, 400)
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-9)
    assert found @ np.arange(401) == pytest.approx(known(model).expected_purchases(data, 30), rel=1e-7)


@every_model
@given(data=histories(), at=parameters, horizon=st.floats(0.01, 300))
@settings(max_examples=40)
def test_any_history_has_numbers_in_range(model, data, at, horizon):
    fitted = known(model, *at)
    alive = fitted.probability_alive(data)
    chances = fitted.purchase_probabilities(data, horizon, 12)
    expected = fitted.expected_purchases(data, horizon)
    assert np.isfinite(fitted.log_likelihood(data)).all()
    assert ((alive >= 0) & (alive <= 1)).all()
    assert ((chances >= 0) & (chances <= 1)).all()
    assert (chances.sum(axis=1) <= 1 + 1e-9).all()
    assert (np.isfinite(expected) & (expected >= 0)).all()
    assert (expected >= chances @ np.arange(13) * (1 - 1e-6)).all()


@every_model
@given(x=st.integers(1, 40), age=st.floats(1, 100))
@settings(max_examples=25)
def test_who_bought_lately_is_likelier_alive(model, x, age):
    recency = np.linspace(0.01, 1, 12) * age
    alive = known(model).probability_alive(history(np.full(12, x), recency, np.full(12, age)))
    assert (np.diff(alive) >= -1e-12).all()


@every_model
def test_parameters_of_simulated_customers_are_recovered(model):
    data, later = drawn(model, 8_000)
    found = model.fit(data)
    errors = np.array([found.report.standard_errors[name] for name in model.PARAMETERS])
    assert found.report.converged
    assert not found.report.warnings
    assert (np.abs(found.parameters - KNOWN[model]) < 3.5 * errors).all()
    assert found.expected_purchases(data, 30).sum() == pytest.approx(later.sum(), rel=0.07)
    shares = found.purchase_probabilities(data, 30, 4).mean(axis=0)
    assert shares == pytest.approx(np.bincount(later.astype(int))[:5] / len(data), abs=0.018)


@every_model
def test_the_unit_of_time_changes_times_only(model):
    data, _ = drawn(model, 300)
    weeks = model.fit(data)
    days = model.fit(type(data)(data.frequency, data.recency * 7, data.age * 7, data.value, unit_days=1.0))
    scale = np.array([7.0 if name in model.TIMES else 1.0 for name in model.PARAMETERS])
    assert days.parameters == pytest.approx(weeks.parameters * scale, rel=1e-3)
    with pytest.raises(DataError, match="units of 7 days"):
        days.probability_alive(data)


@every_model
def test_a_model_survives_being_written_down(model):
    found = model.fit(drawn(model, 200)[0], penalty=1.0)
    again = model.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again == found
    other = next(each for each in PURCHASE_MODELS if each is not model)
    with pytest.raises(DataError, match=f"expected {other.NAME}"):
        other.from_dict(found.to_dict())


@every_model
def test_many_customers_alike_weigh_as_many(model):
    data, _ = drawn(model, 200)
    twice = data.take(np.repeat(np.arange(len(data)), 2))
    assert model.fit(twice).parameters == pytest.approx(model.fit(data).parameters, rel=1e-3)


@every_model
def test_a_penalty_draws_parameters_to_the_middle(model):
    data, _ = drawn(model, 300)
    scale = np.array([data.age.mean() if name in model.TIMES else 1.0 for name in model.PARAMETERS])
    free, held = model.fit(data), model.fit(data, penalty=1e4)
    assert np.abs(np.log(held.parameters / scale)).max() < 0.3
    assert held.report.log_likelihood < free.report.log_likelihood
    with pytest.raises(ValueError, match="0 or more"):
        model.fit(data, penalty=-1.0)


@every_model
def test_too_few_repeat_buyers_are_refused(model):
    with pytest.raises(DataError, match="0 of 50 customers bought again"):
        model.fit(history(np.zeros(50), np.zeros(50), np.full(50, 9.0)))


@every_model
def test_horizons_and_counts_have_a_range(model):
    one = history([1], [1], [2])
    with pytest.raises(ValueError, match="horizon"):
        known(model).expected_purchases(one, 0.0)
    with pytest.raises(ValueError, match="max_count"):
        known(model).purchase_probabilities(one, 1.0, -1)


def test_customers_who_never_leave_are_told():
    """All buy as regularly until the end: how they leave cannot be learned."""
    rng = np.random.default_rng(0)
    x = rng.poisson(rng.gamma(2, 5, 400)) + 1.0
    found = BgNbd.fit(history(x, np.full(400, 50.0), np.full(400, 50.0)))
    assert any("at its bound" in warning for warning in found.report.warnings)
    assert found.report.standard_errors is None


def test_who_bought_once_may_have_left_only_in_mbg():
    once = history([0.0], [0.0], [39.0])
    assert known(BgNbd).probability_alive(once) == 1
    assert known(MbgNbd).probability_alive(once) < 1


@pytest.mark.parametrize(
    ("model", "row", "horizon", "wanted"),
    [
        (BgNbd, (2, 30.43, 38.86), 39, 1.226),
        (BgNbd, (26, 30.86, 31), 52, 25.76),
        (ParetoNbd, (26, 30.86, 31), 52, 25.46),
    ],
)
def test_expected_counts_that_were_published(model, row, horizon, wanted):
    """Fader and Hardie, "Implementing the BG/NBD model in Excel"; the walk-through of the R package BTYD 2.4."""
    at = {BgNbd: (0.242594, 4.413602, 0.792922, 2.425907), ParetoNbd: (0.55328, 10.57768, 0.60624, 11.66873)}
    found = known(model, *at[model]).expected_purchases(history(*([number] for number in row)), horizon)
    assert found[0] == pytest.approx(wanted, rel=5e-4)


@given(
    a=st.one_of(st.floats(0.05, 8), st.floats(0.9998, 1.0002), st.just(1.0)),
    b=st.floats(0.05, 200),
    r=st.floats(0.05, 200),
    reach=st.floats(0.001, 5),
)
@settings(max_examples=40)
def test_the_mean_count_is_the_sum_of_its_series(a, b, r, reach):
    b, r, reach = (np.array([number]) for number in (b, r, reach))
    assert mean_count(a, b, r, reach) == pytest.approx(_mean_by_series(a, b, r, reach), rel=1e-6)
