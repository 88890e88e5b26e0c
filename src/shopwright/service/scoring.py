"""From the fields of a session to its score, with the same predictor that scores the warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.models.classifiers.predictor import expit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from shopwright.models.classifiers.predictor import Predictor
    from shopwright.service.schemas.sessions import RiskBand
    from shopwright.settings import ServiceSettings

RISK_BANDS: tuple[RiskBand, ...] = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class SessionScore:
    """A session's probability and its explanation."""

    probability: float
    """Calibrated, 0 to 1."""
    base: float
    """Log odds before any feature is known."""
    contributions: dict[str, float]
    """What each feature adds to ``base``, in log odds."""
    values: dict[str, Any]
    """Value of each feature; None where unknown."""
    outside_training: tuple[str, ...]
    """Features with a value outside the training range."""

    @property
    def log_odds(self) -> float:
        """Log odds before calibration."""
        return self.base + sum(self.contributions.values())


@dataclass(frozen=True, slots=True)
class SessionScorer:
    """A predictor that takes sessions as fields."""

    predictor: Predictor
    names: tuple[str, ...]
    """Features, in the order of the model."""
    numeric: frozenset[str]
    """Features that are numbers; the others are texts."""
    feature_of_column: NDArray[np.float64]
    """Which matrix column belongs to which feature: (columns, features), 1 where it does, else 0."""

    @classmethod
    def from_predictor(cls, predictor: Predictor) -> SessionScorer:
        """Create a scorer from a trained predictor."""
        encoder = predictor.encoder
        return cls(
            predictor,
            tuple(feature.name for feature in encoder.features),
            frozenset(feature.name for feature in encoder.features if feature.kind == "number"),
            encoder.by_feature(np.eye(len(encoder.columns))),
        )

    def score(self, values: Mapping[str, Any]) -> SessionScore:
        """Score one session.

        Args:
            values: value of each feature; a missing one or None is unknown.
        """
        model = self.predictor
        matrix = model.encoder.matrix({name: self._column(name, values.get(name)) for name in self.names})
        by_column = model.estimator.contributions(matrix)[0]  # the last one is the base
        return SessionScore(
            probability=float(model.calibrator.apply(expit(model.estimator.log_odds(matrix)))[0]),
            base=float(by_column[-1]),
            contributions=dict(
                zip(self.names, (by_column[:-1] @ self.feature_of_column).tolist(), strict=True)
            ),
            values={name: values.get(name) for name in self.names},
            outside_training=tuple(
                name for name in self.names if self._is_outside_training(name, values.get(name))
            ),
        )

    def probabilities(self, columns: Mapping[str, NDArray[Any]], rows: int) -> NDArray[np.float64]:
        """Score many sessions.

        Args:
            columns: values of each feature, (rows,): float64 with NaN, or texts with None; other columns are ignored.
            rows: number of sessions.

        Returns:
            Calibrated probabilities from 0 to 1, (rows,).
        """
        features = {name: values for name, values in columns.items() if name in self.names}
        # Where all features are missing, an empty column still says how many rows there are.
        return self.predictor.probability(features or {"": np.empty(rows)})

    def _column(self, name: str, value: Any) -> NDArray[Any]:
        if name in self.numeric:
            return np.array([np.nan if value is None else value], dtype=np.float64)
        return np.array([value], dtype=object)

    def _is_outside_training(self, name: str, value: Any) -> bool:
        if value is None:
            return False
        encoder = self.predictor.encoder
        if name not in self.numeric:
            return value not in encoder.levels[name]
        lowest, highest = encoder.ranges[name]
        return lowest is None or highest is None or not lowest <= value <= highest


def assign_risk_band(probability: float, settings: ServiceSettings) -> RiskBand:
    """Return the risk band of a probability."""
    return RISK_BANDS[(probability >= settings.medium_risk) + (probability >= settings.high_risk)]


def assign_risk_bands(probability: NDArray[np.float64], settings: ServiceSettings) -> NDArray[np.int64]:
    """Return the indices into ``RISK_BANDS`` of probabilities, (rows,)."""
    return np.searchsorted(np.array([settings.medium_risk, settings.high_risk]), probability, side="right")
