"""TrainingResult: find segments among today's customers, restate them as rules and describe them."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.models.protocol import TrainingResult
from shopwright.models.segmentation.clustering import cluster
from shopwright.models.segmentation.config import SegmentationConfig
from shopwright.models.segmentation.customers import split
from shopwright.models.segmentation.evaluate import KIND, build_evaluation, read_snapshots
from shopwright.models.segmentation.importance import measure_importance
from shopwright.models.segmentation.model import Segmentation
from shopwright.models.segmentation.profiles import profile_segments
from shopwright.models.segmentation.rfm import fit_rfm_scale
from shopwright.models.segmentation.rules import fit_rules
from shopwright.models.segmentation.score import FILE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from shopwright.models.protocol import TrainingContext
    from shopwright.models.segmentation.customers import Customers

SQL_FILE, TEXT_FILE = "rules.sql", "rules.txt"


def train_segmentation(context: TrainingContext, config: SegmentationConfig) -> TrainingResult:
    """Fit a segmentation on today's customers, evaluate it and audit its features.

    Args:
        context: the shop and its settings, whose seed replaces that of the configuration.
        config: choices that change the answer.

    Raises:
        DataError: there are too few customers, or they differ too little.
    """
    config = config.model_copy(update={"seed": context.settings.seed % 2**31})
    context.on_progress("reading customers", 0, 0)
    snapshots = read_snapshots(context, config)
    context.on_progress("finding segments", 0, 0)
    segmentation = fit_segmentation(snapshots.customers, config)
    evaluation = build_evaluation(context, KIND, segmentation, snapshots)
    return TrainingResult(
        **{field.name: getattr(evaluation, field.name) for field in fields(evaluation)},
        parameters=_parameters(segmentation),
        features=segmentation.features,
        files=lambda folder: _save(folder, segmentation, snapshots.customers),
    )


def fit_segmentation(customers: Customers, config: SegmentationConfig | None = None) -> Segmentation:
    """Find segments, restate them as rules and describe them.

    The same customers and configuration give the same segmentation, whatever the order of their rows.

    Args:
        customers: the customers to segment.
        config: choices that change the answer; the defaults if None.

    Raises:
        DataError: there are too few customers, or one find_missing_requirement recency, frequency or monetary.
        ConfigurationError: a feature to group by does not exist.
    """
    config = config or SegmentationConfig()
    scale, clustering = fit_rfm_scale(customers), cluster(customers, config)
    labels = clustering.label(customers)
    learned_on, measured_on = split(customers, held_out=config.held_out, seed=config.seed)
    rules = fit_rules(customers, clustering, learned_on=learned_on, measured_on=measured_on, config=config)
    importances = measure_importance(
        customers, labels, learned_on=learned_on, measured_on=measured_on, config=config
    )
    profiles = profile_segments(
        customers, labels, segments=clustering.segments, scale=scale, importances=importances
    )
    return Segmentation(config=config, scale=scale, clustering=clustering, rules=rules, profiles=profiles)


def _parameters(segmentation: Segmentation) -> dict[str, Any]:
    """Return the choices that change the answer, as texts and numbers."""
    config = segmentation.config
    return {
        **config.model_dump(),
        "features": ", ".join(config.features),
        "segments": segmentation.clustering.segments,
    }


def _save(folder: Path, segmentation: Segmentation, customers: Customers) -> dict[str, Any]:
    """Write the artifact.

    Returns:
        The features with their ranges, as the manifest records them.
    """
    for name, text in (
        (FILE, json.dumps(segmentation.to_dict(), indent=1, allow_nan=False)),
        (SQL_FILE, segmentation.rules.to_sql()),
        (TEXT_FILE, segmentation.rules.to_text(segmentation.names)),
    ):
        (folder / name).write_text(text + "\n", encoding="utf-8")
    names = segmentation.features
    return {
        "features": {
            "features": [{"name": name, "kind": "number"} for name in names],
            "ranges": {name: _range(customers.column(name)) for name in names},
        }
    }


def _range(values: NDArray[np.float64]) -> tuple[float | None, float | None]:
    present = values[~np.isnan(values)]
    return (float(present.min()), float(present.max())) if len(present) else (None, None)
