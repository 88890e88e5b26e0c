"""Scoring and explaining with a trained classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import DataError
from shopwright.models.protocol import Explanation, Sample
from shopwright.models.training_set import entity_condition, read_training_set, sample_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shopwright.core.engine import Connection
    from shopwright.models.classifiers.predictor import Predictor
    from shopwright.models.classifiers.task import PredictionTask
    from shopwright.models.training_set import TrainingSet

SCALE = "log odds before calibration"
"""Unit in which contributions add up."""


@dataclass(frozen=True, slots=True)
class LoadedClassifier:
    """A trained classifier that scores current decisions."""

    task: PredictionTask
    predictor: Predictor

    def score(self, connection: Connection) -> dict[str, NDArray[Any]]:
        """Score all current decisions.

        Returns:
            Entity, keys, time and probability, one entry per decision.
        """
        data = read_training_set(connection, self.task.view, where=self.task.now)
        return {
            self.task.view.entity: data.entity,
            **data.keys,
            "decided_at": data.decided_at,
            "probability": self.predictor.probability(data.columns),
        }

    def explain(self, connection: Connection, entity: str) -> Explanation:
        """Explain an entity's score at its last decision.

        Raises:
            DataError: the shop has no such entity.
        """
        view = self.task.view
        data = read_training_set(connection, view, where=entity_condition(view, entity))
        if not len(data):
            raise DataError(f"{view.table} has no {view.entity} '{entity}'")
        return self._explanation(data.take(data.decided_at == data.decided_at.max()))

    def sample(self, connection: Connection, *, rows: int, seed: int) -> Sample:
        """Compute contributions to the log odds of a random sample of all decisions.

        Args:
            connection: to the published database.
            rows: maximum size of the sample.
            seed: of the sample.

        Raises:
            DataError: there are no decisions.
        """
        view = self.task.view
        pool = rows * self.task.config.sample_pool
        data = read_training_set(connection, view, where=self.task.where, max_rows=pool)
        if not len(data):
            raise DataError(f"{view.table} has no decisions")
        sample = sample_rows(data, rows, seed=seed)
        contributions, base = self.predictor.contributions(sample.columns)
        names = tuple(feature.name for feature in self.predictor.encoder.features)
        return Sample(
            names=names,
            contributions=contributions,
            values={name: _feature_values(sample, name) for name in names},
            base=float(base[0]),
            scale=SCALE,
            population=f"decisions up to {str(data.decided_at[-1])[:10]}",
        )

    def _explanation(self, data: TrainingSet) -> Explanation:
        contributions, base = self.predictor.contributions(data.columns)
        last = len(data) - 1
        # The features of the version, which may be older than those of the current feature view.
        names = [feature.name for feature in self.predictor.encoder.features]
        return Explanation(
            entity=str(data.entity[last]),
            decided_at=str(data.decided_at[last]),
            score=float(self.predictor.probability(data.columns)[last]),
            base=float(base[last]),
            scale=SCALE,
            contributions=dict(zip(names, map(float, contributions[last]), strict=True)),
            values={name: _plain(_feature_values(data, name)[last]) for name in names},
        )


def _feature_values(data: TrainingSet, name: str) -> NDArray[Any]:
    """Return a feature's values, (rows,); all unknown if the current feature view does not have it."""
    return data.columns[name] if name in data.columns else np.full(len(data), np.nan)


def _plain(value: Any) -> Any:
    """Return a feature's value for JSON; None where unknown."""
    if value is None or value != value:  # noqa: PLR0124  # NaN
        return None
    return value if isinstance(value, str) else float(value)
