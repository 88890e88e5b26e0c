"""A classifier ready for use: encoding, estimator, calibration and exact contributions, stored together."""

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
    """Calibrated probabilities from feature values."""

    encoder: Encoder
    estimator: PriorCorrected
    calibrator: Calibrator
    FILE = "predictor.json"

    def probability(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Predict the calibrated probability of the outcome, (rows,), from 0 to 1.

        Args:
            columns: feature to its values, (rows,).
        """
        return self.calibrator.apply(expit(self.estimator.log_odds(self.encoder.matrix(columns))))

    def contributions(
        self, columns: Mapping[str, NDArray[Any]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Compute what each feature adds to the log odds before calibration.

        Args:
            columns: feature to its values, (rows,).

        Returns:
            Contributions (rows, features), and the base, (rows,); together they add up to the log odds.
        """
        by_column = self.estimator.contributions(self.encoder.matrix(columns))
        return self.encoder.by_feature(by_column[:, :-1]), by_column[:, -1]

    def importance(self, columns: Mapping[str, NDArray[Any]], *, max_rows: int) -> list[dict[str, Any]]:
        """Rank features by their mean absolute contribution, most important first.

        Args:
            columns: feature to its values, (rows,).
            max_rows: maximum number of rows to average over, spread evenly.
        """
        rows = len(next(iter(columns.values())))
        selected = np.unique(np.linspace(0, rows - 1, min(rows, max_rows)).astype(np.int64))
        contributions, _ = self.contributions({name: values[selected] for name, values in columns.items()})
        means = np.abs(contributions).mean(axis=0)
        names = [feature.name for feature in self.encoder.features]
        return [
            {"feature": names[index], "mean_absolute_contribution": float(means[index])}
            for index in np.argsort(-means, kind="stable")
        ]

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the files of the artifact.

        Returns:
            What the manifest records about the features.
        """
        self.estimator.save(folder)
        content = {"encoder": self.encoder.to_dict(), "calibrator": self.calibrator.to_dict()}
        (folder / self.FILE).write_text(json.dumps(content, indent=1), encoding="utf-8")
        return {"features": self.encoder.to_dict()}

    @classmethod
    def load(cls, folder: Path) -> Predictor:
        """Read a predictor from a verified artifact."""
        content = json.loads((folder / cls.FILE).read_text(encoding="utf-8"))
        calibrator = Calibrator.from_dict(content["calibrator"])
        return cls(Encoder.from_dict(content["encoder"]), load(folder), calibrator)


def expit(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert log odds to probabilities, by tanh, which never overflows."""
    probability: NDArray[np.float64] = 0.5 * (1 + np.tanh(log_odds / 2))
    return probability
