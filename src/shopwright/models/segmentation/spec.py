"""The specification of the segmentation model: trained on today's customers, served by rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shopwright.models.segmentation.config import SegmentationConfig
from shopwright.models.segmentation.customers import TABLE
from shopwright.models.segmentation.evaluate import NAME, audit_segmentation, evaluate_segmentation
from shopwright.models.segmentation.score import LoadedSegmentation
from shopwright.models.segmentation.train import train_segmentation
from shopwright.models.training_set import find_missing_requirement

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shopwright.core.engine import Connection
    from shopwright.evaluation.leaks import Finding
    from shopwright.models.protocol import EvaluationResult, TrainingContext, TrainingResult, VersionRef


@dataclass(frozen=True, slots=True)
class SegmentationSpec:
    """The segmentation model with its descriptions."""

    question: str
    entity: str
    decision: str
    outcome: str
    columns: Mapping[str, str]
    """Column of the table of scores to its meaning."""
    needs: str
    """What the shop must have, in words."""
    name: str = NAME
    scores_table: str = f"gold.scores_{NAME}"
    config: SegmentationConfig = field(default_factory=SegmentationConfig)
    """Choices of training; the project's seed replaces its seed."""
    naive_recipe: None = None

    def missing_requirement(self, connection: Connection) -> str | None:
        """Return what the shop find_missing_requirement for this model; None where nothing is missing."""
        return find_missing_requirement(connection, TABLE, needs=self.needs, evidence=TABLE)

    def train(self, context: TrainingContext) -> TrainingResult:
        """Train, evaluate and audit.

        Raises:
            DataError: there are too few customers, or they differ too little.
        """
        return train_segmentation(context, self.config)

    def evaluate(self, context: TrainingContext, version: VersionRef) -> EvaluationResult:
        """Re-evaluate a version on today's customers.

        Raises:
            DataError: there are too few customers, or none later than those the segments were found in.
        """
        return evaluate_segmentation(context, version)

    def audit(self, context: TrainingContext) -> tuple[tuple[Finding, ...], int]:
        """Return the findings of the leak audit, and how many decisions it compared."""
        return audit_segmentation(context)

    def load(self, folder: Path) -> LoadedSegmentation:
        """Read a model from its verified artifact."""
        return LoadedSegmentation.load(folder)
