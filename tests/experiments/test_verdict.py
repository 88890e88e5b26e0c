"""Each branch of the stated rule, one after the other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shopwright.experiments.aggregates import Aggregates
from shopwright.experiments.analysis import analyze
from shopwright.experiments.statistics import Moments
from shopwright.experiments.verdict import decide
from tests.experiments.units import START, experiment

END = START + timedelta(days=13)
MEASURES = ("is_converted", "cart_session_count", "abandoned_session_count")


def sums(units, buyers, abandoned=0):
    """Units with one session with a cart each, of whom so many buy and so many leave the cart behind."""
    values = dict(zip(MEASURES, (buyers, units, abandoned), strict=True))
    pairs = {(one, two): min(values[one], values[two]) for one in MEASURES for two in MEASURES}
    return Moments.from_sums(units, values, pairs)


def verdicts(*arms, mixed=0, day=END, **given):
    """Verdicts on arms of (units, buyers, abandoned carts), the control first, as of a day."""
    tried = planned(len(arms), **given)
    moments = {("", "", name): sums(*arm) for name, arm in zip(tried.variants, arms, strict=True) if arm[0]}
    found = Aggregates(moments, steps={}, quantiles={}, caps={}, mixed=mixed, last_exposed=day, days=14)
    analysis = analyze(tried, found)
    return decide(analysis), analysis


def planned(arms, **given):
    common = {"end": END, "minimum_detectable_effect": 0.2, "variants": dict.fromkeys("abcde"[:arms], 1)}
    return experiment(**common | given)


RAIL = {"guardrails": [{"metric": "cart_abandonment_rate", "worst_change": 0.1}]}
NO_END = {"end": None}
EARLY = {"day": END - timedelta(days=1)}
LOWER = {"primary_metric": "cart_abandonment_rate"}

CASES = {
    # validity
    "no units in a variant": ([(4000, 400), (0, 0)], {}, "invalid", "no units in b"),
    "no units at all": ([(0, 0), (0, 0)], {}, "invalid", "no units in a and b"),
    "a split that chance does not explain": (
        [(4000, 400), (4400, 700)], {}, "invalid", "sample ratio mismatch: 4,000 to 4,400 units"),
    "units in two variants": (
        [(4000, 400), (4000, 700)], {"mixed": 81}, "invalid", "81 of 8,081 units were seen in several variants"),
    "few units in two variants": ([(4000, 400), (4000, 700)], {"mixed": 80}, "ship", "always valid"),
    "weights that are not equal": (
        [(2000, 200), (4000, 700)], {"variants": {"a": 1, "b": 2}}, "ship", "always valid"),
    # guardrails
    "broken, with a better primary metric": (
        [(4000, 400, 1000), (4000, 700, 1500)], RAIL, "do not ship", "guardrail failed: Cart abandonment rate +50.0%"),
    "in doubt, with a better primary metric": (
        [(4000, 400, 1000), (4000, 700, 1080)], RAIL, "keep running", "a guardrail is unclear: Cart abandonment rate"),
    "in doubt, better at the planned end": (
        [(4000, 400, 1000), (4000, 475, 1080)], RAIL, "keep running", "a guardrail is unclear: Cart abandonment rate"),
    "not to be judged": (
        [(4000, 400, 0), (4000, 700, 100)], RAIL, "keep running",
        "unclear: Cart abandonment rate: the control's value is 0, so a relative change is undefined"),
    "kept": ([(4000, 400, 1000), (4000, 700, 950)], RAIL, "ship", "always valid"),
    "in doubt, with a worse primary metric": (
        [(4000, 700, 1000), (4000, 400, 1080)], RAIL, "do not ship", "Conversion rate -42.9%"),
    # primary metric, at every look
    "better before the end": ([(4000, 400), (4000, 700)], EARLY, "ship", "is better (always valid)"),
    "better without an end": ([(4000, 400), (4000, 700)], NO_END, "ship", "is better (always valid)"),
    "worse before the end": ([(4000, 700), (4000, 400)], EARLY, "do not ship", "is worse (always valid)"),
    "less is better": ([(4000, 0, 1500), (4000, 0, 1000)], LOWER, "ship", "Cart abandonment rate -33.3%"),
    "more is worse": ([(4000, 0, 1000), (4000, 0, 1500)], LOWER, "do not ship", "Cart abandonment rate +50.0%"),
    # primary metric, at a fixed horizon: 400 to 475 of 4,000 has p = 0.007, and is nothing at every look
    "better for one look, before the end": (
        [(4000, 400), (4000, 475)], EARLY, "keep running", "undecided before the last day"),
    "better for one look, without an end": (
        [(4000, 400), (4000, 475)], NO_END, "keep running", "undecided before the last day"),
    "better at the planned end": ([(4000, 400), (4000, 475)], {}, "ship", "is better (at the planned end, p = 0.00"),
    "worse at the planned end": (
        [(4000, 475), (4000, 400)], {}, "do not ship", "is worse (at the planned end, p = 0.00"),
    "better after the end, with too few units": (
        [(4000, 400), (4000, 475)], {"minimum_detectable_effect": 0.1}, "keep running", "the sample is too small"),
    # neither
    "no difference at the planned end": (
        [(4000, 400), (4000, 410)], {}, "do not ship", "no difference found, and a difference of 20.0% would"),
    "no difference before the end": ([(4000, 400), (4000, 410)], EARLY, "keep running", "undecided before the last day"),
    "too few units": ([(100, 10), (100, 12)], EARLY, "keep running", "sample is too small: 200 of"),
    "too few units for ever": ([(100, 10), (100, 12)], {}, "keep running", "it ended with 200 of"),
    "not begun": ([(0, 0), (0, 0)], {"day": START - timedelta(days=1)}, "keep running", "not started"),
    "nobody bought": ([(4000, 0), (4000, 0)], {}, "keep running", "no variance in either variant"),
}  # fmt: skip


@pytest.mark.parametrize(("arms", "given", "decision", "reason"), CASES.values(), ids=CASES)
def test_the_stated_rule(arms, given, decision, reason):
    (found,), _ = verdicts(*arms, **given)
    assert (found.decision, reason in found.reason) == (decision, True), found.reason


@given(control=st.integers(200, 3800), more=st.integers(-100, 100), day=st.integers(0, 12))
def test_before_the_planned_end_one_look_never_decides(control, more, day):
    (found,), analysis = verdicts((4000, control), (4000, control + more), day=START + timedelta(days=day))
    reading = analysis.metric_result("conversion_rate", "b")
    assume(reading.sequential.pvalue >= 0.05)
    assert found.decision == "keep running"


def test_a_small_pvalue_for_one_look_is_no_small_one_for_all():
    _, analysis = verdicts((4000, 400), (4000, 475))
    reading = analysis.metric_result("conversion_rate", "b")
    assert reading.plain.pvalue < 0.01
    assert reading.sequential.pvalue > 0.05


def test_every_variant_has_its_own_verdict():
    found, _ = verdicts(
        (16000, 1600, 4000), (16000, 2800, 4000), (16000, 2800, 6000), (16000, 800, 4000), **RAIL
    )
    assert {each.variant: each.decision for each in found} == {
        "b": "ship",
        "c": "do not ship",
        "d": "do not ship",
    }


@pytest.mark.parametrize(("correction", "decision"), [("holm", "do not ship"), ("none", "ship")])
def test_at_the_planned_end_pvalues_are_corrected_for_the_number_of_variants(correction, decision):
    arms = [(8000, 800), (8000, 880), (8000, 800), (8000, 800)]
    found, analysis = verdicts(*arms, correction=correction, alpha=0.05)
    assert analysis.is_complete
    assert 0.025 < analysis.metric_result("conversion_rate", "b").plain.pvalue < 0.05
    assert found[0].decision == decision


def test_before_the_planned_end_a_guardrail_has_to_hold_at_every_look():
    arms = (4000, 400, 1000), (4000, 700, 1000)
    plan = {**RAIL, "minimum_detectable_effect": 0.5}
    [early], analysis = verdicts(*arms, **plan, **EARLY)
    rail = analysis.metric_result("cart_abandonment_rate", "b")
    interval = rail.sequential.relative.interval
    assert rail.guardrail.verdict == "unclear"
    assert interval.upper > 0.1 > rail.estimate.relative.interval.upper
    assert early.decision == "keep running"
    assert f"({interval.lower:+.1%} to {interval.upper:+.1%})" in early.reason
    [late], analysis = verdicts(*arms, **plan)
    assert analysis.metric_result("cart_abandonment_rate", "b").guardrail.verdict == "holds"
    assert late.decision == "ship"


@pytest.mark.parametrize(("correction", "decision"), [("holm", "keep running"), ("none", "ship")])
def test_at_every_look_they_are_too(correction, decision):
    arms = [(4000, 400), (4000, 490), (4000, 400), (4000, 400), (4000, 400)]
    found, analysis = verdicts(*arms, correction=correction, **EARLY)
    assert 0.05 / 4 < analysis.metric_result("conversion_rate", "b").sequential.pvalue < 0.05
    assert found[0].decision == decision


@pytest.mark.parametrize(
    ("day", "effect", "complete"),
    [(END, 0.2, True), (END - timedelta(days=1), 0.2, False), (END, 0.1, False)],
)
def test_the_planned_end_is_the_last_day_and_the_power_asked_for(day, effect, complete):
    _, analysis = verdicts((4000, 400), (4000, 410), day=day, minimum_detectable_effect=effect)
    assert analysis.is_complete == complete
