"""What stands on the page and in its plots, whatever the number of variants."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import numpy as np
import pytest

from shopwright.experiments.charts import cohorts_chart, daily_chart, funnel_chart
from shopwright.experiments.report import render_report
from shopwright.experiments.result import read_experiment
from shopwright.settings import ShopSettings
from tests.experiments.units import START, crowd, experiment, published, table, unit

NINE = ("control", *(f"offer-{letter}" for letter in "abcdefgh"))


@pytest.fixture(scope="module")
def nine():
    """A reading of nine variants, of which the last sells more."""
    units = crowd(np.random.default_rng(1), dict.fromkeys(NINE, 900), lift={NINE[-1]: 0.5}, days=5)
    return read_experiment(published(units), experiment(variants=dict.fromkeys(NINE, 1)))


def page_of(reading):
    """The page's words, without its scripts and styles."""
    page = render_report(reading, shop=ShopSettings(name="corner shop"))
    page = re.sub(r"<(script|style)[^>]*>.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.mark.parametrize("draw", [daily_chart, lambda result: cohorts_chart(result.analysis)])
def test_each_of_nine_variants_has_a_panel_of_its_own(nine, draw):
    figure = draw(nine)
    assert [title.text for title in figure.layout.annotations] == list(NINE[1:])
    drawn = {trace.name: trace.yaxis for trace in figure.data if trace.name in NINE and len(trace.x)}
    assert list(drawn) == list(NINE[1:])
    assert len(set(drawn.values())) == 8
    assert {axis.type for axis in figure.select_xaxes()} == {"date"}


def test_the_wide_first_days_of_every_variant_are_left_out_of_the_range(nine):
    low, high = daily_chart(nine).layout.yaxis.range
    first, last = ([day for day in nine.days if day.day == START + timedelta(days=n)] for n in (0, 4))
    ends = [day.sequential.relative.interval for day in last]
    assert low < min(each.lower for each in ends)
    assert high > max(each.upper for each in ends)
    assert max(day.sequential.relative.interval.upper for day in first) > high


def test_no_two_of_nine_variants_look_alike_in_the_funnel(nine):
    bars = funnel_chart(nine.analysis).data
    assert [bar.name for bar in bars] == list(NINE)
    assert len({(bar.marker.color, bar.marker.pattern.shape) for bar in bars}) == 9


def test_the_effect_by_day_is_drawn_with_the_interval_of_each_day(nine):
    (trace,) = [each for each in cohorts_chart(nine.analysis).data if each.name == NINE[1]]
    found = [each for each in nine.analysis.cohorts if each.variant == NINE[1]]
    effects = [each.effect for each in found]
    assert list(trace.x) == [each.day for each in found]
    assert len(found) == 5
    assert list(trace.y) == [effect.value for effect in effects]
    assert list(trace.error_y.array) == pytest.approx(
        [effect.interval.upper - effect.value for effect in effects]
    )


def test_the_effect_by_day_says_how_to_read_it(nine):
    page = page_of(nine)
    assert "Conversion rate by day of exposure" in page
    assert "Points that drift toward 0 suggest a novelty effect" in page
    for variant in NINE[1:]:
        assert re.search(rf"{variant}: the effect (changes with the day|shows no clear trend) \(p = ", page)


def test_days_too_few_for_a_trend_are_said_to_be():
    units = crowd(np.random.default_rng(1), {"control": 500, "treatment": 500}, days=2)
    page = page_of(read_experiment(published(units), experiment()))
    assert "treatment: no trend can be estimated: a trend needs at least 4 days with an effect." in page


def test_without_a_day_that_is_large_enough_no_effect_by_day_is_shown():
    units = crowd(np.random.default_rng(1), {"control": 500, "treatment": 500}, days=14)
    assert "by day of exposure" not in page_of(read_experiment(published(units), experiment()))


def test_the_table_shows_what_units_did_and_says_what_is_adjusted_and_cut():
    units = crowd(np.random.default_rng(2), {"control": 900, "treatment": 900})
    tried = experiment(primary_metric="revenue_per_user", pre_period_days=28, winsorize=0.95)
    reading = read_experiment(published(units), tried)
    found, page = reading.analysis.metric_results[0], page_of(reading)
    assert (
        f"Revenue per unit (CUPED) primary treatment {found.plain.control:.4g} {found.plain.treatment:.4g}"
        in page
    )
    assert (
        f"Revenue per unit: revenue_amount of a unit is capped at {found.cap:,.2f} (95% quantile of units with any)."
        in page
    )
    assert "CUPED: the control and value columns show the raw metric." in page


def test_a_report_is_headed_as_simulated_by_its_own_effect_and_by_others(nine):
    assert "Simulated data" not in page_of(nine)
    page = page_of(replace(nine, simulated_events=1_200, simulated_elsewhere={"<i>banner": 7}))
    assert "Simulated data: 1,200 events carry a simulated effect of this experiment." in page
    assert (
        "Simulated data: 7 events of these days carry a simulated effect of experiment '<i>banner'." in page
    )


def test_a_guardrail_that_cannot_be_judged_says_why():
    rows = [unit(variant=name, unit_count=1) for name in ("control", "treatment") for _ in range(50)]
    tried = experiment(guardrails=[{"metric": "return_rate"}], end=START)
    page = page_of(read_experiment(published(table(rows)), tried))
    assert "guardrail: unclear" in page
    assert "Guardrail Return rate (treatment): unclear, the control's value is 0, so a relative" in page


def test_a_metric_without_a_change_says_why_below_the_table():
    tried = experiment(secondary_metrics=["average_order_value"], variants=dict.fromkeys("abc", 1))
    rows = [unit(variant=name) for name in "abc" for _ in range(50)]
    page = page_of(read_experiment(published(table(rows)), tried))
    assert "Conversion rate (b, c): no variance in either variant." in page
    assert re.search(r"Average order value \(b, c\): control: .+", page)
