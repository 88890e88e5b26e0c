"""What is kept of a training run: the model's files, how it was judged, and the manifest that seals both."""

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


def seal(folder: Path, room: ModelSpec, training: TrainingResult) -> Manifest:
    """Write a trained model's artifact into an empty folder."""
    described = training.files(folder)
    write_evaluation(folder, record_of(training))
    return write_manifest(
        folder,
        Manifest(
            model=room.name,
            kind=training.kind,
            created_at=datetime.now(UTC),
            features=tuple(_features(described["features"])),
            outcome=room.outcome,
            decision_time=room.decision,
            window=training.window,
            data_fingerprint=training.fingerprint,
            metrics=_measures(next(iter(training.scores.values()))),
            libraries=library_versions(LIBRARIES),
        ),
    )


def gate_record(judged: EvaluationResult, champion: Version | None) -> GateRecord:
    """What the gate says, and of which champion."""
    return GateRecord(
        passes=judged.gate.passes,
        reasons=judged.gate.reasons,
        champion=champion.number if champion else None,
    )


def record_of(judged: EvaluationResult) -> EvaluationRecord:
    """Everything about how a model was judged, as it is kept."""
    return EvaluationRecord(
        evaluated_on=judged.evaluated_on,
        verdict=judged.verdict.label,
        reason=judged.verdict.reason,
        scores={name: _measures(scores) for name, scores in judged.scores.items()},
        baselines=judged.baselines,
        findings=tuple(finding.message for finding in judged.findings),
        notes=judged.notes,
        tables={name: as_rows(rows) for name, rows in judged.tables.items()},
    )


def _measures(scores: Mapping[str, Score]) -> dict[str, Measure]:
    return {
        name: Measure(value=score.value, lower=score.lower, upper=score.upper, reason=score.reason)
        for name, score in scores.items()
    }


def _features(encoder: dict[str, Any]) -> list[FeatureRecord]:
    """Features as an encoder knows them, as the manifest records them."""
    found = []
    for feature in encoder["features"]:
        name = feature["name"]
        if feature["kind"] == "category":
            levels = tuple(sorted(encoder["levels"][name]))
            found.append(FeatureRecord(name=name, kind="category", categories=levels))
        else:
            lower, upper = encoder["ranges"][name]
            found.append(FeatureRecord(name=name, kind="number", lower=lower, upper=upper))
    return found
