"""Horizons that are settings: models learn, predict and refuse by them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from shopwright.core.engine import connect
from shopwright.core.errors import DataError
from shopwright.models.lifetime_value import COLUMNS, MODEL
from shopwright.models.lifetime_value.artifact import FILE, load_candidate, save_candidate
from shopwright.models.lifetime_value.config import LifetimeValueConfig
from shopwright.models.protocol import TrainingContext, VersionRef
from shopwright.settings import LifetimeValueSettings, ModelSettings
from tests.models.lifetime_value.marketplace import feature_view, write_shop

WINDOWS = LifetimeValueSettings(horizon_days=60, long_horizon_days=120)


@pytest.fixture(scope="module")
def short_horizons(tmp_path_factory):
    settings = ModelSettings(trials=1, lifetime_value=WINDOWS)
    view = feature_view(LifetimeValueConfig.from_settings(settings))
    file = tmp_path_factory.mktemp("short") / "warehouse.duckdb"
    return TrainingContext(
        published=write_shop(file, customers=400, days=400, every=30, view=view), settings=settings
    )


@pytest.fixture(scope="module")
def short_training(short_horizons):
    return MODEL.train(short_horizons)


def test_a_model_predicts_the_horizons_it_was_trained_with(short_horizons, short_training, tmp_path):
    short_training.files(tmp_path)
    assert short_training.window["horizon_days"] == 60
    assert load_candidate(tmp_path).config.horizons == (60, 120)
    with connect(short_horizons.published, read_only=True) as connection:
        scores = MODEL.load(tmp_path).score(connection)
        explanation = MODEL.load(tmp_path).explain(connection, scores["customer_id"][0])
    assert tuple(scores) == tuple(COLUMNS)
    assert (set(scores["horizon_days"]), set(scores["long_horizon_days"])) == ({60}, {120})
    assert (scores["long_horizon_value"] > scores["horizon_value"]).all()
    assert explanation.score_text.endswith("in the next 60 days")


def test_a_warehouse_of_other_horizons_asks_for_a_build(short_horizons):
    other = TrainingContext(published=short_horizons.published, settings=ModelSettings())
    with pytest.raises(DataError, match="horizons of 60 and 120 days, expected 182 and 365 days"):
        MODEL.train(other)


def test_a_version_of_other_horizons_is_not_evaluated(short_horizons, candidates, tmp_path):
    save_candidate(candidates["bg_nbd"], tmp_path)
    with pytest.raises(DataError, match="Train a new version"):
        MODEL.evaluate(short_horizons, VersionRef(tmp_path, "version 1"))


def test_artifacts_of_earlier_releases_keep_their_horizons(candidates, everybody_today, tmp_path):
    save_candidate(candidates["pareto_nbd"], tmp_path)
    (tmp_path / FILE).write_text('{"kind": "pareto_nbd"}')
    file = tmp_path / "repeat_buying.json"
    data = json.loads(file.read_text())
    data["level"] = data.pop("repeat_value_ratio")
    file.write_text(json.dumps(data))
    again = load_candidate(tmp_path)
    assert again.config.horizons == (182, 365)
    np.testing.assert_array_equal(
        again.predict(everybody_today, 182).value,
        candidates["pareto_nbd"].predict(everybody_today, 182).value,
    )


@pytest.fixture
def everybody_today(frame, snapshots):
    return frame.take(frame.decided_at == snapshots.test)
