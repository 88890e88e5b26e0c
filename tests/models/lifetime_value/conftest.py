"""One shop, trained on once."""

from __future__ import annotations

import pytest

from shopwright.core.engine import connect
from shopwright.models.lifetime_value import MODEL
from shopwright.models.lifetime_value.candidates import Selection, Snapshots, fit_candidates
from shopwright.models.lifetime_value.features import read_customers
from shopwright.models.protocol import TrainingContext
from shopwright.settings import ModelSettings
from tests.models.lifetime_value.marketplace import CONFIG, write_shop


@pytest.fixture(scope="package")
def published(tmp_path_factory):
    return write_shop(tmp_path_factory.mktemp("marketplace") / "warehouse.duckdb")


@pytest.fixture(scope="package")
def context(published):
    return TrainingContext(published=published, settings=ModelSettings(trials=1))


@pytest.fixture(scope="package")
def training(context):
    return MODEL.train(context)


@pytest.fixture(scope="package")
def gold(published):
    with connect(published, read_only=True) as connection:
        yield connection


@pytest.fixture(scope="package")
def frame(gold):
    return read_customers(gold, CONFIG, where="horizon_value is not null")


@pytest.fixture(scope="package")
def snapshots(frame):
    return Snapshots.from_training_set(frame, CONFIG)


@pytest.fixture(scope="package")
def candidates(frame, snapshots):
    """Every candidate by its kind."""
    choice = Selection(boosting=None, parameters={}, rows=[])
    return {each.kind: each for each in fit_candidates(frame, snapshots.test, choice, CONFIG, seed=1)}
