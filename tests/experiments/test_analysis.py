"""A read-out says of aggregates what independent implementations say of the units themselves."""

from __future__ import annotations

import math
from datetime import timedelta
from itertools import chain, product

import numpy as np
import pyarrow as pa
import pytest
import tea_tasting
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

from shopwright.assignment import expected_weights
from shopwright.experiments.aggregates import Aggregates, read_aggregates
from shopwright.experiments.analysis import analyze
from shopwright.experiments.segments import compare_cohorts, estimate_trend
from shopwright.experiments.statistics import Moments
from shopwright.experiments.statistics.moments import total
from shopwright.metrics import METRICS, Kind
from tests.experiments.units import START, crowd, experiment, from_columns, table, unit, values, warehouse

HISTORY = [
    name for name in METRICS if name not in {"cart_abandonment_rate", "return_rate", "time_to_purchase"}
]
"""Metrics whose measures are known before the experiment too."""


@pytest.fixture(scope="module")
def units():
    return crowd(np.random.default_rng(7), {"control": 900, "treatment": 800}, lift={"treatment": 0.15})


def read(units, **given):
    tried = experiment(**given)
    dimensions = ("device", "channel", "country", "is_new", "exposed_date")
    return analyze(tried, read_aggregates(warehouse(units), tried, dimensions=dimensions))


def tea(units, metric, covariates=(), control="control", variant="treatment"):
    """tea-tasting's result for a metric, computed from the units."""
    before = [f"pre_{name}" for name in metric.measures] if covariates else [None] * len(metric.measures)
    if metric.denominator:
        asked = tea_tasting.RatioOfMeans(metric.numerator, metric.denominator, *before)
    else:
        asked = tea_tasting.Mean(metric.numerator, *before)
    names = [name for name in (*metric.measures, *before) if name]
    data = pa.table({"variant": units["variant"], **{name: values(units, name) for name in names}})
    found = tea_tasting.Experiment(m=asked).analyze(data, control=control, all_variants=True)
    return found[control, variant]["m"]


@pytest.mark.parametrize(
    "name", [name for name, metric in METRICS.items() if metric.kind is not Kind.QUANTILE]
)
def test_means_and_ratios_are_tea_tastings(units, name):
    ours, theirs = read(units, primary_metric=name).metric_results[0].plain, tea(units, METRICS[name])
    assert (ours.control, ours.treatment) == pytest.approx((theirs.control, theirs.treatment))
    assert ours.relative.value == pytest.approx(theirs.rel_effect_size)
    if METRICS[name].kind is not Kind.PROPORTION:
        interval = ours.absolute.interval
        assert ours.pvalue == pytest.approx(theirs.pvalue)
        assert (interval.lower, interval.upper) == pytest.approx(
            (theirs.effect_size_ci_lower, theirs.effect_size_ci_upper)
        )


@pytest.mark.parametrize("name", HISTORY)
def test_with_a_history_they_are_tea_tastings_with_covariates(units, name):
    found = read(units, primary_metric=name, pre_period_days=28).metric_results[0]
    ours, theirs = found.estimate, tea(units, METRICS[name], covariates=True)
    interval = ours.absolute.interval
    assert found.estimate is found.adjusted
    assert ours.pvalue == pytest.approx(theirs.pvalue)
    assert (interval.lower, interval.upper) == pytest.approx(
        (theirs.effect_size_ci_lower, theirs.effect_size_ci_upper)
    )
    assert ours.standard_error < found.plain.standard_error


def test_every_variant_helps_to_tell_what_the_history_explains():
    names = ["control", "treatment", "third"]
    units = crowd(np.random.default_rng(9), dict.fromkeys(names, 200))
    found = read(
        units, variants=dict.fromkeys(names, 1), primary_metric="purchases_per_user", pre_period_days=28
    ).metric_results[0]
    covariance = np.cov(values(units, "order_count"), values(units, "pre_order_count"))
    theta = covariance[0, 1] / covariance[1, 1]
    now, before = (
        values(units, name, "treatment").mean() - values(units, name, "control").mean()
        for name in ("order_count", "pre_order_count")
    )
    assert found.adjusted.adjustment.theta == pytest.approx(theta)
    assert found.estimate.absolute.value == pytest.approx(now - theta * before)


def test_metrics_without_a_history_are_read_as_they_are(units):
    found = read(units, primary_metric="return_rate", pre_period_days=28).metric_results[0]
    assert (found.adjusted, found.estimate) == (None, found.plain)


