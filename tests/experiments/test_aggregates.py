"""One scan sums what Python sums over the same units."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopwright.experiments.aggregates import read_aggregates, read_caps
from shopwright.experiments.statistics import Moments, quantile_positions
from shopwright.metrics import METRICS, Kind
from tests.experiments.units import START, crowd, experiment, refill, table, unit, values, warehouse

SUMMED = [name for name, metric in METRICS.items() if metric.kind is not Kind.QUANTILE]
counts = st.integers(0, 50)
some_units = st.lists(
    st.builds(
        lambda variant, variants, device, is_new, day, orders, revenue, sessions, before: unit(
            variant=variant,
            variant_count=variants,
            device=device,
            is_new=is_new,
            exposed_date=START + timedelta(days=day),
            order_count=orders,
            is_converted=int(orders > 0),
            revenue_amount=revenue,
            session_count=sessions,
            pre_order_count=before,
        ),
        st.sampled_from(["control", "treatment", "third"]),
        st.sampled_from([1, 1, 1, 2]),
        st.sampled_from(["mobile", "(unknown)", "it's", None]),
        st.sampled_from([True, False, None]),
        st.integers(0, 3),
        counts,
        st.decimals(0, 10_000, places=4),
        counts,
        counts,
    ),
    max_size=30,
)


def moments(rows, names):
    return Moments.from_arrays({name: [float(row[name]) for row in rows] for name in names})


def agree(found, rows):
    expected = moments(rows, found.names)
    assert found.count == expected.count
    assert found.sums == pytest.approx(expected.sums)
    asked = ~np.isnan(found.products)
    assert found.products[asked] == pytest.approx(expected.products[asked])


@pytest.fixture(scope="module")
def shared():
    return warehouse(table([]))


@settings(max_examples=50)
@given(rows=some_units)
def test_moments_of_every_group_are_those_of_its_units(shared, rows):
    tried = experiment(secondary_metrics=["average_order_value", "revenue_per_session"], pre_period_days=28)
    found = read_aggregates(refill(shared, table(rows)), tried, dimensions=("device", "is_new"))
    groups = {}
    for row in [row for row in rows if row["variant_count"] == 1]:
        new = "(unknown)" if row["is_new"] is None else str(row["is_new"]).lower()
        keys = [("", ""), ("device", row["device"] or "(unknown)"), ("is_new", new)]
        for dimension, value in keys:
            groups.setdefault((dimension, value, row["variant"]), []).append(row)
    assert set(found.moments_by_group) == set(groups)
    for group, its_rows in groups.items():
        agree(found.moments_by_group[group], its_rows)


@settings(max_examples=50)
@given(rows=some_units)
def test_units_in_two_variants_are_counted_and_left_out(shared, rows):
    found = read_aggregates(refill(shared, table(rows)), experiment())
    kept = Counter(row["variant"] for row in rows if row["variant_count"] == 1)
    assert found.mixed == len(rows) - kept.total()
    assert {variant: found.group(variant).count for variant in kept} == kept
    assert {variant: steps[0] for variant, steps in found.steps.items()} == dict.fromkeys(kept, 0)


def test_days_run_from_the_first_unit_to_the_last():
    days = [date(2024, 3, 9), date(2024, 2, 27), date(2024, 3, 1)]
    rows = [unit(exposed_date=day, variant_count=number + 1) for number, day in enumerate(days)]
    found = read_aggregates(warehouse(table(rows)), experiment(), dimensions=())
    assert (found.last_exposed, found.days) == (max(days), (max(days) - min(days)).days + 1)


def test_an_experiment_without_units_has_no_groups():
    found = read_aggregates(warehouse(table([unit(experiment="another")])), experiment())
    assert (found.moments_by_group, found.mixed, found.last_exposed, found.days) == ({}, 0, None, 0)


def test_steps_count_the_units_that_got_there():
    rows = [
        unit(1, has_view=True),
        unit(2, has_view=True, has_cart=True),
        unit(3, has_view=True, has_cart=True, has_checkout=True, has_purchase=True),
        unit(4, "treatment", has_purchase=True),
        unit(5, has_view=True, variant_count=2),
    ]
    found = read_aggregates(warehouse(table(rows)), experiment())
    assert found.steps == {"control": (3, 2, 1, 1), "treatment": (0, 0, 0, 1)}


def test_every_metric_finds_the_products_that_it_needs():
    units = crowd(np.random.default_rng(0), {"control": 50, "treatment": 50})
    found = read_aggregates(
        warehouse(units), experiment(secondary_metrics=SUMMED[1:], pre_period_days=28)
    ).group("control")
    for name in found.names:
        assert found.sum(name) == pytest.approx(values(units, name, "control").sum())
        assert found.product(name, name) == pytest.approx((values(units, name, "control") ** 2).sum())
    assert found.product("revenue_amount", "pre_order_count") == pytest.approx(
        values(units, "revenue_amount", "control") @ values(units, "pre_order_count", "control")
    )


@pytest.mark.parametrize("quantile", [0.9, 0.99])
def test_amounts_are_cut_at_the_quantile_of_units_that_count_and_have_any(quantile):
    units = crowd(np.random.default_rng(1), {"control": 400, "treatment": 300})
    whale = unit(-1, "treatment", variant_count=2, revenue_amount=10**6)
    connection = warehouse(units)
    connection.register("whale", table([whale]))
    connection.execute("insert into gold.fct_experiment_units select * from whale")
    tried = experiment(primary_metric="revenue_per_user", winsorize=quantile, pre_period_days=28)
    aggregates = read_aggregates(connection, tried)
    found, revenue = aggregates.group("control"), values(units, "revenue_amount")
    cap = np.quantile(revenue[revenue > 0], quantile)
    assert cap > np.quantile(revenue, quantile)
    assert aggregates.caps == pytest.approx({"capped_revenue_amount": cap, "capped_pre_revenue_amount": cap})
    for name in ("revenue_amount", "pre_revenue_amount"):
        cut = np.clip(values(units, name, "control"), None, cap)
        assert found.sum(f"capped_{name}") == pytest.approx(cut.sum())
        assert found.product(f"capped_{name}", f"capped_{name}") == pytest.approx(cut @ cut)


def test_what_one_metric_cuts_another_reads_whole():
    units = crowd(np.random.default_rng(2), {"control": 400, "treatment": 300})
    tried = experiment(
        primary_metric="purchases_per_user", secondary_metrics=["average_order_value"], winsorize=0.9
    )
    found = read_aggregates(warehouse(units), tried).group("treatment")
    assert found.sum("order_count") == values(units, "order_count", "treatment").sum()
    assert found.sum("capped_order_count") < found.sum("order_count")


@pytest.mark.parametrize("name", ["average_order_value", "revenue_per_session", "items_per_order"])
def test_of_a_ratio_only_the_numerator_is_cut(name):
    units = crowd(np.random.default_rng(2), {"control": 400, "treatment": 300})
    tried = experiment(primary_metric=name, winsorize=0.9, pre_period_days=28)
    found, metric = read_aggregates(warehouse(units), tried), METRICS[name]
    assert set(found.caps) == {f"capped_{metric.numerator}", f"capped_pre_{metric.numerator}"}
    control = found.group("control")
    assert control.sum(metric.denominator) == values(units, metric.denominator, "control").sum()
    assert control.sum(f"capped_{metric.numerator}") < values(units, metric.numerator, "control").sum()


def test_where_few_buy_their_amounts_are_cut_and_not_lost():
    rows = [unit(number) for number in range(200)]
    rows += [unit(200 + number, revenue_amount=10 * (number + 1)) for number in range(5)]
    tried = experiment(primary_metric="revenue_per_user", winsorize=0.75)
    found = read_aggregates(warehouse(table(rows)), tried)
    assert found.caps == {"capped_revenue_amount": 40}
    assert found.group("control").sum("capped_revenue_amount") == 10 + 20 + 30 + 40 + 40


def test_where_nobody_has_any_there_is_no_cap():
    connection = warehouse(table([unit(1), unit(2)]))
    tried = experiment(primary_metric="revenue_per_user", winsorize=0.99)
    assert read_caps(connection, tried, ["is_converted", "capped_revenue_amount"]) == {}
    assert read_aggregates(connection, tried).group("control").sum("capped_revenue_amount") == 0


def test_what_is_not_to_be_cut_costs_no_scan():
    spy = Spy(warehouse(table([unit(1, revenue_amount=5)])))
    assert read_caps(spy, experiment(winsorize=0.99), ["is_converted", "order_count"]) == {}
    assert read_caps(spy, experiment(), ["capped_revenue_amount"]) == {}
    assert spy.queries == []


@pytest.mark.parametrize("buyers", [3, 40, 500])
def test_order_statistics_are_numpys(buyers):
    rng = np.random.default_rng(buyers)
    waits = rng.integers(1, 10_000, buyers).tolist()
    rows = [unit(number, seconds_to_purchase=wait) for number, wait in enumerate([*waits, None, None])]
    found = read_aggregates(
        warehouse(table([*rows, unit(variant_count=2, seconds_to_purchase=1)])),
        experiment(primary_metric="time_to_purchase"),
    ).quantiles["time_to_purchase", "control"]
    assert (found.count, found.value) == (buyers, pytest.approx(np.median(waits)))
    places = quantile_positions(buyers, quantile=0.5)
    bounds = np.quantile(waits, [places.lower, places.upper]) if places else (None, None)
    assert (found.lower, found.upper) == pytest.approx(tuple(bounds))


@pytest.mark.parametrize(
    ("given", "scans"),
    [
        ({"secondary_metrics": SUMMED[1:]}, 1),
        ({"primary_metric": "revenue_per_user", "winsorize": 0.99}, 2),
    ],
    ids=["all sums", "winsorised"],
)
def test_one_scan_reads_all_metrics_and_variants(given, scans):
    connection = warehouse(crowd(np.random.default_rng(3), {"control": 20, "treatment": 20, "third": 20}))
    spy = Spy(connection)
    read_aggregates(spy, experiment(**given))
    plans = [connection.execute(f"explain {query}").fetchall()[0][1] for query in spy.queries]
    assert sum(plan.count("SEQ_SCAN") for plan in plans) == scans


class Spy:
    """A connection that remembers what it was asked."""

    def __init__(self, connection):
        self.connection, self.queries = connection, []

    def execute(self, query, *parameters):
        self.queries.append(query)
        return self.connection.execute(query, *parameters)


def test_dates_are_groups_like_any_other_dimension():
    rows = [unit(1, exposed_date=date(2024, 3, 1)), unit(2, exposed_date=date(2024, 3, 9))]
    found = read_aggregates(warehouse(table(rows)), experiment(), dimensions=("exposed_date",))
    assert {value for dimension, value, _ in found.moments_by_group if dimension} == {
        "2024-03-01",
        "2024-03-09",
    }
