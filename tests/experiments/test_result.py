"""A reading brings the read-out, its verdicts and what stands behind them together, and the store keeps it."""

from __future__ import annotations

import json
import math
from datetime import date, timedelta

import numpy as np
import pytest

from shopwright.assignment import assign
from shopwright.experiments.readout_table import COLUMNS, GRAIN, TABLE, write_readouts
from shopwright.experiments.result import read_experiment
from shopwright.metrics import METRICS
from tests.experiments.units import START, crowd, experiment, published, table, unit

ALL = {
    "secondary_metrics": list(METRICS)[1:],
    "guardrails": [{"metric": "return_rate", "worst_change": 0.9}],
    "pre_period_days": 28,
    "winsorize": 0.99,
}


@pytest.fixture(scope="module")
def connection():
    units = crowd(np.random.default_rng(0), {"control": 2_000, "treatment": 2_000}, lift={"treatment": 0.5})
    return published(units)


def test_a_reading_has_every_part(connection):
    found = read_experiment(connection, experiment(**ALL))
    assert len(found.analysis.metric_results) == len(METRICS) + 1
    assert [verdict.decision for verdict in found.verdicts] == ["ship"]
    assert [day.day for day in found.days] == [START + timedelta(days=day) for day in range(14)]
    assert found.analysis.novelty["treatment"].day_count == 14
    assert (found.dilutions, found.simulated_events, found.simulated_elsewhere) == ({}, 0, {})


def test_the_last_day_watched_is_the_plain_read_out(connection):
    found = read_experiment(connection, experiment(primary_metric="average_order_value"))
    plain = found.analysis.metric_result("average_order_value", "treatment").plain
    assert found.days[-1].naive.pvalue == pytest.approx(plain.pvalue)


def test_a_reading_is_a_document_of_plain_values(connection):
    def checked(value):
        if isinstance(value, dict):
            assert all(isinstance(name, str) for name in value)
            return [checked(each) for each in value.values()]
        if isinstance(value, (list, tuple)):
            return [checked(each) for each in value]
        assert value is None or isinstance(value, (str, int, float, bool, date))
        assert not isinstance(value, float) or not math.isnan(value)
        return value

    document = read_experiment(connection, experiment(**ALL)).to_dict()
    checked(document)
    again = json.loads(json.dumps(document, default=str))
    assert again["metrics"][0]["metric"] == "conversion_rate"
    assert again["experiment"]["name"] == "checkout"
    assert again["as_of"] == "2024-03-14"
    assert again["is_complete"] is False
    revenue = next(each for each in again["metrics"] if each["metric"] == "revenue_per_user")
    assert revenue["adjusted"]["control"] == revenue["plain"]["control"]
    assert revenue["adjusted"]["adjustment"]["control"] != revenue["plain"]["control"]
    note = f"revenue_amount of a unit is capped at {revenue['cap']:,.2f} (99% quantile of units with any)."
    assert any(note in each for each in again["notes"])
    assert any(
        each.startswith("CUPED: the control and value columns show the raw metric.")
        for each in again["notes"]
    )
    assert {cohort["day"] for cohort in again["cohorts"]} == {day["day"] for day in again["daily"]}


@pytest.mark.parametrize("rows", [[], [unit(1)], [unit(1, variant_count=2)]], ids=["none", "one", "mixed"])
def test_an_experiment_that_has_hardly_begun_is_read_too(rows):
    found = read_experiment(published(table(rows)), experiment(**ALL))
    assert [verdict.decision for verdict in found.verdicts] == ["invalid" if rows else "keep running"]
    assert json.dumps(found.to_dict(), default=str)


def test_a_quantile_has_no_daily_sequence(connection):
    assert read_experiment(connection, experiment(primary_metric="time_to_purchase")).days == ()


def test_the_data_reach_to_the_last_session_however_late_an_order_is(connection):
    cursor = connection.cursor()
    cursor.execute("begin")
    cursor.execute("insert into gold.fct_orders values (date '2024-05-01', false)")
    assert read_experiment(cursor, experiment()).analysis.as_of == date(2024, 3, 14)
    cursor.execute("delete from gold.fct_sessions")
    assert read_experiment(cursor, experiment()).analysis.as_of == date(2024, 5, 1)
    cursor.execute("rollback")


def test_simulated_events_are_counted(connection):
    cursor = connection.cursor()
    cursor.execute("begin")
    effects = [
        ("checkout", "2024-03-02", 40),
        ("checkout", "2024-03-05", 2),
        ("other", "2024-03-05", 3),
        ("other", "2024-03-06", 0),
        ("idle", "2024-03-05", 0),
        ("past", "2024-01-05", 7),
    ]
    for effect in effects:
        cursor.execute("insert into gold.fct_simulated_effects values (?, ?, ?)", effect)
    found = read_experiment(cursor, experiment())
    assert (found.simulated_events, found.simulated_elsewhere) == (42, {"other": 3})
    document = found.to_dict()
    assert (document["simulated_events"], document["simulated_elsewhere"]) == (42, {"other": 3})
    (row,) = stored(cursor, experiment())
    assert (row["simulated_event_count"], row["simulated_elsewhere_event_count"]) == (42, 3)
    cursor.execute("rollback")


