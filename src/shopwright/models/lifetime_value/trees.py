"""Boosted trees of each library for the parts of a hurdle model, and the hyperparameters to search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.models.classifiers.estimators import LightgbmTrees, XgboostTrees, fit_lightgbm, fit_xgboost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Trees = XgboostTrees | LightgbmTrees
    Floats = NDArray[np.float64]

_SIZES = ((120, 3, 20), (60, 2, 50), (250, 4, 20), (120, 5, 100))
"""Number of trees, their depth, and the minimum weight or rows of a leaf."""


@dataclass(frozen=True, slots=True)
class Library:
    """A library of boosted trees."""

    fit: Callable[..., Trees]
    read: Callable[[Path], Trees]
    suffix: str
    """Suffix of its files."""
    search_space: tuple[dict[str, Any], ...]
    """Hyperparameters to try; the first ones are used where nothing can be tried."""
    objectives: Mapping[str, dict[str, Any]]
    """Part of a hurdle model to its objective; all but ``buys`` are fitted on buyers only and predict logarithms."""


LIBRARIES: dict[str, Library] = {
    "xgboost": Library(
        fit=fit_xgboost,
        read=XgboostTrees.read,
        suffix=".ubj",
        search_space=tuple(
            {
                "trees": trees,
                "max_depth": depth,
                "learning_rate": 0.05,
                "min_child_weight": min_leaf,
                "subsample": 0.8,
                "colsample_bytree": 0.8,
            }
            for trees, depth, min_leaf in _SIZES
        ),
        objectives={
            "buys": {"objective": "binary:logistic"},
            "counts": {"objective": "count:poisson"},
            "spends": {"objective": "reg:tweedie", "tweedie_variance_power": 1.8},
        },
    ),
    "lightgbm": Library(
        fit=fit_lightgbm,
        read=LightgbmTrees.read,
        suffix=".txt",
        search_space=tuple(
            {
                "trees": trees,
                "num_leaves": 2**depth,
                "learning_rate": 0.05,
                "min_data_in_leaf": min_leaf,
                "bagging_fraction": 0.8,
                "bagging_freq": 1,
                "feature_fraction": 0.8,
            }
            for trees, depth, min_leaf in _SIZES
        ),
        objectives={
            "buys": {"objective": "binary"},
            "counts": {"objective": "poisson"},
            "spends": {"objective": "tweedie", "tweedie_variance_power": 1.8},
        },
    ),
}
"""Kind of model to its library."""
HURDLE_PARTS = ("buys", "counts", "spends")
"""Parts of a hurdle model: whether a customer buys, how often a buyer buys, and how much a buyer spends."""


def fit_part(
    kind: str,
    part: str,
    matrix: NDArray[np.float32],
    outcome: Floats,
    *,
    parameters: Mapping[str, Any],
    seed: int,
) -> Trees:
    """Fit the trees of one part of a hurdle model.

    Args:
        kind: key of ``LIBRARIES``.
        part: one of ``HURDLE_PARTS``.
        matrix: features, (rows, columns); NaN where missing.
        outcome: outcome of the part, (rows,).
        parameters: hyperparameters of the library.
        seed: seed of the fit.
    """
    library = LIBRARIES[kind]
    complete = {**parameters, **library.objectives[part]}
    return library.fit(matrix, outcome, np.ones(len(outcome)), settings=complete, seed=seed)
