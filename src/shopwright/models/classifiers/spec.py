"""A room whose question is answered with yes or no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import DataError
from shopwright.models.classifiers.evaluate import evaluate_classifier
from shopwright.models.classifiers.predictor import Predictor
from shopwright.models.classifiers.train import audit_classifier, train_classifier
from shopwright.models.protocol import Explanation, Sample
from shopwright.models.training_set import (
    entity_condition,
    find_missing_requirement,
    read_training_set,
    sample_rows,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb
    from numpy.typing import NDArray

    from shopwright.evaluation.leaks import Finding
    from shopwright.models.classifiers.task import PredictionTask
    from shopwright.models.naive_recipe import NaiveRecipe
    from shopwright.models.protocol import EvaluationResult, TrainingContext, TrainingResult, VersionRef
    from shopwright.models.training_set import TrainingSet

SCALE = "log odds before calibration"
"""What contributions add up on."""
DRAWN_FROM = 10
"""Decisions of whole entities that a sample is drawn from, for each that is drawn."""


@dataclass(frozen=True, slots=True)
class ClassifierSpec:
    """A question with its words; training, scoring and explaining are the same for all of them."""

    task: PredictionTask
    question: str
    entity: str
    decision: str
    outcome: str
    columns: Mapping[str, str]
    """Column of the table of scores to its meaning."""
    needs: str
    """What the shop must have, in words."""
    evidence: str = ""
    """SQL after ``from``: rows that a shop has if it has that; empty: the features themselves, which must be quick to read."""

    @property
    def name(self) -> str:
        """The room's name."""
        return self.task.name

    @property
    def scores_table(self) -> str:
        """Where scores go."""
        return f"gold.scores_{self.task.name}"

    @property
    def naive_recipe(self) -> NaiveRecipe | None:
        """The usual recipe, to be shown beside the model."""
        return self.task.naive_recipe

    def missing_requirement(self, connection: duckdb.DuckDBPyConnection) -> str | None:
        """What the shop lacks for it, in words; None where nothing is missing."""
        return find_missing_requirement(
            connection,
            self.task.view.table,
            needs=self.needs,
            evidence=self.evidence or self.task.view.table,
        )

    def train(self, context: TrainingContext) -> TrainingResult:
        """Train, judge and audit."""
        return train_classifier(self.task, context)

    def evaluate(self, context: TrainingContext, version: VersionRef) -> EvaluationResult:
        """Judge a version anew on the shop's data of now."""
        return evaluate_classifier(self.task, context, version)

    def audit(self, context: TrainingContext) -> tuple[tuple[Finding, ...], int]:
        """What speaks for a leak, and how many decisions were compared after their future was rewritten."""
        return audit_classifier(self.task, context)

    def load(self, folder: Path) -> LoadedClassifier:
        """Read a model from its verified artifact."""
        return LoadedClassifier(self.task, Predictor.load(folder))


@dataclass(frozen=True, slots=True)
class LoadedClassifier:
    """A classifier that scores what is decided now."""

    task: PredictionTask
    predictor: Predictor

    def score(self, connection: duckdb.DuckDBPyConnection) -> dict[str, NDArray[Any]]:
        """Entity, keys, moment and probability of all decisions of now."""
        frame = read_training_set(connection, self.task.view, where=self.task.now)
        return {
            self.task.view.entity: frame.entity,
            **frame.keys,
            "decided_at": frame.decided_at,
            "probability": self.predictor.probability(frame.columns),
        }

    def explain(self, connection: duckdb.DuckDBPyConnection, entity: str) -> Explanation:
        """Why an entity has its score at its last decision.

        Raises:
            DataError: the shop does not know it.
        """
        view = self.task.view
        frame = read_training_set(connection, view, where=entity_condition(view, entity))
        if not len(frame):
            raise DataError(f"{view.table} has no {view.entity} '{entity}'")
        return self._explained(frame.take(frame.decided_at == frame.decided_at.max()))

    def sample(self, connection: duckdb.DuckDBPyConnection, *, rows: int, seed: int) -> Sample:
        """What features add to the log odds of some of all decisions.

        Raises:
            DataError: there are none.
        """
        view = self.task.view
        frame = read_training_set(connection, view, where=self.task.where, max_rows=rows * DRAWN_FROM)
        if not len(frame):
            raise DataError(f"{view.table} has no decisions")
        found = sample_rows(frame, rows, seed=seed)
        parts, base = self.predictor.contributions(found.columns)
        names = tuple(feature.name for feature in self.predictor.encoder.features)
        return Sample(
            names=names,
            contributions=parts,
            values={name: _values(found, name) for name in names},
            base=float(base[0]),
            scale=SCALE,
            population=f"decisions up to {str(frame.decided_at[-1])[:10]}",
        )

    def _explained(self, frame: TrainingSet) -> Explanation:
        parts, base = self.predictor.contributions(frame.columns)
        last = len(frame) - 1
        # Those of the version, which may be older than the features of now.
        names = [feature.name for feature in self.predictor.encoder.features]
        return Explanation(
            entity=str(frame.entity[last]),
            decided_at=str(frame.decided_at[last]),
            score=float(self.predictor.probability(frame.columns)[last]),
            base=float(base[last]),
            scale=SCALE,
            contributions=dict(zip(names, map(float, parts[last]), strict=True)),
            values={name: _plain(_values(frame, name)[last]) for name in names},
        )


def _values(frame: TrainingSet, name: str) -> NDArray[Any]:
    """A feature's values, (rows,); not known of any row where the shop's features of now have no such one."""
    return frame.columns[name] if name in frame.columns else np.full(len(frame), np.nan)


def _plain(value: Any) -> Any:
    """A value of a feature for JSON; None where it is not known."""
    if value is None or value != value:  # noqa: PLR0124  # NaN
        return None
    return value if isinstance(value, str) else float(value)
