"""A run is a list of steps; each knows from the project's files alone whether it is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from shopwright.core.errors import BuildError, ConfigurationError, DataError
from shopwright.pipeline import (
    BuildStep,
    Due,
    IngestStep,
    ScoreStep,
    StepContext,
    TrainStep,
    plan_steps,
    run_step,
)
from shopwright.pipeline import steps as steps_module
from shopwright.testing import NOW, Shop

SETTINGS = """
[[sources]]
name = "clicks"
adapter = "event_stream"
path = "raw"
"""
EXPERIMENT = """
[[experiments]]
name = "banner"
hypothesis = "A banner sells more"
start = 2025-01-01
"""
EVENT = '{"timestamp": "2025-03-01T10:00:00Z", "event_type": "page_view", "user_id": "%s"}\n'


def context_of(shop: Shop) -> StepContext:
    return StepContext(shop.project, NOW)


def due(step, shop: Shop) -> Due:
    return step.due(context_of(shop))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop of one event, built."""
    shop = Shop.make(tmp_path_factory.mktemp("steps") / "shop", SETTINGS)
    shop.write("first.jsonl", EVENT % "anna")
    assert run_step(IngestStep(), context_of(shop)).value.total("rows_accepted") == 1
    assert due(BuildStep(), shop) == Due(is_due=True, reason="nothing is published yet")
    result = run_step(BuildStep(), context_of(shop))
    assert {finding.name: finding.value for finding in result.value.findings}["sessions"] == 1
    return shop


def test_a_build_of_an_unchanged_shop_is_not_due_and_does_nothing(shop):
    result = run_step(BuildStep(), context_of(shop))
    assert (result.due.is_due, result.value) == (False, None)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (SETTINGS + EXPERIMENT, "experiments changed"),
        (SETTINGS + "[sessions]\ngap_minutes = 10\n", "settings or models changed"),
    ],
)
def test_changed_settings_make_a_build_due(shop, settings, reason):
    try:
        assert due(BuildStep(), Shop.make(shop.root, settings)).reason == reason
    finally:
        Shop.make(shop.root, SETTINGS)
    assert not due(BuildStep(), shop).is_due


def test_a_new_batch_makes_a_build_due(shop):
    shop.write("second.jsonl", EVENT % "bert")
    shop.ingest()
    assert due(BuildStep(), shop).reason == "1 new batches in the lake"


@dataclass(frozen=True)
class FakeVersion:
    created_at: datetime


class FakeRegistry:
    """The registry of a shop with some versions of one model."""

    def __init__(self, *created_at: datetime) -> None:
        self.created_at = created_at

    def __call__(self, _project):
        return self

    def versions(self, _model):
        return [FakeVersion(moment.replace(tzinfo=UTC)) for moment in self.created_at]

    def champion(self, _model):
        return None


@pytest.mark.parametrize(
    ("created_at", "is_due"),
    [
        ((), True),
        ((NOW - timedelta(seconds=1),), True),
        ((NOW,), False),
        ((NOW - timedelta(days=9), NOW + timedelta(hours=1)), False),
    ],
)
def test_training_is_due_where_rows_came_in_since_the_newest_version(shop, monkeypatch, created_at, is_due):
    monkeypatch.setattr(steps_module, "Registry", FakeRegistry(*created_at))
    assert due(TrainStep("churn"), shop).is_due is is_due


def test_scoring_is_not_due_without_a_champion(shop, monkeypatch):
    monkeypatch.setattr(steps_module, "Registry", FakeRegistry())
    assert due(ScoreStep("churn"), shop) == Due(is_due=False, reason="no version serves")


class FailingStep:
    name, inputs, outputs = "fail", (), ()

    def __init__(self, error: Exception, *, is_optional: bool) -> None:
        self.error = error
        self.is_optional = is_optional

    def due(self, _context):
        return Due(is_due=True, reason="always")

    def run(self, _context):
        raise self.error


def test_missing_data_of_an_optional_step_is_reported_and_anything_else_raised(shop):
    error = DataError("too few customers")
    assert run_step(FailingStep(error, is_optional=True), context_of(shop)).error is error
    with pytest.raises(DataError):
        run_step(FailingStep(error, is_optional=False), context_of(shop))
    with pytest.raises(BuildError):
        run_step(FailingStep(BuildError("broken"), is_optional=True), context_of(shop))


def test_each_step_reads_what_steps_before_it_write(tmp_path):
    models = '[models]\nrun = ["churn", "abandonment"]\n'
    steps = plan_steps(Shop.make(tmp_path, SETTINGS + models).project)
    assert [step.name for step in steps] == [
        *("ingest", "build", "train churn", "score churn", "train abandonment", "score abandonment"),
    ]
    written = {"sources"}
    for step in steps:
        assert set(step.inputs) <= written
        written |= set(step.outputs)


def test_an_unknown_model_stops_the_run_before_it_begins(tmp_path):
    project = Shop.make(tmp_path, SETTINGS + '[models]\nrun = ["chrun"]\n').project
    with pytest.raises(ConfigurationError, match="did you mean 'churn'"):
        plan_steps(project)
