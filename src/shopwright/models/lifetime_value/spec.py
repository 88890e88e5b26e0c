"""The specification of the lifetime value model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.models.lifetime_value.evaluate import audit_lifetime_value, evaluate_lifetime_value
from shopwright.models.lifetime_value.features import FEATURE_VIEW, NAME
from shopwright.models.lifetime_value.score import LoadedLifetimeValue
from shopwright.models.lifetime_value.train import train_lifetime_value
from shopwright.models.training_set import find_missing_requirement

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shopwright.core.engine import Connection
    from shopwright.evaluation.leaks import Finding
    from shopwright.models.protocol import EvaluationResult, TrainingContext, TrainingResult, VersionRef


@dataclass(frozen=True, slots=True)
class LifetimeValueSpec:
    """The lifetime value model with its descriptions."""

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
    naive_recipe: None = None

    def missing_requirement(self, connection: Connection) -> str | None:
        """Return what the shop find_missing_requirement for this model; None where nothing is missing."""
        return find_missing_requirement(
            connection, FEATURE_VIEW.table, needs=self.needs, evidence=FEATURE_VIEW.table
        )

    def train(self, context: TrainingContext) -> TrainingResult:
        """Train, evaluate and audit.

        Raises:
            DataError: no outcome is known yet, or too few customers bought again.
        """
        return train_lifetime_value(context)

    def evaluate(self, context: TrainingContext, version: VersionRef) -> EvaluationResult:
        """Re-evaluate a version on current data.

        Raises:
            DataError: there are no customers yet to evaluate it on.
        """
        return evaluate_lifetime_value(context, version)

    def audit(self, context: TrainingContext) -> tuple[tuple[Finding, ...], int]:
        """Return the findings of the leak audit, and how many decisions it compared."""
        return audit_lifetime_value(context)

    def load(self, folder: Path) -> LoadedLifetimeValue:
        """Read a model from its verified artifact."""
        return LoadedLifetimeValue.load(folder)
