"""Estimators: each kind is fitted, predicts log odds with the contribution of each column, and is saved in its own format.

Contributions are exact: for trees they are SHAP values by the boosters' own implementation of the tree algorithm
(S. Lundberg and others, "From local explanations to global understanding with explainable AI for trees", Nature Machine
Intelligence 2, 2020), for the logistic regression coefficient times distance from the training mean, which are the SHAP
values of a linear model with independent features. They add up to the log odds.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

ROWS_PER_THREAD = 100_000
"""Rows below which a second thread costs more than it brings: threads wait for each other at each split of a tree, and on a
busy machine that takes tens of times as long. Scoring uses one thread for the same reason."""


class Estimator(Protocol):
    """A fitted classifier over a matrix (rows, columns)."""

    @property
    def kind(self) -> str:
        """Name of the kind, a key of ``FITS``."""

    def log_odds(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predict the log odds of the outcome, (rows,)."""

    def contributions(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Compute what each column adds to the log odds, (rows, columns + 1); the last is the base, the same for all rows."""

    def save(self, folder: Path) -> None:
        """Write the estimator into a folder, in its own format."""


@dataclass(frozen=True, slots=True)
class PriorCorrected:
    """An estimator fitted with more weight on one outcome, corrected to the true odds.

    A weight of w on the positive outcome adds ln w to the log odds, which is subtracted again (G. King, L. Zeng, "Logistic
    regression in rare events data", Political Analysis 9, 2001, prior correction).
    """

    weighted: Estimator
    shift: float
    """ln w."""
    FILE = "prior.json"

    @property
    def kind(self) -> str:
        """Kind of the estimator inside."""
        return self.weighted.kind

    def log_odds(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predict log odds without the effect of the weight, (rows,)."""
        return self.weighted.log_odds(matrix) - self.shift

    def contributions(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Compute what each column adds to the log odds, (rows, columns + 1)."""
        contributions = self.weighted.contributions(matrix)
        contributions[:, -1] -= self.shift
        return contributions

    def save(self, folder: Path) -> None:
        """Write the estimator in its own format, and the shift as JSON."""
        self.weighted.save(folder)
        (folder / self.FILE).write_text(
            json.dumps({"kind": self.kind, "shift": self.shift}), encoding="utf-8"
        )


@dataclass(frozen=True, slots=True)
class Logistic:
    """Logistic regression on standardized columns, with the median in place of unknown values."""

    intercept: float
    coefficients: NDArray[np.float64]
    """Coefficient per standard deviation, (columns,)."""
    means: NDArray[np.float64]
    scales: NDArray[np.float64]
    medians: NDArray[np.float64]
    """Replacement for unknown values, (columns,)."""
    kind: str = "logistic"
    FILE = "logistic.json"

    def log_odds(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predict log odds, (rows,)."""
        odds: NDArray[np.float64] = self._standardize(matrix) @ self.coefficients + self.intercept
        return odds

    def contributions(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Compute coefficient times distance from the mean, (rows, columns + 1)."""
        contributions = self._standardize(matrix) * self.coefficients
        return np.column_stack([contributions, np.full(len(matrix), self.intercept)])

    def save(self, folder: Path) -> None:
        """Write as JSON."""
        values = {
            name: getattr(self, name).tolist() for name in ("coefficients", "means", "scales", "medians")
        }
        (folder / self.FILE).write_text(json.dumps({"intercept": self.intercept, **values}), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Logistic:
        """Read from JSON."""
        content = json.loads((folder / cls.FILE).read_text(encoding="utf-8"))
        coefficients, means, scales, medians = (
            np.array(content[name], dtype=np.float64)
            for name in ("coefficients", "means", "scales", "medians")
        )
        return cls(float(content["intercept"]), coefficients, means, scales, medians)

    def _standardize(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        imputed = np.where(np.isnan(matrix), self.medians, matrix)
        # Clipped, so that one absurd value does not decide a score alone.
        standardized: NDArray[np.float64] = np.clip((imputed - self.means) / self.scales, -10, 10)
        return standardized


def fit_logistic(
    matrix: NDArray[np.float32],
    outcome: NDArray[np.float64],
    weight: NDArray[np.float64],
    *,
    settings: Mapping[str, Any],
    seed: int,
) -> Logistic:
    """Fit a logistic regression by maximum likelihood with a ridge penalty.

    Args:
        matrix: (rows, columns); NaN where a value is unknown.
        outcome: 0 or 1, (rows,).
        weight: of each row in the likelihood, (rows,).
        settings: ``C``, the inverse of the penalty.
        seed: of the solver.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  # slow to import

    is_known = ~np.isnan(matrix)
    medians = np.array(
        [
            np.median(column[rows]) if rows.any() else 0.0
            for column, rows in zip(matrix.T, is_known.T, strict=True)
        ]
    )
    imputed = np.where(is_known, matrix, medians).astype(np.float64)
    means, spread = imputed.mean(axis=0), imputed.std(axis=0)
    scales = np.where(spread > 0, spread, 1.0)
    regression = LogisticRegression(C=settings.get("C", 1.0), max_iter=500, random_state=seed)
    regression.fit(np.clip((imputed - means) / scales, -10, 10), outcome, sample_weight=weight)
    coefficients = regression.coef_[0].astype(np.float64)
    return Logistic(float(regression.intercept_[0]), coefficients, means, scales, medians)


@dataclass(frozen=True, slots=True)
class XgboostTrees:
    """Gradient-boosted trees by XGBoost."""

    booster: Any
    kind: str = "xgboost"
    FILE = "xgboost.ubj"

    def log_odds(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predict log odds, (rows,)."""
        odds = self.booster.inplace_predict(matrix, predict_type="margin", missing=np.nan)
        return np.asarray(odds, dtype=np.float64)

    def contributions(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Compute exact tree SHAP values, (rows, columns + 1)."""
        import xgboost  # noqa: PLC0415  # slow to import

        rows = xgboost.DMatrix(matrix, missing=np.nan, nthread=1)
        return np.asarray(self.booster.predict(rows, pred_contribs=True), dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write as UBJ."""
        self.write(folder / self.FILE)

    def write(self, file: Path) -> None:
        """Write as UBJ to a file whose name ends in ``.ubj``."""
        self.booster.save_model(file)

    @classmethod
    def load(cls, folder: Path) -> XgboostTrees:
        """Read from UBJ."""
        return cls.read(folder / cls.FILE)

    @classmethod
    def read(cls, file: Path) -> XgboostTrees:
        """Read from one UBJ file; the booster scores with one thread."""
        import xgboost  # noqa: PLC0415  # slow to import

        booster = xgboost.Booster(params={"nthread": 1})
        booster.load_model(file)
        return cls(booster)


def fit_xgboost(
    matrix: NDArray[np.float32],
    outcome: NDArray[np.float64],
    weight: NDArray[np.float64],
    *,
    settings: Mapping[str, Any],
    seed: int,
) -> XgboostTrees:
    """Fit boosted trees.

    Args:
        matrix: (rows, columns); NaN where a value is unknown.
        outcome: (rows,); 0 or 1 unless the settings name another objective.
        weight: of each row in the loss, (rows,).
        settings: ``trees``, the number of trees, and XGBoost's own parameters, which override those set here.
        seed: of the sampling of rows and columns.
    """
    import xgboost  # noqa: PLC0415  # slow to import

    params = {name: value for name, value in settings.items() if name != "trees"}
    threads = _threads(len(matrix))
    rows = xgboost.QuantileDMatrix(matrix, outcome, weight=weight, missing=np.nan, nthread=threads)
    fixed = {"objective": "binary:logistic", "tree_method": "hist", "nthread": threads, "seed": seed}
    booster = xgboost.train({**fixed, **params}, rows, num_boost_round=int(settings["trees"]))
    booster.set_param({"nthread": 1})
    return XgboostTrees(booster)


@dataclass(frozen=True, slots=True)
class LightgbmTrees:
    """Gradient-boosted trees by LightGBM."""

    booster: Any
    kind: str = "lightgbm"
    FILE = "lightgbm.txt"

    def log_odds(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predict log odds, (rows,)."""
        return np.asarray(self.booster.predict(matrix, raw_score=True, num_threads=1), dtype=np.float64)

    def contributions(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Compute exact tree SHAP values, (rows, columns + 1)."""
        return np.asarray(self.booster.predict(matrix, pred_contrib=True, num_threads=1), dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write as text."""
        self.write(folder / self.FILE)

    def write(self, file: Path) -> None:
        """Write as text to a file of any name."""
        self.booster.save_model(str(file))

    @classmethod
    def load(cls, folder: Path) -> LightgbmTrees:
        """Read from text."""
        return cls.read(folder / cls.FILE)

    @classmethod
    def read(cls, file: Path) -> LightgbmTrees:
        """Read from one text file."""
        import lightgbm  # noqa: PLC0415  # slow to import

        return cls(lightgbm.Booster(model_file=str(file)))


def fit_lightgbm(
    matrix: NDArray[np.float32],
    outcome: NDArray[np.float64],
    weight: NDArray[np.float64],
    *,
    settings: Mapping[str, Any],
    seed: int,
) -> LightgbmTrees:
    """Fit boosted trees.

    Args:
        matrix: (rows, columns); NaN where a value is unknown.
        outcome: (rows,); 0 or 1 unless the settings name another objective.
        weight: of each row in the loss, (rows,).
        settings: ``trees``, the number of trees, and LightGBM's own parameters, which override those set here.
        seed: of the sampling of rows and columns.
    """
    import lightgbm  # noqa: PLC0415  # slow to import

    params = {name: value for name, value in settings.items() if name != "trees"}
    fixed = {
        "objective": "binary",
        "verbosity": -1,
        "num_threads": _threads(len(matrix)),
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
    }
    rows = lightgbm.Dataset(matrix, outcome, weight=weight, free_raw_data=True)
    return LightgbmTrees(lightgbm.train({**fixed, **params}, rows, num_boost_round=int(settings["trees"])))


def _threads(rows: int) -> int:
    return max(1, min(os.cpu_count() or 1, rows // ROWS_PER_THREAD))


FITS: dict[str, Callable[..., Estimator]] = {
    "logistic": fit_logistic,
    "xgboost": fit_xgboost,
    "lightgbm": fit_lightgbm,
}
"""Kind to the function that fits it."""
_LOADS: dict[str, Callable[[Path], Estimator]] = {
    "logistic": Logistic.load,
    "xgboost": XgboostTrees.load,
    "lightgbm": LightgbmTrees.load,
}


def fit(
    kind: str,
    matrix: NDArray[np.float32],
    outcome: NDArray[np.float64],
    *,
    settings: Mapping[str, Any],
    seed: int,
) -> PriorCorrected:
    """Fit one kind of estimator.

    Args:
        kind: a key of ``FITS``.
        matrix: (rows, columns); NaN where a value is unknown.
        outcome: 0 or 1, (rows,).
        settings: parameters of that kind, and ``positive_weight``, the weight of outcome 1 (default 1).
        seed: of the fit.
    """
    weight = float(settings.get("positive_weight", 1.0))
    params = {name: value for name, value in settings.items() if name != "positive_weight"}
    estimator = FITS[kind](matrix, outcome, np.where(outcome > 0, weight, 1.0), settings=params, seed=seed)
    return PriorCorrected(estimator, math.log(weight))


def load(folder: Path) -> PriorCorrected:
    """Read an estimator from a folder that ``save`` wrote."""
    content = json.loads((folder / PriorCorrected.FILE).read_text(encoding="utf-8"))
    return PriorCorrected(_LOADS[content["kind"]](folder), float(content["shift"]))
