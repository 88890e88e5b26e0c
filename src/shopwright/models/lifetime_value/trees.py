"""Boosted trees of each library as the parts of a hurdle take them, and the settings that are tried of each."""

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
"""Trees, their depth, and the least weight or rows of a leaf."""


@dataclass(frozen=True, slots=True)
class Library:
    """One way to grow trees."""

    fit: Callable[..., Trees]
    read: Callable[[Path], Trees]
    suffix: str
    """Of its files."""
    settings: tuple[dict[str, Any], ...]
    """What is tried; the first is taken where nothing can be tried."""
    objectives: Mapping[str, dict[str, Any]]
    """Part of a hurdle to what its trees minimise; all but ``buys`` see buyers only and give logarithms."""


LIBRARIES: dict[str, Library] = {
    "xgboost": Library(
        fit=fit_xgboost,
        read=XgboostTrees.read,
        suffix=".ubj",
        settings=tuple(
            {
                "trees": trees,
                "max_depth": depth,
                "learning_rate": 0.05,
                "min_child_weight": least,
                "subsample": 0.8,
                "colsample_bytree": 0.8,
            }
            for trees, depth, least in _SIZES
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
        settings=tuple(
            {
                "trees": trees,
                "num_leaves": 2**depth,
                "learning_rate": 0.05,
                "min_data_in_leaf": least,
                "bagging_fraction": 0.8,
                "bagging_freq": 1,
                "feature_fraction": 0.8,
            }
            for trees, depth, least in _SIZES
        ),
        objectives={
            "buys": {"objective": "binary"},
            "counts": {"objective": "poisson"},
            "spends": {"objective": "tweedie", "tweedie_variance_power": 1.8},
        },
    ),
}
"""Kind to how it is done."""
PARTS = ("buys", "counts", "spends")


def grow(
    kind: str,
    part: str,
    matrix: NDArray[np.float32],
    outcome: Floats,
    *,
    settings: Mapping[str, Any],
    seed: int,
) -> Trees:
    """Fit the trees of one part of a hurdle.

    Args:
        kind: of ``LIBRARIES``.
        part: of ``PARTS``.
        matrix: (rows, columns); NaN where something is not known.
        outcome: what the part is about, (rows,).
        settings: of that kind.
        seed: of the fit.
    """
    library = LIBRARIES[kind]
    given = {**settings, **library.objectives[part]}
    return library.fit(matrix, outcome, np.ones(len(outcome)), settings=given, seed=seed)
