"""The evaluation of a version is stored with it, in full, and cannot be changed afterwards."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.registry.artifacts import PASSES, make_artifact, make_run

from shopwright.core.errors import ArtifactError
from shopwright.registry import (
    EvaluationRecord,
    Measure,
    RunRecord,
    as_rows,
    write_evaluation,
    write_manifest,
)
from shopwright.registry.evaluations import FILE_NAME, read_evaluation
from shopwright.registry.manifest import read_manifest

EVALUATION = EvaluationRecord(
    evaluated_on="the test window",
    verdict="predictable",
    reason="better than recency alone",
    scores={
        "xgboost": {"roc_auc": Measure(value=0.7, lower=0.6, upper=0.8)},
        "constant": {"roc_auc": Measure(value=0.5, reason=None)},
    },
    baselines=("constant",),
    findings=(),
    notes=("a note",),
    tables={"deciles": as_rows([{"decile": 1, "share_of_actual": math.nan}])},
)


def log(registry, folder, evaluation):
    artifact = make_artifact(folder)
    manifest = read_manifest(artifact, model="churn")
    write_evaluation(artifact, evaluation)
    write_manifest(artifact, manifest.model_copy(update={"files": {}}))
    return registry.log(RunRecord(model="churn", folder=artifact, verdict="predictable", gate=PASSES))


def test_it_comes_back_with_the_version(registry, tmp_path):
    log(registry, tmp_path / "a", EVALUATION)
    assert registry.evaluation("churn", 1) == EVALUATION
    assert registry.evaluation("churn", "challenger") == EVALUATION


def test_a_version_of_before_has_none(registry, tmp_path):
    registry.log(make_run(tmp_path / "a"))
    assert registry.evaluation("churn", 1) is None


def test_an_evaluation_of_an_earlier_version_is_still_read(tmp_path):
    write_evaluation(tmp_path, EVALUATION)
    file = tmp_path / FILE_NAME
    file.write_text(file.read_text().replace('"evaluated_on"', '"judged_on"'))
    assert read_evaluation(tmp_path) == EVALUATION


def test_a_score_that_was_changed_afterwards_is_refused(registry, tmp_path):
    log(registry, tmp_path / "a", EVALUATION)
    file = registry.fetch("churn", 1) / FILE_NAME
    file.write_text(file.read_text().replace("0.7", "0.9"))
    with pytest.raises(ArtifactError, match=r"evaluation\.json was changed after it was sealed"):
        registry.evaluation("churn", 1)


def test_rows_are_plain_and_what_is_no_number_is_null(tmp_path):
    values = [
        {"a": np.float32(0.5), "b": np.int64(3), "c": math.inf, "d": np.float64("nan"), "e": (1, None)},
        {"a": {"nested": np.bool_(True)}, "b": np.datetime64("2025-01-02"), "c": "text"},
    ]
    rows = as_rows(values)
    assert rows == [
        {"a": 0.5, "b": 3, "c": None, "d": None, "e": [1, None]},
        {"a": {"nested": True}, "b": "2025-01-02", "c": "text"},
    ]
    write_evaluation(tmp_path, EVALUATION.model_copy(update={"tables": {"rows": rows}}))
    assert read_evaluation(tmp_path).tables["rows"] == rows
