"""Watching says first what hinders a conclusion."""

from __future__ import annotations

import json

import numpy as np
import pytest

from shopwright.experiments.daily import read_daily_result
from shopwright.metrics import METRICS
from tests.experiments.units import crowd, experiment, published, table, unit

RATE = METRICS["conversion_rate"]


def watched(units, tried=None, effects=()):
    connection = published(units)
    for effect in effects:
        connection.execute("insert into gold.fct_simulated_effects values (?, ?, ?)", effect)
    return read_daily_result(connection, tried or experiment(), RATE)


@pytest.fixture(scope="module")
def even():
    return crowd(np.random.default_rng(0), {"control": 300, "treatment": 300})


def test_a_valid_experiment_has_its_days_and_no_reason_against_it(even):
    found = watched(even)
    assert (len(found.days), found.invalid_reason) == (14, None)
    assert (found.simulated_events, found.simulated_elsewhere) == (0, {})


def test_a_split_that_chance_does_not_explain_is_said():
    found = watched(crowd(np.random.default_rng(0), {"control": 300, "treatment": 150}))
    assert "sample ratio mismatch: 300 to 150 units" in found.invalid_reason


def test_units_in_two_variants_are_said_even_where_no_others_are_left():
    found = watched(table([unit(number, variant_count=2) for number in range(5)]))
    assert found.days == ()
    assert found.invalid_reason == "5 of 5 units were seen in several variants"


def test_before_the_first_unit_nothing_is_wrong():
    assert watched(table([])).invalid_reason is None


def test_simulated_effects_of_its_own_and_of_others_are_told_apart(even):
    effects = [
        ("checkout", "2024-03-02", 3),
        ("checkout", "2024-03-09", 4),
        ("banner", "2024-03-01", 2),
        ("banner", "2024-03-31", 3),
        ("banner", "2024-02-29", 7),
        ("later", "2024-04-01", 9),
    ]
    found = watched(even, experiment(end="2024-03-31"), effects)
    assert (found.simulated_events, found.simulated_elsewhere) == (7, {"banner": 5})
    early = watched(even, experiment(end="2024-03-31", pre_period_days=60), effects)
    assert early.simulated_elsewhere == {"banner": 12}, "days that CUPED looks at"


def test_a_document_has_what_stands_behind_the_days(even):
    document = json.loads(json.dumps(watched(even).to_dict(), default=str))
    assert (document["experiment"], document["metric"]) == ("checkout", "conversion_rate")
    assert len(document["days"]) == 14
    assert document["days"][0]["corrected_pvalue"] == document["days"][0]["always_valid_pvalue"]