def test_conversion_is_statsmodels_two_proportions(units):
    bought = [values(units, "is_converted", name) for name in ("treatment", "control")]
    statistic, pvalue = proportions_ztest([each.sum() for each in bought], [len(each) for each in bought])
    found = read(units).metric_results[0].plain
    assert (found.statistic, found.pvalue) == pytest.approx((statistic, pvalue))


def test_winsorised_revenue_is_scipys_welch_of_clipped_revenue(units):
    reading = read(units, primary_metric="revenue_per_user", winsorize=0.95).metric_results[0]
    found, cap = reading.plain, cap_of(units, "revenue_amount", 0.95)
    assert reading.cap == pytest.approx(cap)
    cut = [np.clip(values(units, "revenue_amount", name), None, cap) for name in ("treatment", "control")]
    theirs = stats.ttest_ind(*cut, equal_var=False)
    assert (found.statistic, found.pvalue) == pytest.approx((theirs.statistic, theirs.pvalue))


def test_winsorisation_cuts_the_time_before_too(units):
    found = read(units, primary_metric="revenue_per_user", winsorize=0.95, pre_period_days=28).metric_results[
        0
    ]
    theirs = tea(clipped(units, 0.95, "revenue_amount"), METRICS["revenue_per_user"], covariates=True)
    assert found.adjusted.pvalue == pytest.approx(theirs.pvalue, rel=1e-4)


@pytest.mark.parametrize("history", [0, 28])
@pytest.mark.parametrize("name", ["average_order_value", "items_per_order"])
def test_a_winsorised_ratio_is_that_of_cut_numerators_and_whole_denominators(units, name, history):
    found = read(units, primary_metric=name, winsorize=0.9, pre_period_days=history).metric_results[0]
    theirs = tea(clipped(units, 0.9, METRICS[name].numerator), METRICS[name], covariates=bool(history))
    assert found.estimate.pvalue == pytest.approx(theirs.pvalue, rel=1e-4)
    assert found.estimate.relative.value == pytest.approx(theirs.rel_effect_size, rel=1e-4)


def cap_of(units, name, quantile):
    """The quantile of the units that have any."""
    found = values(units, name)
    return np.quantile(found[found > 0], quantile)


def clipped(units, quantile, name):
    """The same units with a measure cut, and as it was before."""
    cap = cap_of(units, name, quantile)
    columns = {each: units[each].combine_chunks() for each in units.column_names}
    cut = {each: pa.array(np.clip(values(units, each), None, cap)) for each in (name, f"pre_{name}")}
    return from_columns(columns | cut)


def test_values_are_what_units_did_and_only_the_change_is_adjusted(units):
    found = read(units, primary_metric="purchases_per_user", pre_period_days=28).metric_results[0]
    theirs = tea(units, METRICS["purchases_per_user"], covariates=True)
    plain = tuple(values(units, "order_count", name).mean() for name in ("control", "treatment"))
    for estimate in (found.plain, found.adjusted, found.estimate, found.sequential):
        assert (estimate.control, estimate.treatment) == pytest.approx(plain)
    adjusted = found.adjusted.adjustment
    assert (adjusted.control, adjusted.treatment) == pytest.approx((theirs.control, theirs.treatment))
    assert adjusted.control != pytest.approx(plain[0])
    assert found.estimate.relative.value == pytest.approx(adjusted.treatment / adjusted.control - 1)
    assert found.estimate.absolute.value == pytest.approx(adjusted.treatment - adjusted.control)


def test_time_to_purchase_compares_medians(units):
    found = read(units, primary_metric="time_to_purchase").metric_results[0].plain
    waits = [values(units, "seconds_to_purchase", name) for name in ("control", "treatment")]
    assert (found.control, found.treatment) == pytest.approx(tuple(map(np.nanmedian, waits)))
    resampled = stats.bootstrap(
        [each[~np.isnan(each)] for each in waits],
        lambda one, two, axis: np.median(two, axis=axis) - np.median(one, axis=axis),
        n_resamples=500, rng=1, method="basic", vectorized=True,
    )  # fmt: skip
    assert found.standard_error == pytest.approx(resampled.standard_error, rel=0.2)


