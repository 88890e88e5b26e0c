"""Which features distinguish a segment from the others, measured on held-out customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xgboost
from sklearn.metrics import roc_auc_score

from shopwright.models.segmentation.customers import NAMES

if TYPE_CHECKING:
    from shopwright.models.segmentation.config import SegmentationConfig
    from shopwright.models.segmentation.customers import Customers, Floats, Labels

TREES = 50

MAX_LEARNED, MAX_MEASURED = 20_000, 5_000
"""Maximum numbers of customers; of more, a random sample is enough to see what matters."""


@dataclass(frozen=True, slots=True)
class Importance:
    """How well gradient boosting distinguishes a segment from all others, and by which features."""

    roc_auc: float | None
    """On held-out customers; None where all or none of them belong to the segment."""
    loss: dict[str, float]
    """Feature to the drop of roc_auc when its values are shuffled, the most important first. Correlated features replace
    each other, so each of them may show a small drop."""


def measure_importance(
    customers: Customers,
    labels: Labels,
    *,
    learned_on: Labels,
    measured_on: Labels,
    config: SegmentationConfig,
) -> dict[int, Importance]:
    """Measure which features distinguish each segment, by boosted trees on all features, one segment against the rest.

    Source: L. Breiman, "Random forests", Machine Learning 45, 2001, section 10 (permutation importance); the trees are
    XGBoost's.

    Args:
        customers: all customers.
        labels: their segments, (n,).
        learned_on: positions of the training customers.
        measured_on: positions of the test customers.
        config: seed and shuffles.
    """
    rng = np.random.default_rng([config.seed, 3])
    training, test = _draw(learned_on, MAX_LEARNED, rng), _draw(measured_on, MAX_MEASURED, rng)
    orders = [rng.permutation(len(test)) for _ in range(config.shuffles)]
    matrix = xgboost.DMatrix(customers.values[training], nthread=1)
    by_segment = {}
    for segment in range(int(labels.max()) + 1):
        matrix.set_label((labels[training] == segment).astype(np.float32))
        booster = xgboost.train(_parameters(config), matrix, num_boost_round=TREES)
        by_segment[segment] = _measure(booster, customers.values[test], labels[test] == segment, orders)
    return by_segment


def _draw(positions: Labels, max_rows: int, rng: np.random.Generator) -> Labels:
    return np.sort(rng.permutation(positions)[:max_rows])


def _parameters(config: SegmentationConfig) -> dict[str, object]:
    return {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_depth": 4,
        "eta": 0.2,
        "nthread": 1,  # with so few rows, threads spend more time waiting for each other than working
        "seed": config.seed,
    }


def _measure(booster: xgboost.Booster, values: Floats, truth: Labels, orders: list[Labels]) -> Importance:
    if len(np.unique(truth)) < 2:
        return Importance(roc_auc=None, loss={})
    baseline = _auc(booster, values, truth)
    losses = {
        name: float(
            np.mean([baseline - _auc(booster, _shuffled(values, column, order), truth) for order in orders])
        )
        for column, name in enumerate(NAMES)
    }
    return Importance(
        roc_auc=baseline, loss=dict(sorted(losses.items(), key=lambda item: (-item[1], item[0])))
    )


def _auc(booster: xgboost.Booster, values: Floats, truth: Labels) -> float:
    return float(roc_auc_score(truth, booster.inplace_predict(values)))


def _shuffled(values: Floats, column: int, order: Labels) -> Floats:
    shuffled = values.copy()
    shuffled[:, column] = values[order, column]
    return shuffled
