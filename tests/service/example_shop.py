"""A shop with champions and scores that takes a second to make, since nothing of it is built."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.engine import connect
from shopwright.evaluation.calibration import Calibrator
from shopwright.models import churn, lifetime_value, segmentation
from shopwright.models.abandonment.features import FEATURE_VIEW, OPTIONAL
from shopwright.models.classifiers.encoding import Encoder
from shopwright.models.classifiers.estimators import fit
from shopwright.models.classifiers.predictor import Predictor
from shopwright.models.scores import write_scores
from shopwright.models.training_set import TrainingSet
from shopwright.registry import GateRecord, Manifest, Registry, RunRecord, write_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.settings import Project

SESSION = {
    "total_views": 7,
    "total_carts": 2,
    "session_duration_minutes": 11.5,
    "experiment_group": "treatment",
}
DATA_DATE = "2025-03-31"
EXPERIMENT = """
[[experiments]]
name = "banner"
hypothesis = "A banner sells more"
start = 2025-01-01
"""
CATEGORIES = {"experiment_group": ("control", "treatment"), "device": ("mobile", "desktop")}


def decisions(size: int = 2_000, *, seed: int = 1) -> TrainingSet:
    """Made-up decisions in which carts with many views are bought."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for feature in FEATURE_VIEW.features:
        if feature.kind == "category":
            words = np.array([*CATEGORIES.get(feature.name, ("x", "y")), None], dtype=object)
            columns[feature.name] = rng.choice(words, size)
        else:
            columns[feature.name] = np.floor(rng.gamma(2.0, 4.0, size))
    bought = 1 / (1 + np.exp(3 - 0.4 * columns["total_views"] - (columns["device"] == "mobile")))
    for name in OPTIONAL:
        if columns[name].dtype != object:
            columns[name][rng.random(size) < 0.3] = np.nan
    moments = np.arange(size).astype("datetime64[us]")
    outcome = (rng.random(size) > bought).astype(np.float64)
    return TrainingSet(FEATURE_VIEW, np.arange(size).astype(object), {}, moments, moments, outcome, columns)


def register(
    project: Project, folder: Path, frame: TrainingSet, *, trees: int = 20, promote: bool = True
) -> int:
    """Train a small champion on decisions and register it; gives its version."""
    encoder = Encoder.fit(frame)
    settings = {"trees": trees, "max_depth": 3, "learning_rate": 0.3}
    scorer = fit("xgboost", encoder.matrix(frame.columns), frame.outcome, settings=settings, seed=3)
    calibrator = Calibrator("beta", coefficients=(1.1, 0.9, 0.05))
    folder.mkdir(parents=True)
    Predictor(encoder, scorer, calibrator).save(folder)
    manifest = Manifest(
        model="abandonment",
        kind="xgboost",
        created_at=datetime(2025, 4, 1, tzinfo=UTC),
        features=(),
        outcome="abandoned",
        decision_time="now",
        window={"train_until": "2025-03-01T10:00:00", "test_until": f"{DATA_DATE}T23:21:36"},
        data_fingerprint="0" * 64,
    )
    write_manifest(folder, manifest)
    registry = Registry(project)
    number = registry.log(RunRecord("abandonment", folder, "predictable", GateRecord(passes=True)))
    if promote:
        registry.promote("abandonment", number, force_reason="for a test")
    return number


def publish_scores(project: Project) -> None:
    """Scores of two customers, as if the shop had been built and scored."""
    project.published.parent.mkdir(parents=True)
    days = np.array(["2025-04-01", "2025-04-01"], dtype="M8[us]")
    common = {
        "customer_id": np.array(["anna", "bert's \U0001f600"], dtype=object),
        "snapshot_date": days,
        "decided_at": days,
    }
    with connect(project.published) as connection:
        connection.execute("create schema gold")
        numbers = [name for name in lifetime_value.MODEL.columns if name not in common]
        values = {name: np.array([182, 182] if name.endswith("_days") else [0.5, np.nan]) for name in numbers}
        write_scores(connection, churn.MODEL, {**common, "probability": np.array([0.2, 0.9])}, version=3)
        write_scores(connection, lifetime_value.MODEL, {**common, **values}, version=4)
        texts = {
            name: np.array(["a", "b"], dtype=object) for name in ("segment_name", "rfm_class", "campaign")
        }
        scores = [name for name in segmentation.MODEL.columns if name not in {*common, *texts}]
        write_scores(
            connection,
            segmentation.MODEL,
            {**common, **texts, **{name: np.array([1, 2]) for name in scores}},
            version=5,
        )
