"""Figures that others have published, to five decimals; each test names its source."""

from __future__ import annotations

import pytest

from shopwright.core.engine import connect
from shopwright.core.sql import quote_text
from shopwright.experiments.statistics import (
    Moments,
    Proportion,
    Quantity,
    chi_square_independence,
    cuped,
    posterior,
    ratio_of_means,
    sample_ratio,
    two_proportions,
    welch,
)


def near(value):
    return pytest.approx(value, abs=5e-6)


class TestCookieCats:
    """The Cookie Cats experiment: 90,189 players, a gate at level 30 (control) or 40; counts of the public
    file."""

    day_1 = (Proportion(20_034, 44_700), Proportion(20_119, 45_489))
    day_7 = (Proportion(8_502, 44_700), Proportion(8_279, 45_489))

    def test_these_are_the_counts_of_the_file(self, real_data):
        file = real_data / "cookie_cats" / "cookie_cats.csv"
        with connect() as connection:
            counts = connection.execute(
                "select count(*), count(*) filter (where retention_1), count(*) filter (where retention_7) "
                f"from read_csv({quote_text(str(file))}) group by version order by version"
            ).fetchall()
        assert counts == [
            (one.count, one.successes, two.successes) for one, two in zip(self.day_1, self.day_7, strict=True)
        ]

    def test_retention_after_a_day(self):
        found = two_proportions(*self.day_1)
        assert found.absolute.value * 100 == pytest.approx(-0.5905, abs=5e-5)
        assert found.statistic == pytest.approx(-1.7841, abs=5e-5)
        assert found.pvalue == near(0.07441)

    def test_retention_after_a_week(self):
        found = two_proportions(*self.day_7)
        interval = found.absolute.interval
        assert found.absolute.value * 100 == pytest.approx(-0.8201, abs=5e-5)
        assert (interval.lower * 100, interval.upper * 100) == pytest.approx((-1.328, -0.312), abs=5e-4)
        assert found.statistic == pytest.approx(-3.1644, abs=5e-5)
        assert found.pvalue == pytest.approx(0.001554, abs=5e-7)

    def test_the_table_of_both_variants_says_the_same(self):
        table = [[one.successes, one.count - one.successes] for one in self.day_7]
        found = chi_square_independence(table)
        assert found.statistic == pytest.approx(3.1644**2, abs=5e-4)
        assert found.pvalue == near(0.001554)

    def test_the_sample_ratio_is_off_at_one_look_and_not_at_any(self):
        found = sample_ratio([44_700, 45_489], weights=[1, 1])
        assert found.statistic == pytest.approx(6.9024, abs=5e-5)
        assert found.pvalue == near(0.00861)
        assert found.sequential_pvalue == pytest.approx(0.408, abs=5e-4)
        assert not found.is_mismatch


class TestGrowthBook:
    """Cases from the test suite of GrowthBook's statistics engine (growthbook/growthbook,
    packages/stats/tests)."""

    control = Moments.from_sums(3407, {"x": 1396.87}, {("x", "x"): 52377.9767})
    treatment = Moments.from_sums(3461, {"x": 2422.7}, {("x", "x"): 134698.29})

    def test_relative_difference_of_means(self):
        found = welch(self.control, self.treatment, column="x").relative
        assert found.value == near(0.70732)
        assert (found.interval.lower, found.interval.upper) == near((-0.03526, 1.44989))
        assert found.standard_error == near(0.37879)
        assert found.pvalue == near(0.06191)

    def test_absolute_difference_of_means(self):
        found = welch(self.control, self.treatment, column="x").absolute
        assert found.value == near(0.29)
        assert (found.interval.lower, found.interval.upper) == near((0.04538, 0.53462))
        assert found.pvalue == near(0.02016)

    def test_relative_difference_of_proportions(self):
        found = two_proportions(Proportion(14, 28), Proportion(16, 30)).relative
        assert found.value == near(0.06667)
        assert (found.interval.lower, found.interval.upper) == near((-0.47767, 0.61101))
        assert found.pvalue == near(0.80707)

    def test_flat_prior(self):
        found = posterior(two_proportions(Proportion(49, 100), Proportion(51, 100)))
        assert found.mean == near(0.04082)
        assert (found.interval.lower, found.interval.upper) == near((-0.24779, 0.32943))
        assert found.chance_to_win == near(0.60918)


class TestTeaTasting:
    """The guide of tea-tasting 1.14 on ``make_users_data(rng=42)``."""

    def test_without_history(self, plain_users):
        per_session = ratio_of_means(*plain_users, numerator="orders", denominator="sessions")
        assert per_session.pvalue == pytest.approx(0.0762376, abs=5e-8)
        assert welch(*plain_users, column="orders").pvalue == pytest.approx(0.1177318, abs=5e-8)
        assert welch(*plain_users, column="revenue").pvalue == pytest.approx(0.1230699, abs=5e-8)

    def test_with_history(self, users_with_history):
        per_session = cuped(
            *users_with_history,
            metric=Quantity("orders", "sessions"),
            covariate=Quantity("orders_covariate", "sessions_covariate"),
        )
        assert per_session.relative.value == pytest.approx(0.1213, abs=5e-5)
        assert per_session.pvalue == pytest.approx(0.0022929, abs=5e-8)
        revenue = cuped(
            *users_with_history, metric=Quantity("revenue"), covariate=Quantity("revenue_covariate")
        )
        assert revenue.relative.value == pytest.approx(0.1427, abs=5e-5)
        assert revenue.pvalue == pytest.approx(0.0067439, abs=5e-8)
