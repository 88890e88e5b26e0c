from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopwright.simulate.arrays import Versions, is_first_occurrence, running_sum_before, spread_ids
from shopwright.simulate.config import SimulationConfig
from shopwright.simulate.journeys import COEFFICIENTS, INTERCEPT, abandonment_causes
from shopwright.simulate.seasonality import DAY, Period, Season
from shopwright.simulate.shop import open_shop
from shopwright.simulate.visits import Visits, draw_dwell, draw_views, space_out

sessions = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 10_000), st.integers(1, 3_000)), max_size=40
).map(sorted)


@given(sessions)
def test_sessions_are_delayed_just_enough(rows: list[tuple[int, int, int]]) -> None:
    user, start, taken = (np.array([row[part] for row in rows], dtype=np.int64) for part in range(3))
    expected, free = [], {}
    for who, wanted, length in rows:
        begins = max(wanted, free.get(who, 0))
        free[who] = begins + length
        expected.append(begins)
    assert space_out(user, start, taken).tolist() == expected


@given(st.integers(0, 2**32))
def test_the_season_and_its_inverse_agree(seed: int) -> None:
    period = Period.from_start(SimulationConfig().start, 2)
    season = Season(period)
    at = np.random.default_rng(seed).integers(period.start, period.end, 50)
    assert np.abs(season.time_at(season.level(at)) - at).max() <= 1
    assert season.level(np.array([period.end]))[0] == pytest.approx((period.end - period.start) / DAY)


def test_spans_cover_the_period_once() -> None:
    period = Period.from_start(SimulationConfig().start, 3)
    spans = list(period.spans(20))
    assert [span.start for span in spans[1:]] == [span.end for span in spans[:-1]]
    assert (spans[0].start, spans[-1].end) == (period.start, period.end)
    assert len(list(period.spans(1))) == 3


def test_versions_are_looked_up_by_owner_and_time() -> None:
    versions = Versions(np.array([0, 0, 1]), np.array([10, 20, 5]))
    found = versions.at(np.array([0, 0, 0, 0, 1]), np.array([10, 19, 20, 99, 99]))
    assert found.tolist() == [0, 0, 1, 1, 2]


def test_array_steps() -> None:
    assert running_sum_before(np.array([5, 6, 7, 8]), np.array([0, 2, 2, 4])).tolist() == [0, 5, 0, 7]
    assert is_first_occurrence(np.array([3, 1, 3, 1])).tolist() == [True, True, False, False]
    ids = spread_ids(100, 999, 300, np.random.default_rng(1))
    assert len(np.unique(ids)) == 300
    assert ids.min() >= 100
    assert ids.max() <= 999


def test_a_logistic_regression_recovers_the_causes_of_abandonment() -> None:
    rng = np.random.default_rng(3)
    shop = open_shop(SimulationConfig(events=100_000, experiment_effect=0.0, bot_share=0.0), rng)
    size = 120_000
    user = np.sort(rng.integers(0, shop.users.size, size))
    views = draw_views(np.zeros(size, dtype=bool), with_bounces=False, rng=rng)
    start = shop.period.start + rng.integers(0, 30 * DAY, size)
    visits = Visits(user, start, start + DAY, views, draw_dwell(views, np.zeros(size, dtype=bool), rng))
    seen = (rng.random(shop.users.size) < 0.5).astype(np.int64)
    journeys = shop.journeys(visits, seen, rng)
    product_views, decisions = journeys.product_views, journeys.decisions
    lines = np.flatnonzero(product_views.is_carted & ~product_views.is_removed)
    causes = abandonment_causes(
        visits, journeys.sessions, product_views, shop.users, lines, decisions.session
    )
    columns = np.column_stack([np.ones(len(decisions.session)), *causes.values()])
    fitted = logistic_regression(columns, (~decisions.is_purchase).astype(np.float64))
    assert fitted == pytest.approx([INTERCEPT, *COEFFICIENTS.values()], abs=0.15)


def logistic_regression(columns: np.ndarray, outcome: np.ndarray) -> list[float]:
    """Coefficients by Newton's method."""
    weights = np.zeros(columns.shape[1])
    for _ in range(10):
        chance = 1 / (1 + np.exp(-columns @ weights))
        curvature = columns.T @ (columns * (chance * (1 - chance))[:, None])
        weights += np.linalg.solve(curvature, columns.T @ (outcome - chance))
    return [float(weight) for weight in weights]
