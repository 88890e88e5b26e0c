"""A version is judged anew as training judged it, on decisions that neither it nor the champion learnt from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pytest

from shopwright.core.engine import connect
from shopwright.core.errors import DataError
from shopwright.models.classifiers.spec import ClassifierSpec
from shopwright.models.classifiers.task import PredictionTask, by_bins, constant
from shopwright.models.protocol import CHAMPION, TrainingContext, VersionRef
from shopwright.models.recording import seal
from shopwright.models.training_set import Feature, FeatureView
from shopwright.registry import read_manifest
from shopwright.registry.evaluations import read_evaluation
from shopwright.settings import ModelSettings

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.models.protocol import TrainingResult

FEATURES = (Feature("visits"), Feature("luck"))
START = np.datetime64("2025-01-01T00:00:00", "us")


def toy_spec(*features: Feature) -> ClassifierSpec:
    view = FeatureView(
        table="gold.feat_toy",
        entity="customer",
        decided_at="decided_at",
        known_at="decided_at + interval 5 days",
        outcome="bought",
        features=features,
    )
    task = PredictionTask(
        name="toy",
        view=view,
        baselines={"constant": constant, "luck alone": by_bins("luck")},
        rewrites=lambda time: {
            "silver.toy": f"select * from original.silver.toy where decided_at <= {time} or customer % 2 = 0"
        },
        now="true",
        score="log_loss",
    )
    return ClassifierSpec(task, "Will they?", "customer", "each day", "a purchase", {}, "it needs toys")


SPEC = toy_spec(*FEATURES)


def write_shop(file: Path, *, days: int) -> Path:
    """Twenty decisions a day, of outcomes that follow the visits; the same ones for the days that two shops share."""
    rng = np.random.default_rng(5)
    size = 20 * 200
    visits, noise = rng.normal(size=size), rng.normal(size=size)
    day = np.repeat(np.arange(200), 20)
    rows = {
        "customer": np.arange(size) % 900,
        "decided_at": START + day.astype("timedelta64[D]") + np.arange(size).astype("timedelta64[s]"),
        "visits": visits,
        "luck": noise,
        "bought": (rng.random(size) < 1 / (1 + np.exp(-1.5 * visits))).astype(np.float64),
    }
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema silver")
        connection.execute("create schema gold")
        connection.register("rows", {name: values[day < days] for name, values in rows.items()})
        connection.execute("create table silver.toy as select * from rows")
        connection.execute("create view gold.feat_toy as select * from warehouse.silver.toy")
    return file


def context_of(file: Path, champion: Path | None = None) -> TrainingContext:
    return TrainingContext(published=file, settings=ModelSettings(trials=1), champion=champion)


@pytest.fixture(scope="module")
def early(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shop(tmp_path_factory.mktemp("early") / "warehouse.duckdb", days=100)


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shop(tmp_path_factory.mktemp("late") / "warehouse.duckdb", days=160)


@pytest.fixture(scope="module")
def training(early: Path) -> TrainingResult:
    return SPEC.train(context_of(early))


@pytest.fixture(scope="module")
def folder(training: TrainingResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    result = tmp_path_factory.mktemp("artifact")
    seal(result, SPEC, training)
    return result


@pytest.fixture(scope="module")
def later_folder(late: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was trained when more was known."""
    result = tmp_path_factory.mktemp("later")
    seal(result, SPEC, SPEC.train(context_of(late)))
    return result


def time(text: object) -> np.datetime64:
    return np.datetime64(str(text), "us")


def test_on_the_data_of_training_a_version_gets_the_scores_of_training(
    training: TrainingResult, folder: Path, early: Path
) -> None:
    result = SPEC.evaluate(context_of(early), VersionRef(folder, "version 1"))
    assert result.scores["version 1"] == training.scores[training.kind]
    for name in training.baselines:
        assert result.scores[name] == training.scores[name]
    assert (result.verdict, result.gate) == (training.verdict, training.gate)
    assert (result.window, result.fingerprint) == (training.window, training.fingerprint)
    assert result.tables["reliability"] == training.tables["reliability"]


