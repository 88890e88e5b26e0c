"""What churn models must beat beside the constant and recency alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopwright.models.btyd import BgNbd, PurchaseHistory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shopwright.models.training_set import TrainingSet

HORIZON_DAYS = 90


def repeat_buying(training: TrainingSet, rows: TrainingSet) -> NDArray[np.float64]:
    """Probability of no purchase in 90 days by BG/NBD, fitted on the last training snapshot; (rows,)."""
    last = training.take(training.decided_at == training.decided_at.max())
    fitted = BgNbd.fit(_history(last))
    found: NDArray[np.float64] = fitted.purchase_probabilities(_history(rows), HORIZON_DAYS / 7, 0)[:, 0]
    return found


def _history(frame: TrainingSet) -> PurchaseHistory:
    """Weeks of the first purchase to the last, and to the snapshot."""
    columns = frame.columns
    age = columns["tenure_days"]
    return PurchaseHistory(
        frequency=columns["order_day_count"] - 1,
        recency=(age - columns["recency_days"]) / 7,
        age=age / 7,
        value=np.full(len(age), np.nan),
    )