@pytest.mark.parametrize("many", [3, 5])
def test_every_variant_is_compared_with_the_control(many):
    names = ["control", "b", "c", "d", "e"][:many]
    units = crowd(np.random.default_rng(many), dict.fromkeys(names, 300), lift={"b": 0.3})
    found = read(units, variants=dict.fromkeys(names, 1), primary_metric="purchases_per_user")
    assert [reading.variant for reading in found.metric_results] == names[1:]
    for reading in found.metric_results:
        theirs = tea(units, METRICS["purchases_per_user"], variant=reading.variant)
        assert reading.plain.pvalue == pytest.approx(theirs.pvalue)


def test_conversion_is_tested_over_all_variants_at_once():
    names = ["control", "b", "c"]
    units = crowd(np.random.default_rng(1), dict.fromkeys(names, 300), lift={"c": 1})
    bought = [values(units, "is_converted", name).sum() for name in names]
    theirs = stats.chi2_contingency([bought, [300 - each for each in bought]], correction=False)
    found = read(units, variants=dict.fromkeys(names, 1)).conversion_test
    assert (found.statistic, found.pvalue, found.dof) == pytest.approx(
        (theirs.statistic, theirs.pvalue, theirs.dof)
    )


@pytest.mark.parametrize(
    ("ours", "theirs"), [("holm", "holm"), ("benjamini-hochberg", "fdr_bh"), ("none", None)]
)
def test_pvalues_are_corrected_over_the_variants_and_metrics_of_one_role(ours, theirs):
    names = ["control", "b", "c"]
    units = crowd(np.random.default_rng(5), dict.fromkeys(names, 400), lift={"b": 0.2})
    metric_results = read(
        units,
        variants=dict.fromkeys(names, 1),
        primary_metric="revenue_per_user",
        secondary_metrics=["cart_rate", "items_per_order", "time_to_purchase"],
        guardrails=[{"metric": "return_rate"}],
        correction=ours,
    ).metric_results
    for role, many in (("primary", 2), ("secondary", 6), ("guardrail", 2)):
        of_role = [reading for reading in metric_results if reading.role == role]
        pvalues = [reading.estimate.pvalue for reading in of_role]
        expected = multipletests(pvalues, method=theirs)[1] if theirs else pvalues
        assert len(of_role) == many
        assert [reading.corrected_pvalue for reading in of_role] == pytest.approx(list(expected))


@pytest.mark.parametrize(
    ("metric", "change", "verdict"),
    [
        ("conversion_rate", 0.0, "holds"),
        ("conversion_rate", -0.3, "fails"),
        ("conversion_rate", -0.05, "unclear"),
        ("conversion_rate", 0.3, "holds"),
        ("cart_abandonment_rate", 0.0, "holds"),
        ("cart_abandonment_rate", 0.3, "fails"),
        ("cart_abandonment_rate", -0.3, "holds"),
    ],
)
def test_a_guardrail_is_judged_by_the_worst_acceptable_change(metric, change, verdict):
    def rows(variant, rate):
        measure = {"conversion_rate": "is_converted", "cart_abandonment_rate": "abandoned_session_count"}[
            metric
        ]
        return [
            unit(variant=variant, cart_session_count=1, **{measure: int(number < 4_000 * rate)})
            for number in range(4_000)
        ]

    units = table(rows("control", 0.5) + rows("treatment", 0.5 * (1 + change)))
    found = read(
        units,
        primary_metric=metric,
        guardrails=[{"metric": metric, "worst_change": 0.05}],
        minimum_detectable_effect=0.5,
        end=START,
    )
    assert found.is_complete
    assert [reading.guardrail and reading.guardrail.verdict for reading in found.metric_results] == [
        None,
        verdict,
    ]


def test_a_guardrail_without_anything_in_the_control_says_why_it_is_unclear():
    rows = [
        unit(variant=name, unit_count=1, returned_unit_count=int(name == "treatment"))
        for name in ("control", "treatment")
        for _ in range(100)
    ]
    found = read(table(rows), guardrails=[{"metric": "return_rate"}]).metric_result(
        "return_rate", "treatment"
    )
    assert found.guardrail.verdict == "unclear"
    assert found.guardrail.reason == "the control's value is 0, so a relative change is undefined"


