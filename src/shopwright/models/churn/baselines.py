"""The baseline of the customer churn model next to the constant and recency alone: BG/NBD."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopwright.models.btyd import BgNbd, PurchaseHistory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shopwright.models.training_set import TrainingSet


def bg_nbd(training: TrainingSet, rows: TrainingSet) -> NDArray[np.float64]:
    """Predict the probability of no purchase within the horizon, (rows,), by BG/NBD.

    The model is fitted on the last training snapshot: earlier ones hold the same customers at a younger age, so together
    they would count each of them many times.
    """
    last_snapshot = training.take(training.decided_at == training.decided_at.max())
    model = BgNbd.fit(_purchase_history(last_snapshot))
    # The horizon of the data, not that of the settings, which may have changed since the warehouse was built.
    weeks = float((training.known_at[0] - training.decided_at[0]) / np.timedelta64(7, "D"))
    probability: NDArray[np.float64] = model.purchase_probabilities(_purchase_history(rows), weeks, 0)[:, 0]
    return probability


def _purchase_history(data: TrainingSet) -> PurchaseHistory:
    """Return weeks from the first purchase to the last, and to the snapshot."""
    columns = data.columns
    age = columns["tenure_days"]
    return PurchaseHistory(
        frequency=columns["order_day_count"] - 1,
        recency=(age - columns["recency_days"]) / 7,
        age=age / 7,
        value=np.full(len(age), np.nan),
    )
