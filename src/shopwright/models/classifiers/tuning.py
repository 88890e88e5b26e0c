"""Hyperparameter tuning: a small search with a fixed budget, validated on later decisions than those learned from.

Source of the search: J. Bergstra and others, "Algorithms for hyper-parameter optimization", NIPS 2011 (the tree-structured
Parzen estimator), as Optuna has it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.models.classifiers.estimators import fit

if TYPE_CHECKING:
    from collections.abc import Callable

    import optuna
    from numpy.typing import NDArray

    from shopwright.models.classifiers.estimators import PriorCorrected


@dataclass(frozen=True, slots=True)
class Trial:
    """One combination of hyperparameters, and its loss."""

    kind: str
    settings: dict[str, Any]
    log_loss: float
    """Log loss on the validation window, without calibration (nats per decision)."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Encoded decisions: a matrix (rows, columns), and outcomes of 0 or 1, (rows,)."""

    matrix: NDArray[np.float32]
    outcome: NDArray[np.float64]


def search(
    kind: str,
    training: Rows,
    validation: Rows,
    *,
    trials: int,
    seed: int,
    on_progress: Callable[[int], None] = lambda _: None,
) -> tuple[PriorCorrected, list[Trial]]:
    """Tune one kind of classifier for the lowest log loss on the validation window.

    Args:
        kind: of ``scorers.FITS``.
        training: rows that each trial is fitted on.
        validation: later rows that each trial is evaluated on.
        trials: number of combinations to try; logistic regression has a single parameter and gets a third of them.
        seed: of the search and of the fits.
        on_progress: called with the number of trials done.

    Returns:
        The best estimator, and all trials in the order they ran.
    """
    import optuna  # noqa: PLC0415  # slow to import

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=5))
    weights = _weights(training.outcome)
    finished: list[Trial] = []
    best: list[PriorCorrected] = []

    def objective(trial: optuna.Trial) -> float:
        settings = _SPACES[kind](trial) | {
            "positive_weight": trial.suggest_categorical("positive_weight", weights)
        }
        estimator = fit(kind, training.matrix, training.outcome, settings=settings, seed=seed)
        loss = log_loss(validation.outcome, estimator.log_odds(validation.matrix))
        if not finished or loss < min(earlier.log_loss for earlier in finished):
            best[:] = [estimator]
        finished.append(Trial(kind, settings, loss))
        on_progress(len(finished))
        return loss

    study.optimize(objective, n_trials=max(1, trials // 3) if kind == "logistic" else trials)
    return best[0], finished


def _weights(outcome: NDArray[np.float64]) -> list[float]:
    """Return the positive weights to try: 1, and for a rare or frequent outcome, halfway to balance and full balance."""
    rate = float(np.clip(outcome.mean(), 1e-6, 1 - 1e-6))
    balance = (1 - rate) / rate
    return [1.0, math.sqrt(balance), balance] if not 1 / 3 < balance < 3 else [1.0]


def log_loss(outcome: NDArray[np.float64], log_odds: NDArray[np.float64]) -> float:
    """Compute the mean negative log likelihood of outcomes, (rows,), given log odds, (rows,), in nats."""
    return float(np.mean(np.logaddexp(0.0, np.where(outcome > 0, -log_odds, log_odds))))


def _logistic(trial: optuna.Trial) -> dict[str, Any]:
    return {"C": trial.suggest_float("C", 1e-4, 10.0, log=True)}


def _xgboost(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "trees": trial.suggest_int("trees", 60, 400, log=True),
        "max_depth": trial.suggest_int("max_depth", 2, 7),
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.3, log=True),
        "min_child_weight": trial.suggest_float("min_child_weight", 1.0, 100.0, log=True),
        "subsample": trial.suggest_float("subsample", 0.6, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.5, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 0.1, 30.0, log=True),
    }


def _lightgbm(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "trees": trial.suggest_int("trees", 60, 400, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 4, 64, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.3, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 10, 300, log=True),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.6, 1.0),
        "bagging_freq": 1,
        "feature_fraction": trial.suggest_float("feature_fraction", 0.5, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 30.0, log=True),
    }


_SPACES = {"logistic": _logistic, "xgboost": _xgboost, "lightgbm": _lightgbm}
