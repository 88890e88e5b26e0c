"""Scoring: predict what today's customers will spend, and explain the prediction for one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import DataError
from shopwright.models.lifetime_value.artifact import load_candidate
from shopwright.models.lifetime_value.features import FEATURE_VIEW, NOW
from shopwright.models.lifetime_value.prediction import SCALE
from shopwright.models.protocol import Explanation, Sample
from shopwright.models.training_set import entity_condition, read_training_set, sample_rows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from shopwright.core.engine import Connection
    from shopwright.models.lifetime_value.prediction import Candidate, Prediction
    from shopwright.models.training_set import TrainingSet


@dataclass(frozen=True, slots=True)
class LoadedLifetimeValue:
    """A lifetime value model read from its artifact."""

    candidate: Candidate

    @classmethod
    def load(cls, folder: Path) -> LoadedLifetimeValue:
        """Read a model from its verified artifact."""
        return cls(load_candidate(folder))

    def score(self, connection: Connection) -> dict[str, NDArray[Any]]:
        """Return purchases and value at both horizons, for all customers at the last snapshot.

        Horizons are those that the model was trained with, whatever the project's settings are now.
        """
        rows = read_training_set(connection, FEATURE_VIEW, where=NOW)
        columns: dict[str, NDArray[Any]] = {
            FEATURE_VIEW.entity: rows.entity,
            **rows.keys,
            "decided_at": rows.decided_at,
            "probability_alive": self.candidate.probability_alive(rows),
        }
        for prefix, days in zip(("horizon", "long_horizon"), self.candidate.config.horizons, strict=True):
            columns |= _score_columns(self.candidate.predict(rows, days), prefix, days)
        return columns

    def explain(self, connection: Connection, entity: str) -> Explanation:
        """Explain what a customer is expected to spend, at the last snapshot.

        Raises:
            DataError: the shop has no such customer.
        """
        rows = read_training_set(
            connection, FEATURE_VIEW, where=f"{entity_condition(FEATURE_VIEW, entity)} and {NOW}"
        )
        if not len(rows):
            raise DataError(f"{FEATURE_VIEW.table} has no {FEATURE_VIEW.entity} '{entity}'")
        return self._explain(rows)

    def sample(self, connection: Connection, *, rows: int, seed: int) -> Sample:
        """Return contributions to the expected value of a random sample of the customers of the last snapshot.

        Raises:
            DataError: there are no customers.
        """
        customers = read_training_set(connection, FEATURE_VIEW, where=NOW)
        if not len(customers):
            raise DataError(f"{FEATURE_VIEW.table} has no customers")
        explained = self.candidate.contributions(sample_rows(customers, rows, seed=seed))
        return Sample(
            names=explained.names,
            contributions=explained.contributions,
            values=dict(zip(explained.names, explained.values.T, strict=True)),
            base=explained.base,
            scale=SCALE,
            population=f"customers of {str(customers.decided_at[-1])[:10]}",
        )

    def _explain(self, rows: TrainingSet) -> Explanation:
        config = self.candidate.config
        prediction = self.candidate.predict(rows, config.horizon_days)
        explained = self.candidate.contributions(rows)
        value, lower, upper = (
            float(values[0]) for values in (prediction.value, prediction.lower, prediction.upper)
        )
        return Explanation(
            entity=str(rows.entity[0]),
            decided_at=str(rows.decided_at[0]),
            score=value,
            base=explained.base,
            scale=SCALE,
            contributions=dict(zip(explained.names, map(float, explained.contributions[0]), strict=True)),
            values={
                name: None if np.isnan(number) else float(number)
                for name, number in zip(explained.names, explained.values[0], strict=True)
            },
            score_text=f"{value:,.2f} in the next {config.horizon_days} days",
            reasons=(
                *self.candidate.reasons(rows),
                f"{config.interval_level:.0%} of such customers spend {lower:,.2f} to {upper:,.2f}",
            ),
        )


def _score_columns(prediction: Prediction, prefix: str, days: int) -> dict[str, NDArray[Any]]:
    return {
        f"{prefix}_days": np.full(len(prediction.value), days, dtype=np.int32),
        f"{prefix}_purchases": prediction.purchases,
        f"{prefix}_value": prediction.value,
        f"{prefix}_value_lower": prediction.lower,
        f"{prefix}_value_upper": prediction.upper,
    }
