"""The room as all models have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import DataError
from shopwright.models.lifetime_value.artifact import load_candidate
from shopwright.models.lifetime_value.evaluating import audit_lifetime_value, evaluate_lifetime_value
from shopwright.models.lifetime_value.features import (
    FEATURE_VIEW,
    HORIZONS,
    JUDGED,
    NAME,
    NOW,
    read_customers,
)
from shopwright.models.lifetime_value.prediction import LEVEL, SCALE
from shopwright.models.lifetime_value.training import train_lifetime_value
from shopwright.models.protocol import Explanation, Sample
from shopwright.models.training_set import entity_condition, find_missing_requirement, sample_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb
    from numpy.typing import NDArray

    from shopwright.evaluation.leaks import Finding
    from shopwright.models.lifetime_value.prediction import Candidate, Prediction
    from shopwright.models.protocol import EvaluationResult, TrainingContext, TrainingResult, VersionRef
    from shopwright.models.training_set import TrainingSet


@dataclass(frozen=True, slots=True)
class LifetimeValueRoom:
    """What customers will spend, with its words."""

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

    def missing_requirement(self, connection: duckdb.DuckDBPyConnection) -> str | None:
        """What the shop lacks for it, in words; None where nothing is missing."""
        return find_missing_requirement(
            connection, FEATURE_VIEW.table, needs=self.needs, evidence=FEATURE_VIEW.table
        )

    def train(self, context: TrainingContext) -> TrainingResult:
        """Train, judge and audit."""
        return train_lifetime_value(context)

    def evaluate(self, context: TrainingContext, version: VersionRef) -> EvaluationResult:
        """Judge a version anew on the shop's data of now."""
        return evaluate_lifetime_value(context, version)

    def audit(self, context: TrainingContext) -> tuple[tuple[Finding, ...], int]:
        """What speaks for a leak, and how many decisions were compared after their future was rewritten."""
        return audit_lifetime_value(context)

    def load(self, folder: Path) -> LoadedLifetimeValue:
        """Read a model from its verified artifact."""
        return LoadedLifetimeValue(load_candidate(folder))


@dataclass(frozen=True, slots=True)
class LoadedLifetimeValue:
    """A model that says what the customers of today will spend."""

    candidate: Candidate

    def score(self, connection: duckdb.DuckDBPyConnection) -> dict[str, NDArray[Any]]:
        """Purchases and value at both horizons, of all customers at the last snapshot."""
        frame = read_customers(connection, where=NOW)
        columns: dict[str, NDArray[Any]] = {
            FEATURE_VIEW.entity: frame.entity,
            **frame.keys,
            "decided_at": frame.decided_at,
            "probability_alive": self.candidate.probability_alive(frame),
        }
        for days in HORIZONS:
            columns |= _columns(self.candidate.predict(frame, days), days)
        return columns

    def explain(self, connection: duckdb.DuckDBPyConnection, entity: str) -> Explanation:
        """Why a customer is expected to spend what they are, at the last snapshot.

        Raises:
            DataError: the shop does not know them.
        """
        frame = read_customers(connection, where=f"{entity_condition(FEATURE_VIEW, entity)} and {NOW}")
        if not len(frame):
            raise DataError(f"{FEATURE_VIEW.table} has no {FEATURE_VIEW.entity} '{entity}'")
        return self._explained(frame)

    def sample(self, connection: duckdb.DuckDBPyConnection, *, rows: int, seed: int) -> Sample:
        """What moves the expected value of some of the customers of the last snapshot.

        Raises:
            DataError: there are none.
        """
        frame = read_customers(connection, where=NOW)
        if not len(frame):
            raise DataError(f"{FEATURE_VIEW.table} has no customers")
        found = sample_rows(frame, rows, seed=seed)
        parts = self.candidate.parts(found)
        return Sample(
            names=parts.names,
            contributions=parts.contributions,
            values=dict(zip(parts.names, parts.values.T, strict=True)),
            base=parts.base,
            scale=SCALE,
            population=f"customers of {str(frame.decided_at[-1])[:10]}",
        )

    def _explained(self, frame: TrainingSet) -> Explanation:
        found, parts = self.candidate.predict(frame, JUDGED), self.candidate.parts(frame)
        value, lower, upper = (float(each[0]) for each in (found.value, found.lower, found.upper))
        return Explanation(
            entity=str(frame.entity[0]),
            decided_at=str(frame.decided_at[0]),
            score=value,
            base=parts.base,
            scale=SCALE,
            contributions=dict(zip(parts.names, map(float, parts.contributions[0]), strict=True)),
            values={
                name: None if np.isnan(known) else float(known)
                for name, known in zip(parts.names, parts.values[0], strict=True)
            },
            score_text=f"{value:,.2f} in the next {JUDGED} days",
            reasons=(
                *self.candidate.reasons(frame),
                f"{LEVEL:.0%} of such customers spend {lower:,.2f} to {upper:,.2f}",
            ),
        )


def _columns(found: Prediction, days: int) -> dict[str, NDArray[np.float64]]:
    """One horizon's columns."""
    value = f"value_{days}d"
    return {
        f"purchases_{days}d": found.purchases,
        value: found.value,
        f"{value}_lower": found.lower,
        f"{value}_upper": found.upper,
    }
