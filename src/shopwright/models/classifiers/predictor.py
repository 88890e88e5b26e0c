"""A classifier as it serves: encoding, scoring, calibration and exact contributions, kept together."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.evaluation.calibration import Calibrator
from shopwright.models.classifiers.encoding import Encoder
from shopwright.models.classifiers.estimators import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from shopwright.models.classifiers.estimators import PriorCorrected


@dataclass(frozen=True, slots=True)
class Predictor:
    """Gives calibrated probabilities for features as arrays."""

    encoder: Encoder
    scorer: PriorCorrected
    calibrator: Calibrator
    FILE = "predictor.json"

    def probability(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Calibrated probability of the outcome, (rows,), in 0 to 1."""
        return self.calibrator.apply(expit(self.scorer.log_odds(self.encoder.matrix(columns))))

    def contributions(
        self, columns: Mapping[str, NDArray[Any]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What each feature adds to the log odds before calibration.

        Returns:
            (rows, features), and the base, (rows,); together they add up to the log odds.
        """
        parts = self.scorer.contributions(self.encoder.matrix(columns))
        return self.encoder.by_feature(parts[:, :-1]), parts[:, -1]

    def importance(self, columns: Mapping[str, NDArray[Any]], *, most: int) -> list[dict[str, Any]]:
        """Features by their mean absolute contribution over the first rows, the strongest first.

        Args:
            columns: feature to its values, (rows,).
            most: rows that are looked at, evenly spread.
        """
        rows = len(next(iter(columns.values())))
        kept = np.unique(np.linspace(0, rows - 1, min(rows, most)).astype(np.int64))
        parts, _ = self.contributions({name: values[kept] for name, values in columns.items()})
        means = np.abs(parts).mean(axis=0)
        names = [feature.name for feature in self.encoder.features]
        return [
            {"feature": names[place], "mean_absolute_contribution": float(means[place])}
            for place in np.argsort(-means, kind="stable")
        ]

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the files of the artifact.

        Returns:
            What the manifest says of the features.
        """
        self.scorer.save(folder)
        described = {"encoder": self.encoder.to_dict(), "calibrator": self.calibrator.to_dict()}
        (folder / self.FILE).write_text(json.dumps(described, indent=1), encoding="utf-8")
        return {"features": self.encoder.to_dict()}

    @classmethod
    def load(cls, folder: Path) -> Predictor:
        """Read it from a verified artifact."""
        given = json.loads((folder / cls.FILE).read_text(encoding="utf-8"))
        calibrator = Calibrator.from_dict(given["calibrator"])
        return cls(Encoder.from_dict(given["encoder"]), load(folder), calibrator)


def expit(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of log odds, by tanh, which never overflows."""
    probability: NDArray[np.float64] = 0.5 * (1 + np.tanh(log_odds / 2))
    return probability