def test_without_later_decisions_it_says_that_there_are_none_yet(folder: Path, early: Path) -> None:
    with pytest.raises(
        DataError, match=r"version 1 has no later decisions to be evaluated on yet.*2025-04-10"
    ):
        SPEC.evaluate(context_of(early), VersionRef(folder, "version 1", "new"))


def test_later_and_new_windows_begin_after_what_was_learnt_and_judged(
    training: TrainingResult, folder: Path, late: Path
) -> None:
    later, new = (
        SPEC.evaluate(context_of(late), VersionRef(folder, "version 1", window))
        for window in ("later", "new")
    )
    assert time(later.window["test_from"]) >= time(training.window["test_from"])
    assert time(new.window["test_from"]) > time(training.window["test_until"])
    for result in (later, new):
        assert time(result.window["train_until"]) < time(result.window["test_from"])
        assert result.scores["version 1"]["roc_auc"].value > 0.75
        assert result.verdict.label == "predictable"
    assert (
        later.evaluated_on == f"the {later.window['test']['rows']:,} decisions from 2025-05-09 to 2025-06-09"
    )


def test_a_champion_that_learnt_more_is_not_judged_on_what_it_learnt(
    folder: Path, later_folder: Path, late: Path
) -> None:
    begins = time(read_manifest(later_folder, model="toy").window["test_from"])
    result = SPEC.evaluate(context_of(late, later_folder), VersionRef(folder, "version 1"))
    assert time(result.window["test_from"]) >= begins
    assert CHAMPION in result.scores
    assert any("the champion" in reason for reason in result.gate.reasons)


def test_the_shop_of_before_cannot_judge_what_learnt_later(later_folder: Path, early: Path) -> None:
    with pytest.raises(DataError, match="no later decisions"):
        SPEC.evaluate(context_of(early), VersionRef(later_folder, "version 2"))


def test_all_that_was_found_in_training_is_sealed_with_the_model(
    training: TrainingResult, folder: Path
) -> None:
    selected = read_evaluation(folder)
    assert selected is not None
    assert "evaluation.json" in read_manifest(folder, model="toy").files
    assert list(selected.scores) == list(training.scores)
    assert selected.scores["luck alone"]["brier"].upper == training.scores["luck alone"]["brier"].upper
    assert {name: len(rows) for name, rows in selected.tables.items()} == {
        name: len(rows) for name, rows in training.tables.items()
    }
    assert {"reliability", "importance", "costs", "trials"} <= selected.tables.keys()


def test_a_version_is_explained_by_its_own_features_when_those_of_the_shop_have_changed(
    folder: Path, early: Path
) -> None:
    other = toy_spec(Feature("luck")).load(folder)
    with connect(early, read_only=True) as connection:
        why = other.explain(connection, "7")
        sample = other.sample(connection, rows=50, seed=1)
    assert set(why.contributions) == {"visits", "luck"}
    assert why.values["visits"] is None
    assert sample.names == ("visits", "luck")
    assert np.isnan(sample.values["visits"]).all()


def test_a_sample_is_bounded_adds_up_and_is_the_same_again(folder: Path, early: Path) -> None:
    loaded = SPEC.load(folder)
    with connect(early, read_only=True) as connection:
        first, again = (loaded.sample(connection, rows=300, seed=3) for _ in range(2))
        other = loaded.sample(connection, rows=300, seed=4)
    assert first.contributions.shape == (300, 2)
    assert first.contributions.tobytes() == again.contributions.tobytes()
    assert first.contributions.tobytes() != other.contributions.tobytes()
    columns = {name: first.values[name] for name in first.names}
    odds = loaded.predictor.estimator.log_odds(loaded.predictor.encoder.matrix(columns))
    assert first.contributions.sum(axis=1) + first.base == pytest.approx(odds, abs=2e-5)


def test_a_window_with_too_few_outcomes_is_not_judged_on(folder: Path, tmp_path: Path) -> None:
    little = write_shop(tmp_path / "warehouse.duckdb", days=102)
    with pytest.raises(DataError, match="in the later window have the outcome"):
        SPEC.evaluate(context_of(little), VersionRef(folder, "version 1", "new"))