def test_segments_are_read_alone_and_corrected_together(units):
    found = read(units, primary_metric="revenue_per_user").segments
    assert {segment.dimension for segment in found} == {"device", "channel", "country", "is_new"}
    for segment in found:
        chosen = np.array([str(value).lower() for value in units[segment.dimension].to_pylist()])
        revenue = values(units, "revenue_amount")
        variant = units["variant"].to_numpy()
        theirs = stats.ttest_ind(
            *(
                revenue[(variant == name) & (chosen == segment.value.lower())]
                for name in ("treatment", "control")
            ),
            equal_var=False,
        )
        assert segment.estimate.pvalue == pytest.approx(theirs.pvalue)
    corrected = multipletests([segment.estimate.pvalue for segment in found], method="fdr_bh")[1]
    assert [segment.corrected_pvalue for segment in found] == pytest.approx(list(corrected))


def test_a_segment_of_few_units_is_not_read():
    rows = [unit(variant=name, device="tv") for name in ("control", "treatment") for _ in range(99)]
    rows += [unit(variant=name) for name in ("control", "treatment") for _ in range(100)]
    found = read(table(rows)).segments
    assert ("device", "tv") not in {(segment.dimension, segment.value) for segment in found}
    assert ("device", "desktop") in {(segment.dimension, segment.value) for segment in found}


@pytest.mark.parametrize(("effects", "fades"), [([0.5, 0.4, 0.2, 0.1, 0.0, 0.0], True), ([0.2] * 6, False)])
def test_an_effect_that_fades_from_day_to_day_is_found(effects, fades):
    def rows(variant, day, buyers):
        came = {"variant": variant, "exposed_date": START + timedelta(days=day)}
        return [unit(is_converted=int(number < buyers), **came) for number in range(500)]

    days = [rows("control", day, 150) for day in range(6)]
    days += [rows("treatment", day, round(150 * (1 + effect))) for day, effect in enumerate(effects)]
    trend = read(table(chain.from_iterable(days))).novelty["treatment"]
    assert trend.day_count == 6
    assert (trend.slope.pvalue < 0.01) == fades
    assert not fades or trend.slope.value < 0 < trend.first_half.value - trend.second_half.value


def test_days_with_few_units_in_a_variant_tell_nothing_of_the_trend():
    sizes = [(100, 100), (100, 99), (99, 100), (150, 100), (100, 0), (100, 100), (100, 100)]
    rows = [
        unit(variant=name, exposed_date=START + timedelta(days=day), is_converted=int(number % 3 == 0))
        for day, many in enumerate(sizes)
        for name, size in zip(("control", "treatment"), many, strict=True)
        for number in range(size)
    ]
    found = read(table(rows))
    assert [(cohort.day - START).days for cohort in found.cohorts] == [0, 3, 5, 6]
    assert found.novelty["treatment"].day_count == 4
    for cohort in found.cohorts:
        assert cohort.estimate.treatment_count == 100
        assert cohort.estimate.treatment == pytest.approx(0.34)


def test_where_few_buy_a_day_a_steady_effect_is_not_called_a_trend():
    rng, tried = np.random.default_rng(8), experiment(primary_metric="revenue_per_user")
    calls = []
    for _ in range(150):
        groups = {}
        for day, name in product(range(30), ("control", "treatment")):
            revenue = (rng.random(100) < 0.1) * rng.lognormal(3.5, 0.9, 100)
            date = str(START + timedelta(days=day))
            groups["exposed_date", date, name] = Moments.from_arrays({"revenue_amount": revenue})
        for name in ("control", "treatment"):
            groups["", "", name] = total([each for key, each in groups.items() if key[2] == name])
        found = compare_cohorts(tried, Aggregates(groups, {}, {}, {}, 0, START, 30))
        calls.append(estimate_trend(tried, found, "treatment").slope.pvalue < 0.01)
    assert np.mean(calls) < 0.04


def arriving(day_counts):
    """Units of two variants, so many of each on each day, of whom every third buys."""
    return table(
        unit(variant=name, exposed_date=START + timedelta(days=day), is_converted=int(number % 3 == 0))
        for day, many in day_counts.items()
        for name in ("control", "treatment")
        for number in range(many)
    )


@pytest.mark.parametrize(("data_day", "days"), [(1, 2), (9, 10), (30, 31)])
def test_days_left_count_quiet_days_too(data_day, days):
    tried = experiment(minimum_detectable_effect=0.01)
    found = read_aggregates(warehouse(arriving({0: 50, 1: 50})), tried)
    reading = analyze(tried, found, data_through=START + timedelta(days=data_day)).metric_results[0]
    missing = sum(reading.progress.units_needed) - 200
    assert reading.progress.days_left == math.ceil(missing / (200 / days))


