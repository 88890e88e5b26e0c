"""How a version was judged is kept with it, whole, and cannot be changed afterwards."""

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

KEPT = EvaluationRecord(
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


def log(registry, folder, kept):
    artifact = make_artifact(folder)
    manifest = read_manifest(artifact, model="churn")
    write_evaluation(artifact, kept)
    write_manifest(artifact, manifest.model_copy(update={"files": {}}))
    return registry.log(RunRecord(model="churn", folder=artifact, verdict="predictable", gate=PASSES))


def test_it_comes_back_with_the_version(registry, tmp_path):
    log(registry, tmp_path / "a", KEPT)
    assert registry.evaluation("churn", 1) == KEPT
    assert registry.evaluation("churn", "challenger") == KEPT


def test_a_version_of_before_has_none(registry, tmp_path):
    registry.log(make_run(tmp_path / "a"))
    assert registry.evaluation("churn", 1) is None


def test_a_score_that_was_mended_afterwards_is_refused(registry, tmp_path):
    log(registry, tmp_path / "a", KEPT)
    file = registry.fetch("churn", 1) / FILE_NAME
    file.write_text(file.read_text().replace("0.7", "0.9"))
    with pytest.raises(ArtifactError, match=r"evaluation\.json was changed after it was sealed"):
        registry.evaluation("churn", 1)


def test_rows_are_plain_and_what_is_no_number_is_null(tmp_path):
    given = [
        {"a": np.float32(0.5), "b": np.int64(3), "c": math.inf, "d": np.float64("nan"), "e": (1, None)},
        {"a": {"nested": np.bool_(True)}, "b": np.datetime64("2025-01-02"), "c": "text"},
    ]
    rows = as_rows(given)
    assert rows == [
        {"a": 0.5, "b": 3, "c": None, "d": None, "e": [1, None]},
        {"a": {"nested": True}, "b": "2025-01-02", "c": "text"},
    ]
    write_evaluation(tmp_path, KEPT.model_copy(update={"tables": {"rows": rows}}))
    assert read_evaluation(tmp_path).tables["rows"] == rows