def exposed_half(**given):
    """Two thousand users, of whom every second comes to the checkout; half of those in the treatment buy."""
    tried = experiment(exposure="begin_checkout", **given)
    users = [(number, assign(tried, f"u{number}").variant) for number in range(2_000)]
    rows = [
        unit(
            number,
            variant,
            is_converted=int(number % 4 < 2 and variant == "treatment"),
            order_count=int(number % 4 < 2 and variant == "treatment"),
        )
        for number, variant in users
        if number % 2 == 0
    ]
    connection = published(table(rows))
    others = ", ".join(f"('u{number}', date '{START}', false)" for number in range(1, 2_000, 2))
    bots = ", ".join(f"('bot{number}', date '{START}', true)" for number in range(100))
    connection.execute(f"insert into gold.fct_sessions values {others}, {bots}")
    return read_experiment(connection, tried)


def test_an_effect_on_the_exposed_is_told_of_all_who_were_assigned():
    found = exposed_half().dilutions["treatment"]
    assert found.unexposed_share == pytest.approx(0.5)
    assert found.scaled.value == pytest.approx(0.25, abs=0.02)


def test_an_effect_on_a_ratio_is_not_scaled():
    found = exposed_half(primary_metric="average_order_value").dilutions["treatment"]
    assert found.unexposed_share == pytest.approx(0.5)
    assert (found.scaled, found.reason) == (
        None,
        "the effect on a ratio does not scale with the share of exposed units",
    )


@pytest.mark.parametrize("given", [{"assignment": "stated"}, {"unit": "session"}, {"exposure": "assigned"}])
def test_dilution_is_told_only_where_assignment_is_known(connection, given):
    assert read_experiment(connection, experiment(**{"exposure": "begin_checkout"} | given)).dilutions == {}


def stored(connection, *experiments):
    many = write_readouts(connection, experiments, timezone="UTC")
    rows = connection.execute(f"select * from {TABLE}").fetchall()
    assert len(rows) == many
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def test_the_table_has_its_columns_in_order_with_their_meaning(connection):
    stored(connection, experiment())
    found = connection.execute(
        "select column_name, lower(data_type), comment from duckdb_columns() "
        "where table_name = 'fct_experiment_readouts' order by column_index"
    ).fetchall()
    assert {name: (kind, meaning) for name, kind, meaning in found} == COLUMNS
    assert [name for name, _, _ in found] == list(COLUMNS)
    assert connection.execute(
        "select comment from duckdb_tables() where table_name = 'fct_experiment_readouts'"
    ).fetchone() == (GRAIN,)


def test_a_row_says_what_the_reading_says(connection):
    tried = experiment(**ALL)
    reading = read_experiment(connection, tried)
    rows = stored(connection, tried)
    assert (
        len({(row["variant"], row["metric"], row["role"]) for row in rows}) == len(rows) == len(METRICS) + 1
    )
    for row, found in zip(rows, reading.analysis.metric_results, strict=True):
        best, plain = found.estimate, found.plain
        assert (row["metric"], row["role"], row["method"]) == (found.metric.name, found.role, best.method)
        assert (row["value"], row["control_value"], row["pvalue"]) == (
            plain.treatment,
            plain.control,
            best.pvalue,
        )
        assert row["absolute_change"] == best.absolute.value
        assert (row["relative_lower"], row["relative_upper"]) == (
            best.relative.interval.lower,
            best.relative.interval.upper,
        )
        assert row["always_valid_pvalue"] == found.sequential.pvalue
        assert row["cap"] == found.cap
        assert (row["cap"] is not None) == (found.metric.is_capped)
        assert row["guardrail"] == (found.guardrail.verdict if found.guardrail else None)
        assert (row["power"] is not None) == (found.role == "primary")
        assert (row["decision"], row["decision_reason"]) == ("ship", reading.verdicts[0].reason)
        assert row["as_of_date"] == date(2024, 3, 14)


def test_the_table_says_why_a_guardrail_could_not_be_judged():
    rows = [
        unit(variant=name, unit_count=1, returned_unit_count=0)
        for name in ("control", "treatment")
        for _ in range(50)
    ]
    _, rail = stored(published(table(rows)), experiment(guardrails=[{"metric": "return_rate"}]))
    assert rail["guardrail"] == "unclear"
    assert rail["guardrail_reason"] == "the control's value is 0, so a relative change is undefined"


def test_a_second_build_replaces_the_first(connection):
    stored(connection, experiment(), experiment(name="banner"))
    assert {row["experiment"] for row in stored(connection, experiment())} == {"checkout"}


def test_without_experiments_the_table_is_empty(connection):
    assert stored(connection) == []


def test_an_experiment_without_units_is_invalid_and_has_no_numbers(connection):
    (row,) = stored(connection, experiment(name="planned", primary_metric="revenue_per_user"))
    assert (row["decision"], row["decision_reason"]) == ("invalid", "no units in control and treatment")
    assert (row["value"], row["pvalue"], row["unit_count"]) == (None, None, 0)
    assert row["undefined_reason"] == "control: no units"