def test_after_the_last_day_no_units_come_in_and_no_days_are_left_to_wait():
    tried = experiment(minimum_detectable_effect=0.01, end=START + timedelta(days=5))
    found = read_aggregates(warehouse(arriving({0: 50, 1: 50})), tried)
    early, late = (
        analyze(tried, found, data_through=START + timedelta(days=day)).metric_results[0].progress
        for day in (4, 5)
    )
    assert early.days_left > 1_000
    assert (late.days_left, late.units_needed) == (None, early.units_needed)


def test_what_has_its_units_waits_no_day_more():
    tried = experiment(minimum_detectable_effect=2.0, end=START)
    found = read_aggregates(warehouse(arriving({0: 500})), tried)
    assert analyze(tried, found).metric_results[0].progress.days_left == 0


ALL = {"secondary_metrics": list(METRICS)[1:], "guardrails": [{"metric": "return_rate"}]}


@pytest.mark.parametrize("history", [0, 28])
@pytest.mark.parametrize(
    "rows",
    [
        [],
        [unit(variant_count=2)],
        [unit(number) for number in range(50)],
        [unit(number, "treatment") for number in range(50)],
        [unit(1), unit(2, "treatment")],
        [unit(variant=name) for name in ("control", "treatment") for _ in range(200)],
    ],
    ids=[
        "nobody",
        "all in two variants",
        "only control",
        "only treatment",
        "one of each",
        "nobody did anything",
    ],
)
def test_what_is_undefined_has_a_reason_and_no_number(rows, history):
    found = read(table(rows), pre_period_days=history, winsorize=0.99, **ALL)
    assert len(found.metric_results) == len(METRICS) + 1
    for reading in found.metric_results:
        assert (reading.estimate.pvalue, reading.corrected_pvalue) == (None, None)
        assert reading.estimate.reason
        assert reading.guardrail is None or reading.guardrail.verdict == "unclear"
    assert found.conversion_test.reason
    assert found.novelty["treatment"].reason


def test_without_orders_visits_are_compared_and_orders_are_not(units):
    columns = {name: units[name].combine_chunks() for name in units.column_names}
    nothing = {
        name: np.zeros(len(units), dtype=int) for name in ("order_count", "unit_count", "is_converted")
    }
    nothing |= {"revenue_amount": np.zeros(len(units)), "returned_unit_count": nothing["unit_count"]}
    found = read(from_columns(columns | nothing), **ALL)
    assert found.metric_result("cart_rate", "treatment").estimate.pvalue is not None
    assert found.metric_result("average_order_value", "treatment").estimate.control is None
    assert found.metric_result("revenue_per_user", "treatment").estimate.control == 0
    assert found.metric_result("revenue_per_user", "treatment").estimate.relative is None


def test_a_metric_that_is_not_looked_at_has_no_reading(units):
    with pytest.raises(LookupError, match="no result of 'cart_rate' for 'treatment'"):
        read(units).metric_result("cart_rate", "treatment")


def test_the_data_reach_as_far_as_they_are_said_to():
    tried = experiment()
    found = read_aggregates(warehouse(table([unit()])), tried)
    assert analyze(tried, found).as_of == START
    assert analyze(tried, found, data_through=START + timedelta(days=9)).as_of == START + timedelta(days=9)


def test_a_ratio_of_a_handful_of_orders_is_told_and_not_judged():
    rows = [
        unit(number, variant=("control", "treatment")[number % 2], session_count=1) for number in range(400)
    ]
    rows += [
        unit(1000 + n, variant=("control", "treatment")[n % 2], order_count=1, revenue_amount=10 + n)
        for n in range(12)
    ]
    found = read(table(rows), primary_metric="average_order_value").metric_result(
        "average_order_value", "treatment"
    )
    assert found.plain.absolute.value == pytest.approx(1.0)
    assert (found.estimate.pvalue, found.sequential.pvalue) == (None, None)
    assert found.estimate.reason == "fewer than 30 order_count in a variant: too few to test a ratio"


def test_the_split_is_held_against_the_buckets_that_were_dealt():
    plan = experiment(variants={"control": 1, "treatment": 2}, traffic=0.01)
    assert expected_weights(plan) == [33, 67]
    assert expected_weights(experiment(variants={"control": 1, "treatment": 2}, assignment="stated")) == [
        1,
        2,
    ]
