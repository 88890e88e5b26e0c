"""What commands print of experiments in which something is wrong, or is not there."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from tests.experiments.units import START, crowd, experiment, published, table, unit, warehouse

from shopwright.cli import experiment_tables as tables
from shopwright.cli.output import stdout_console
from shopwright.experiments.audit import (
    Audit,
    Correlation,
    SplitOverTime,
    UnknownVariant,
    split_over_time,
    trace_sample_ratio,
)
from shopwright.experiments.daily import DailyResult, compare_days
from shopwright.experiments.planning import Horizon, Plan
from shopwright.experiments.result import read_experiment
from shopwright.experiments.statistics import Moments, SampleSize
from shopwright.metrics import METRICS

RATE = METRICS["conversion_rate"]


@pytest.fixture
def printed(capsys):
    """What is printed, as lines without the spaces that fill columns."""

    def shown(lines):
        stdout_console().print(*lines, sep="\n")
        return "\n".join(" ".join(line.split()) for line in capsys.readouterr().out.splitlines())

    return shown


def watched(tried, metric=RATE, **given):
    rng = np.random.default_rng(0)
    bought = {name: Moments.from_arrays({"is_converted": rng.random(200) < 0.3}) for name in tried.variants}
    days = tuple(compare_days(tried, RATE, {START: bought}))
    nothing = {"invalid_reason": None, "simulated_events": 0, "simulated_elsewhere": {}}
    return DailyResult(experiment=tried, metric=metric, days=days, **nothing | given)


THREE = {"variants": {"control": 1, "b": 1, "c": 1}}


def test_of_several_treatments_only_the_corrected_column_decides(printed):
    shown = printed(tables.show_daily(watched(experiment(**THREE))))
    assert "Decide by the last column only: it is corrected for 2 treatments (holm)" in shown
    uncorrected = printed(tables.show_daily(watched(experiment(**THREE, correction="none"))))
    assert "Decide by the last two columns only" in uncorrected


def test_an_invalid_experiment_is_headed_so_and_lets_nothing_be_concluded(printed):
    shown = printed(tables.show_daily(watched(experiment(), invalid_reason="sample ratio mismatch: 3 to 9")))
    assert shown.startswith("checkout: invalid – sample ratio mismatch: 3 to 9")  # noqa: RUF001
    assert "Decide by" not in shown
    assert "These days support no conclusion" in shown


def test_days_with_simulated_effects_are_headed_as_simulated(printed):
    shown = printed(
        tables.show_daily(watched(experiment(), simulated_events=1_200, simulated_elsewhere={"banner": 7}))
    )
    own, other = shown.splitlines()[:2]
    assert own == "Simulated data: 1,200 events carry a simulated effect of this experiment."
    assert other == (
        "Simulated data: 7 events of these days carry a simulated effect of experiment 'banner'."
    )


def test_a_reading_is_headed_as_simulated_by_its_own_effect_and_by_others(printed):
    units = crowd(np.random.default_rng(0), {"control": 300, "treatment": 300})
    found = read_experiment(published(units), experiment())
    assert "Simulated data" not in printed(tables.show_result(found))
    shown = printed(tables.show_result(replace(found, simulated_events=40, simulated_elsewhere={"[b]x": 7})))
    assert shown.splitlines()[1:3] == [
        "Simulated data: 40 events carry a simulated effect of this experiment.",
        "Simulated data: 7 events of these days carry a simulated effect of experiment '[b]x'.",
    ]


def test_another_metric_is_not_what_the_verdict_rests_on(printed):
    shown = printed(tables.show_daily(watched(experiment(), METRICS["cart_rate"])))
    assert "The verdict uses conversion_rate." in shown


def test_the_list_says_which_experiments_have_simulated_data(printed):
    common = experiment().model_dump(mode="json") | {"units": 5}
    rows = [
        common | {"simulated_events": 12, "simulated_elsewhere": {}},
        common | {"name": "banner", "simulated_events": 0, "simulated_elsewhere": {"checkout": 12}},
        common | {"name": "unbuilt", "simulated_events": None, "simulated_elsewhere": None},
    ]
    shown = printed(tables.list_experiments(rows))
    assert "checkout: Simulated data: 12 events carry a simulated effect of this experiment." in shown
    assert "banner: Simulated data: 12 events of these days carry a simulated effect" in shown
    assert "unbuilt: " not in shown


def plan(**given):
    nothing = {
        "experiment": "checkout",
        "metric": "conversion_rate",
        "history_from": date(2024, 2, 1),
        "history_days": 28,
        "past_units": 280,
        "baseline": 0.125,
        "minimum_detectable_effect": 0.05,
        "alpha": 0.05,
        "power": 0.8,
        "units_per_day": 10.0,
        "size": SampleSize((100, 100), 20),
        "horizons": (Horizon(4, 280, 0.125, 0.2, False), Horizon(8, 400, 0.125, 0.1, True)),
        "cautions": ("the data has only 28 of the 90 requested days",),
        "simulated_events": {"banner": 3},
    }
    return Plan(**nothing | given)


def test_a_plan_says_what_it_is_made_by_and_what_it_guesses(printed):
    shown = printed(tables.show_plan(plan(), experiment(exposure="begin_checkout")))
    assert "3 events of these days carry a simulated effect of experiment 'banner'" in shown
    assert "from 2024-02-01: 280 users who did begin_checkout, conversion_rate 12.500%; 10.0 a day" in shown
    assert "Duration: 20 days." in shown
    assert "8 weeks (estimate) 400 12.500% 10.0%" in shown
    assert "estimate: longer than the 28 days of data used" in shown
    assert "Note: the data has only 28 of the 90 requested days." in shown


def test_days_beyond_the_history_are_said_to_be_about_right(printed):
    assert "Duration: about 40 days." in printed(
        tables.show_plan(plan(size=SampleSize((100, 100), 40)), experiment())
    )
    never = plan(size=SampleSize((100, 100), None, "they would take more than 10 years"))
    assert "Duration: they would take more than 10 years." in printed(tables.show_plan(never, experiment()))


def audited(units, tried=None, **given):
    tried = tried or experiment()
    connection = warehouse(units)
    ratio, suspects = trace_sample_ratio(connection, tried)
    found = {
        "experiment": "checkout",
        "false_positives": (),
        "balance": None,
        "correlations": (),
        "unknown_variants": (),
        "sample_ratio": ratio,
        "suspects": suspects,
        "split_over_time": split_over_time(connection, tried),
    }
    return tables.show_audit(Audit(**found | given))


def test_what_cannot_be_computed_is_not_called_independent(printed):
    others = (Correlation("banner", 0, None, "no unit is in both"), Correlation("price", 900, 0.5))
    shown = printed(audited(table([]), correlations=others))
    assert "With banner: no correlation: no unit is in both" in shown
    assert "With price: 900 units in both, correlation +0.5000, NOT independent" in shown


def test_unknown_names_are_told_with_their_units(printed):
    names = (UnknownVariant("Treat[red]ed", 1_200), UnknownVariant(None, 3))
    shown = printed(audited(table([]), unknown_variants=names))
    assert "Unknown variant: 1,200 units have variant 'Treat[red]ed'" in shown
    assert "Unknown variant: 3 units have no variant, which is not in the settings" in shown


def test_a_split_that_changed_is_told_with_its_day(printed):
    rows = [
        unit(number, "treatment" if number % (2 if day < 4 else 4) == 0 else "control", exposed_date=at)
        for day, at in ((day, START + timedelta(days=day)) for day in range(8))
        for number in range(200)
    ]
    shown = printed(audited(table(rows)))
    assert "400 to 400 before 2024-03-05, 600 to 200 from that day on" in shown
    one_day = SplitOverTime(0.001, None, (5, 5), (0, 0), START)
    assert "The split differs between days (p = 0.0010), most on 2024-03-01" in printed(
        audited(table([]), split_over_time=one_day)
    )


def test_a_loss_that_is_spread_is_said_to_be_and_many_suspects_are_cut(printed):
    units = crowd(np.random.default_rng(0), {"control": 4_000, "treatment": 2_000})
    shown = printed(audited(units))
    assert "None of them explains it all: the mismatch is spread over the units." in shown
    assert "more groups; --json has all" in shown


def test_a_variant_without_units_is_said(printed):
    shown = printed(audited(table([unit(number) for number in range(50)])))
    assert "A variant has no units at all." in shown
    assert "Split over time: not tested: too few units on separate days, or a variant without units" in shown
