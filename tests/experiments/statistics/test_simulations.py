"""Error rates and coverage on simulated experiments, through the public functions; seeds are fixed.

Bounds: 2,000 experiments know a rate of 5 % to within 0.5 points (one standard error), 3,000 a coverage of 95
% to within 0.4.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shopwright.experiments.statistics import (
    Estimate,
    Moments,
    Proportion,
    QuantileSummary,
    Quantity,
    always_valid,
    compare_quantiles,
    cuped,
    quantile_positions,
    ratio_of_means,
    sample_ratio,
    two_proportions,
    welch,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.random import Generator
    from numpy.typing import NDArray

pytestmark = pytest.mark.slow

Columns = dict[str, "NDArray[np.float64]"]

SESSIONS, ORDER_RATE, VALUE = 6.0, 0.2, 40.0
"""Means of a user's sessions, of orders per session, and of an order's value."""


def shoppers(rng: Generator, shape: tuple[int, ...], *, lift: float = 0.0) -> Columns:
    """Users whose habits last: sessions, orders and revenue, and the same before the experiment.

    The lift raises the rate of orders per session, so orders, revenue and their ratios rise by it alike.
    """
    habit, taste = rng.gamma(2, 1 / 2, shape), rng.beta(4, 16, shape)
    wallet = VALUE * np.exp(rng.normal(-(0.6**2) / 2, 0.6, shape))

    def period(rate: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        sessions = 1 + rng.poisson((SESSIONS - 1) * habit)
        orders = rng.binomial(sessions, rate)
        noise = np.exp(rng.normal(-(0.3**2) / 2, 0.3, shape))
        return sessions.astype(float), orders.astype(float), orders * wallet * noise

    before, now = period(taste), period(taste * (1 + lift))
    return {
        "sessions": now[0],
        "orders": now[1],
        "revenue": now[2],
        "converted": (now[1] > 0).astype(float),
        "sessions_before": before[0],
        "revenue_before": before[2],
    }


def each(columns: Columns) -> Iterator[Moments]:
    """Moments of every row of arrays of shape (experiments, users)."""
    stacked = np.stack(list(columns.values()), axis=1)
    for sums, products in zip(stacked.sum(axis=2), stacked @ stacked.transpose(0, 2, 1), strict=True):
        yield Moments(stacked.shape[2], tuple(columns), sums, products)


def proportions(control: Moments, treatment: Moments) -> Estimate:
    return two_proportions(*(Proportion.from_moments(arm, "converted") for arm in (control, treatment)))


METRICS: dict[str, Callable[[Moments, Moments], Estimate]] = {
    "mean": lambda one, two: welch(one, two, column="revenue"),
    "proportion": proportions,
    "ratio": lambda one, two: ratio_of_means(one, two, numerator="revenue", denominator="sessions"),
    "cuped": lambda one, two: cuped(
        one, two, metric=Quantity("revenue"), covariate=Quantity("revenue_before")
    ),
    "cuped-ratio": lambda one, two: cuped(
        one,
        two,
        metric=Quantity("revenue", "sessions"),
        covariate=Quantity("revenue_before", "sessions_before"),
    ),
}


def experiments(seed: int, *, count: int, users: int, lift: float = 0.0) -> list[tuple[Moments, Moments]]:
    rng = np.random.default_rng(seed)
    made: list[tuple[Moments, Moments]] = []
    for _ in range(count // 250):
        control, treatment = shoppers(rng, (250, users)), shoppers(rng, (250, users), lift=lift)
        made += zip(each(control), each(treatment), strict=True)
    return made


def share(hits: list[bool]) -> float:
    return sum(hits) / len(hits)


@pytest.fixture(scope="module")
def alike() -> list[tuple[Moments, Moments]]:
    """2,000 A/A tests of 1,000 users a variant."""
    return experiments(1, count=2_000, users=1_000)


@pytest.fixture(scope="module")
def lifted() -> list[tuple[Moments, Moments]]:
    """3,000 tests of 1,000 users a variant, whose treatment orders 20 % more often."""
    return experiments(2, count=3_000, users=1_000, lift=0.2)


@pytest.mark.parametrize("metric", METRICS)
def test_false_positives_are_five_percent(alike, metric):
    found = [METRICS[metric](*arms) for arms in alike]
    assert share([one.pvalue < 0.05 for one in found]) == pytest.approx(0.05, abs=0.01)
    assert share([one.relative.pvalue < 0.05 for one in found]) == pytest.approx(0.05, abs=0.01)


@pytest.fixture(scope="module")
def truth() -> dict[str, float]:
    """What the control's metrics are, from the simulation's own formulas; conversion from a million users."""
    per_session = ORDER_RATE * VALUE
    rng = np.random.default_rng(3)
    made = [shoppers(rng, (10, 100_000), lift=lift)["converted"].mean() for lift in (0.0, 0.2)]
    return {
        "mean": SESSIONS * per_session,
        "ratio": per_session,
        "proportion": float(made[0]),
        "proportion lifted": float(made[1]),
    }


@pytest.mark.parametrize("metric", METRICS)
def test_intervals_cover_a_planted_lift(lifted, truth, metric):
    base = truth[{"cuped": "mean", "cuped-ratio": "ratio"}.get(metric, metric)]
    lift = 0.2 if metric != "proportion" else truth["proportion lifted"] / base - 1
    found = [METRICS[metric](*arms) for arms in lifted]
    assert share([lift * base in one.absolute.interval for one in found]) == pytest.approx(0.95, abs=0.015)
    assert share([lift in one.relative.interval for one in found]) == pytest.approx(0.95, abs=0.015)


def test_relative_intervals_cover_with_a_covariate_that_explains_nearly_all():
    """The covariate's overall mean cancels in differences but not in ratios; a lift of half shows it."""
    rng = np.random.default_rng(4)
    found = []
    for _ in range(3_000):
        x = rng.normal(10, 5, (2, 200))
        y = x + rng.normal(0, 0.5, (2, 200))
        y[1] += 5
        arms = [Moments.from_arrays({"y": y[arm], "x": x[arm]}) for arm in (0, 1)]
        found.append(cuped(*arms, metric=Quantity("y"), covariate=Quantity("x")))
    assert share([0.5 in one.relative.interval for one in found]) == pytest.approx(0.95, abs=0.015)
    assert share([5.0 in one.absolute.interval for one in found]) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("correlation", [0.3, 0.7, 0.95])
