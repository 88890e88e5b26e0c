"""What tells a segment from the others, measured on customers that nothing was learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xgboost
from sklearn.metrics import roc_auc_score

from shopwright.models.segmentation.data import NAMES

if TYPE_CHECKING:
    from shopwright.models.segmentation.config import SegmentationConfig
    from shopwright.models.segmentation.data import Customers, Floats, Labels

TREES = 50

MOST_LEARNED, MOST_MEASURED = 20_000, 5_000
"""Customers beyond these are drawn from: what matters shows in fewer."""


@dataclass(frozen=True, slots=True)
class Importance:
    """How well gradient boosting tells a segment from all others, and by which features."""

    roc_auc: float | None
    """On held-out customers; None where these are all of the segment or none is."""
    loss: dict[str, float]
    """Feature to how much roc_auc falls when its values are shuffled, the most important first. Features that say the
    same stand in for each other, so each of them may fall little."""


def importances(
    customers: Customers,
    labels: Labels,
    *,
    learned_on: Labels,
    measured_on: Labels,
    config: SegmentationConfig,
) -> dict[int, Importance]:
    """Measure what tells each segment from the others, by boosted trees on all features, one segment against the rest.

    Source: L. Breiman, "Random forests", Machine Learning 45, 2001, section 10 (permutation importance); the trees are
    XGBoost's.

    Args:
        customers: all.
        labels: their segments, (n,).
        learned_on: positions of customers to learn from.
        measured_on: positions of customers to measure on.
        config: seed and shuffles.
    """
    rng = np.random.default_rng([config.seed, 3])
    learned, measured = _draw(learned_on, MOST_LEARNED, rng), _draw(measured_on, MOST_MEASURED, rng)
    orders = [rng.permutation(len(measured)) for _ in range(config.shuffles)]
    known = xgboost.DMatrix(customers.values[learned], nthread=1)
    found = {}
    for segment in range(int(labels.max()) + 1):
        known.set_label((labels[learned] == segment).astype(np.float32))
        booster = xgboost.train(_parameters(config), known, num_boost_round=TREES)
        found[segment] = _measure(booster, customers.values[measured], labels[measured] == segment, orders)
    return found


def _draw(positions: Labels, most: int, rng: np.random.Generator) -> Labels:
    return np.sort(rng.permutation(positions)[:most])


def _parameters(config: SegmentationConfig) -> dict[str, object]:
    return {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_depth": 4,
        "eta": 0.2,
        "nthread": 1,  # with so few rows, threads wait for each other longer than they work
        "seed": config.seed,
    }


def _measure(booster: xgboost.Booster, values: Floats, truth: Labels, orders: list[Labels]) -> Importance:
    if len(np.unique(truth)) < 2:
        return Importance(roc_auc=None, loss={})
    whole = _auc(booster, values, truth)
    losses = {
        name: float(
            np.mean([whole - _auc(booster, _shuffled(values, place, order), truth) for order in orders])
        )
        for place, name in enumerate(NAMES)
    }
    return Importance(roc_auc=whole, loss=dict(sorted(losses.items(), key=lambda item: (-item[1], item[0]))))


def _auc(booster: xgboost.Booster, values: Floats, truth: Labels) -> float:
    return float(roc_auc_score(truth, booster.inplace_predict(values)))


def _shuffled(values: Floats, place: int, order: Labels) -> Floats:
    shuffled = values.copy()
    shuffled[:, place] = values[order, place]
    return shuffled
