"""From the fields of a session to its score, by the same predictor that scores the warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.models.classifiers.predictor import expit
from shopwright.service.waterfall import warm_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from shopwright.models.classifiers.predictor import Predictor
    from shopwright.service.schemas.sessions import RiskBand
    from shopwright.settings import ServiceSettings

RISK_BANDS: tuple[RiskBand, ...] = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class SessionScore:
    """A session's probability and its reasons."""

    probability: float
    base: float
    contributions: dict[str, float]
    """Feature to what it adds to ``base``."""
    values: dict[str, Any]
    """Feature to its value; None where it is not known."""
    outside: tuple[str, ...]
    """Features with a value that training did not see."""

    @property
    def log_odds(self) -> float:
        """Before calibration."""
        return self.base + sum(self.contributions.values())


@dataclass(frozen=True, slots=True)
class SessionScorer:
    """A predictor over sessions as they are told."""

    predictor: Predictor
    names: tuple[str, ...]
    """Features, in the order of the model."""
    numbers: frozenset[str]
    """Those that are numbers; the others are texts."""
    belongs: NDArray[np.float64]
    """Which column of the matrix belongs to which feature: (columns, features), 1 where it does."""

    @classmethod
    def from_predictor(cls, predictor: Predictor) -> SessionScorer:
        """Take a predictor."""
        encoder = predictor.encoder
        return cls(
            predictor,
            tuple(each.name for each in encoder.features),
            frozenset(each.name for each in encoder.features if each.kind == "number"),
            encoder.by_feature(np.eye(len(encoder.columns))),
        )

    def warm_up(self) -> None:
        """Score and draw once, so that the first request does not wait for what libraries do at first."""
        warm_up(self.score({}))

    def score(self, values: Mapping[str, Any]) -> SessionScore:
        """Score one session.

        Args:
            values: feature to its value; what is left out or None is not known.
        """
        model = self.predictor
        matrix = model.encoder.matrix({name: self._column(name, values.get(name)) for name in self.names})
        parts = model.estimator.contributions(matrix)[0]
        return SessionScore(
            probability=float(model.calibrator.apply(expit(model.estimator.log_odds(matrix)))[0]),
            base=float(parts[-1]),
            contributions=dict(zip(self.names, (parts[:-1] @ self.belongs).tolist(), strict=True)),
            values={name: values.get(name) for name in self.names},
            outside=tuple(name for name in self.names if self._is_outside(name, values.get(name))),
        )

    def probabilities(self, columns: Mapping[str, NDArray[Any]], rows: int) -> NDArray[np.float64]:
        """Score many sessions.

        Args:
            columns: feature to its values, (rows,): float64 with NaN, or texts with None; others are not looked at.
            rows: how many.
        """
        given = {name: values for name, values in columns.items() if name in self.names}
        # Where all features are left out, one of them says how many rows there are.
        return self.predictor.probability(given or {"": np.empty(rows)})

    def _column(self, name: str, value: Any) -> NDArray[Any]:
        if name in self.numbers:
            return np.array([np.nan if value is None else value], dtype=np.float64)
        return np.array([value], dtype=object)

    def _is_outside(self, name: str, value: Any) -> bool:
        if value is None:
            return False
        encoder = self.predictor.encoder
        if name not in self.numbers:
            return value not in encoder.levels[name]
        lowest, highest = encoder.ranges[name]
        return lowest is None or highest is None or not lowest <= value <= highest


def assign_risk_band(probability: float, settings: ServiceSettings) -> RiskBand:
    """The risk band of a probability."""
    return RISK_BANDS[(probability >= settings.medium_risk) + (probability >= settings.high_risk)]


def assign_risk_bands(probability: NDArray[np.float64], settings: ServiceSettings) -> NDArray[np.int64]:
    """Places in ``RISK_BANDS`` of probabilities, (rows,)."""
    return np.searchsorted(np.array([settings.medium_risk, settings.high_risk]), probability, side="right")
