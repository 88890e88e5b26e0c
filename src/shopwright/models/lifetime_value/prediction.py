"""What every candidate gives: purchases, value and an interval for each customer, and where an outcome stands in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from shopwright.models.training_set import TrainingSet

    Floats = NDArray[np.float64]

LEVEL = 0.8
"""Chance that a customer's spending lies in the interval."""
SCALE = "log of the expected value"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What customers will buy within a horizon. All arrays have shape (rows,); NaN where the horizon was not learnt."""

    purchases: Floats
    """Expected number."""
    value: Floats
    """Expected net value, in money."""
    lower: Floats
    upper: Floats

    @classmethod
    def unknown(cls, rows: int) -> Prediction:
        """Of a horizon that was not learnt."""
        return cls(*(np.full(rows, np.nan) for _ in range(4)))


@dataclass(frozen=True, slots=True)
class Parts:
    """What leads from everybody's expected value to each customer's, in logarithms."""

    names: tuple[str, ...]
    contributions: Floats
    """(rows, names)."""
    values: Floats
    """(rows, names); NaN where not known."""
    base: float
    """Together with the contributions: the logarithm of the expected value."""


class Candidate(Protocol):
    """A model of what customers will spend."""

    @property
    def kind(self) -> str:
        """Such as ``bg_nbd``."""

    @property
    def settings(self) -> dict[str, Any]:
        """Parameters by name."""

    def probability_alive(self, frame: TrainingSet) -> Floats:
        """Chance that each customer will ever come back, (rows,); NaN where the model does not tell."""

    def expected(self, frame: TrainingSet, days: int) -> tuple[Floats, Floats]:
        """Purchases and value as ``predict`` has them, in less time; NaN where the horizon was not learnt."""

    def predict(self, frame: TrainingSet, days: int) -> Prediction:
        """Purchases and value in the days from the snapshot on."""

    def standing(self, frame: TrainingSet, days: int, actual: Floats) -> tuple[Floats, Floats]:
        """Predicted chance of spending less than the actual value, and of at most that; each (rows,).

        They differ where an amount has a chance of its own, as nothing at all has.
        """

    def parts(self, frame: TrainingSet) -> Parts:
        """What makes each customer's expected value at the judged horizon."""

    def reasons(self, frame: TrainingSet) -> tuple[str, ...]:
        """The prediction for the only customer of a frame in sentences."""

    def save(self, folder: Path) -> None:
        """Write its files into a folder."""
