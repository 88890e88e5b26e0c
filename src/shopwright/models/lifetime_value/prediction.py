"""The interface of all candidates: purchases, value and an interval for each customer, and the predictive distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from shopwright.models.lifetime_value.config import LifetimeValueConfig
    from shopwright.models.training_set import TrainingSet

    Floats = NDArray[np.float64]

SCALE = "log of the expected value"
"""Scale on which contributions add up."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What customers will buy within a horizon. All arrays have shape (rows,); NaN where the horizon was not learned."""

    purchases: Floats
    """Expected number of purchases."""
    value: Floats
    """Expected net value, in currency."""
    lower: Floats
    """Lower bound of the interval of the value, in currency."""
    upper: Floats
    """Upper bound of the interval of the value, in currency."""

    @classmethod
    def from_unlearned_horizon(cls, rows: int) -> Prediction:
        """Return a prediction of a horizon that was not learned: NaN for all rows."""
        return cls(*(np.full(rows, np.nan) for _ in range(4)))


@dataclass(frozen=True, slots=True)
class Contributions:
    """Contributions to each customer's expected value, in logarithms, on top of a base that all share."""

    names: tuple[str, ...]
    contributions: Floats
    """(rows, names)."""
    values: Floats
    """Values of the contributing features, (rows, names); NaN where missing."""
    base: float
    """Base plus contributions is the logarithm of the expected value."""


class Candidate(Protocol):
    """A model of what customers will spend."""

    @property
    def kind(self) -> str:
        """Kind of model, such as ``bg_nbd``."""

    @property
    def config(self) -> LifetimeValueConfig:
        """Horizons and interval level of the predictions."""

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters by name."""

    def probability_alive(self, rows: TrainingSet) -> Floats:
        """Return the probability that each customer will ever come back, (rows,); NaN where the model has none."""

    def expected(self, rows: TrainingSet, days: int) -> tuple[Floats, Floats]:
        """Return purchases and value as ``predict`` does, but faster; NaN where the horizon was not learned."""

    def predict(self, rows: TrainingSet, days: int) -> Prediction:
        """Predict purchases and value in the days from the snapshot on."""

    def predictive_cdf(self, rows: TrainingSet, days: int, actual: Floats) -> tuple[Floats, Floats]:
        """Return the predicted probabilities of spending less than the actual value and of at most that; each (rows,).

        They differ where an amount has a probability mass, as 0 does.
        """

    def contributions(self, rows: TrainingSet) -> Contributions:
        """Return contributions to each customer's expected value at the first horizon."""

    def reasons(self, rows: TrainingSet) -> tuple[str, ...]:
        """Return sentences that explain the prediction for the single customer of a training set."""

    def save(self, folder: Path) -> None:
        """Write the model's files into a folder."""
