"""The model spec of a prediction task: training, evaluating and scoring are the same for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.models.classifiers.evaluate import evaluate_classifier
from shopwright.models.classifiers.predictor import Predictor
from shopwright.models.classifiers.score import LoadedClassifier
from shopwright.models.classifiers.train import audit_classifier, train_classifier
from shopwright.models.training_set import find_missing_requirement

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shopwright.core.engine import Connection
    from shopwright.evaluation.leaks import Finding
    from shopwright.models.classifiers.task import PredictionTask
    from shopwright.models.naive_recipe import NaiveRecipe
    from shopwright.models.protocol import EvaluationResult, TrainingContext, TrainingResult, VersionRef


@dataclass(frozen=True, slots=True)
class ClassifierSpec:
    """A prediction task with its descriptions."""

    task: PredictionTask
    question: str
    entity: str
    decision: str
    outcome: str
    columns: Mapping[str, str]
    """Column of the scores table to its meaning."""
    needs: str
    """Description of the data that the shop must have."""
    evidence: str = ""
    """SQL that follows ``from``: rows that a shop with this data has; empty: the features, which must be quick to read."""

    @property
    def name(self) -> str:
        """Name in commands."""
        return self.task.name

    @property
    def scores_table(self) -> str:
        """Table of the scores."""
        return f"gold.scores_{self.task.name}"

    @property
    def naive_recipe(self) -> NaiveRecipe | None:
        """The usual recipe, to show next to the model."""
        return self.task.naive_recipe

    def missing_requirement(self, connection: Connection) -> str | None:
        """Return what data the shop still needs for this model; None if it has everything."""
        table = self.task.view.table
        return find_missing_requirement(connection, table, needs=self.needs, evidence=self.evidence or table)

    def train(self, context: TrainingContext) -> TrainingResult:
        """Train, evaluate and audit."""
        return train_classifier(self.task, context)

    def evaluate(self, context: TrainingContext, version: VersionRef) -> EvaluationResult:
        """Re-evaluate a version on current data."""
        return evaluate_classifier(self.task, context, version)

    def audit(self, context: TrainingContext) -> tuple[tuple[Finding, ...], int]:
        """Search the features for leaks."""
        return audit_classifier(self.task, context)

    def load(self, folder: Path) -> LoadedClassifier:
        """Read a model from its verified artifact."""
        return LoadedClassifier(self.task, Predictor.load(folder))
