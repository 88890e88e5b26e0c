"""The stored artifact of a training run: the model's files, its evaluation, and the manifest that seals both."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shopwright.registry import (
    EvaluationRecord,
    FeatureRecord,
    GateRecord,
    Manifest,
    Measure,
    as_rows,
    library_versions,
    write_evaluation,
    write_manifest,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shopwright.evaluation.scores import Score
    from shopwright.models.protocol import EvaluationResult, ModelSpec, TrainingResult
    from shopwright.registry import Version

LIBRARIES = ("lightgbm", "numpy", "scikit-learn", "scipy", "xgboost-cpu")


def seal(folder: Path, spec: ModelSpec, training: TrainingResult) -> Manifest:
    """Write a trained model's artifact into an empty folder."""
    content = training.files(folder)
    write_evaluation(folder, evaluation_record(training))
    return write_manifest(
        folder,
        Manifest(
            model=spec.name,
            kind=training.kind,
            created_at=datetime.now(UTC),
            features=tuple(_features(content["features"])),
            outcome=spec.outcome,
            decision_time=spec.decision,
            window=training.window,
            data_fingerprint=training.fingerprint,
            metrics=_measures(next(iter(training.scores.values()))),
            libraries=library_versions(LIBRARIES),
        ),
    )


def gate_record(evaluation: EvaluationResult, champion: Version | None) -> GateRecord:
    """Return the result of the gate for storage, with the champion that it compares with."""
    return GateRecord(
        passes=evaluation.gate.passes,
        reasons=evaluation.gate.reasons,
        champion=champion.number if champion else None,
    )


def evaluation_record(evaluation: EvaluationResult) -> EvaluationRecord:
    """Return a full evaluation for storage."""
    return EvaluationRecord(
        evaluated_on=evaluation.evaluated_on,
        verdict=evaluation.verdict.label,
        reason=evaluation.verdict.reason,
        scores={name: _measures(scores) for name, scores in evaluation.scores.items()},
        baselines=evaluation.baselines,
        findings=tuple(finding.message for finding in evaluation.findings),
        notes=evaluation.notes,
        tables={name: as_rows(rows) for name, rows in evaluation.tables.items()},
    )


def _measures(scores: Mapping[str, Score]) -> dict[str, Measure]:
    return {
        name: Measure(value=score.value, lower=score.lower, upper=score.upper, reason=score.reason)
        for name, score in scores.items()
    }


def _features(encoder: dict[str, Any]) -> list[FeatureRecord]:
    """Convert the features of a stored encoder to the manifest's records."""
    records = []
    for feature in encoder["features"]:
        name = feature["name"]
        if feature["kind"] == "category":
            levels = tuple(sorted(encoder["levels"][name]))
            records.append(FeatureRecord(name=name, kind="category", categories=levels))
        else:
            lower, upper = encoder["ranges"][name]
            records.append(FeatureRecord(name=name, kind="number", lower=lower, upper=upper))
    return records