def test_cuped_narrows_by_the_root_of_one_less_the_squared_correlation(correlation):
    """A. Deng and others, WSDM 2013, equation 5."""
    rng = np.random.default_rng(5)
    rest = math.sqrt(1 - correlation**2)
    narrowing = []
    for _ in range(200):
        x = rng.normal(size=(2, 5_000))
        y = 3 + correlation * x + rest * rng.normal(size=(2, 5_000))
        arms = [Moments.from_arrays({"y": y[arm], "x": x[arm]}) for arm in (0, 1)]
        adjusted = cuped(*arms, metric=Quantity("y"), covariate=Quantity("x"))
        narrowing.append(adjusted.standard_error / welch(*arms, column="y").standard_error)
        assert 1 - adjusted.adjustment.variance_reduction == pytest.approx(narrowing[-1] ** 2)
    assert np.mean(narrowing) == pytest.approx(rest, rel=0.005)


PEEKS, USERS_A_PEEK, TESTS = 20, 100, 2_000


@pytest.fixture(scope="module")
def peeked() -> list[list[tuple[Moments, Moments]]]:
    """2,000 A/A tests, each as it stood at 20 looks with 100 more users a variant at each."""
    rng = np.random.default_rng(6)
    arms = [[], []]
    for arm in arms:
        for _ in range(PEEKS):
            columns = shoppers(rng, (TESTS, USERS_A_PEEK))
            columns = {
                name: columns[name]
                for name in ("revenue", "sessions", "converted", "revenue_before", "sessions_before")
            }
            new = list(each(columns))
            arm.append([old + more for old, more in zip(arm[-1], new, strict=True)] if arm else new)
    return [[(arms[0][peek][test], arms[1][peek][test]) for peek in range(PEEKS)] for test in range(TESTS)]


@pytest.mark.parametrize("metric", ["mean", "proportion", "ratio", "cuped"])
def test_twenty_peeks_fool_the_naive_reader_but_not_the_always_valid_one(peeked, metric):
    naive, valid, covered = [], [], []
    for looks in peeked:
        found = [METRICS[metric](*arms) for arms in looks]
        sequence = [always_valid(one, tuned_for=2 * PEEKS * USERS_A_PEEK) for one in found]
        naive.append(min(one.pvalue for one in found) < 0.05)
        valid.append(min(one.pvalue for one in sequence) < 0.05)
        covered.append(all(0 in one.relative.interval for one in sequence))
    assert share(naive) > 0.15
    assert share(valid) <= 0.05
    assert share(covered) >= 0.95


@pytest.mark.parametrize("quantile", [0.5, 0.9])
def test_quantile_intervals_cover(quantile):
    """Log-normal times to purchase; the treatment's are 20 % longer."""
    rng = np.random.default_rng(7)
    users, tests = 1_000, 3_000
    true = math.exp({0.5: 0.0, 0.9: 1.2815515655446004}[quantile])
    where = quantile_positions(users, quantile=quantile)
    control, treatment = (
        np.quantile(
            np.exp(rng.normal(math.log(scale), 1, (tests, users))),
            [where.lower, where.quantile, where.upper],
            axis=1,
            method="inverted_cdf",
        ).T.tolist()
        for scale in (1.0, 1.2)
    )
    found = [
        compare_quantiles(QuantileSummary(users, *one), QuantileSummary(users, *two))
        for one, two in zip(control, treatment, strict=True)
    ]
    assert share([0.2 * true in one.absolute.interval for one in found]) == pytest.approx(0.95, abs=0.015)
    assert share([0.2 in one.relative.interval for one in found]) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("weights", [(1, 1), (95, 5), (2, 3, 5)])
def test_at_most_one_percent_of_valid_experiments_are_ever_called_mismatched(weights):
    rng = np.random.default_rng(4)
    shares = np.array(weights) / sum(weights)
    looks = rng.multinomial(500, shares, (2_000, 20)).cumsum(axis=1)
    ever = [
        any(sample_ratio(counts.tolist(), weights=weights).is_mismatch for counts in experiment)
        for experiment in looks
    ]
    assert np.mean(ever) <= 0.01


def test_a_split_of_51_to_49_is_found_with_little_more_than_the_units_of_one_planned_look():
    rng = np.random.default_rng(4)
    # a chi-square test at 0.01 finds it in 80 % of experiments with 29,200 units
    counts = rng.multinomial(2 * 29_200, [0.51, 0.49], 500)
    assert np.mean([sample_ratio(split.tolist(), weights=[1, 1]).is_mismatch for split in counts]) > 0.8
