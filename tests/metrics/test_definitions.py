"""Metrics are defined once, and of measures that the warehouse has."""

from __future__ import annotations

import re

import pytest

from shopwright.metrics import MEASURES, METRICS, Kind

every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


@every_metric
def test_a_metric_is_found_by_its_own_name_and_made_of_known_measures(metric):
    assert METRICS[metric.name] is metric
    assert set(metric.measures) <= set(MEASURES)


@every_metric
def test_ratios_alone_have_a_denominator(metric):
    assert bool(metric.denominator) == (metric.kind is Kind.RATIO)


@every_metric
def test_shares_are_never_capped(metric):
    assert not (metric.is_capped and metric.unit == "share")


def test_every_measure_and_its_pre_period_are_columns_of_the_units(root):
    models = root / "src/shopwright/dbt/models/marts/experiments/fct_experiment_units.yml"
    columns = set(re.findall(r"- name: (\w+)", models.read_text(encoding="utf-8")))
    for measure in MEASURES.values():
        assert measure.name in columns
        assert not measure.pre_period or measure.pre_period in columns


def test_the_metrics_that_are_promised_are_there():
    assert set(METRICS) == {
        "conversion_rate",
        "purchases_per_user",
        "revenue_per_user",
        "average_order_value",
        "revenue_per_session",
        "cart_rate",
        "cart_abandonment_rate",
        "items_per_order",
        "time_to_purchase",
        "return_rate",
    }


def test_measures_are_numerator_and_denominator():
    assert METRICS["average_order_value"].measures == ("revenue_amount", "order_count")
    assert METRICS["conversion_rate"].measures == ("is_converted",)
