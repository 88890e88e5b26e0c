"""What is known of a customer's buying at a snapshot date, and what they bought afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shopwright.models.btyd import PurchaseHistory
from shopwright.models.training_set import Feature, FeatureView, read_training_set

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    from numpy.typing import NDArray

    from shopwright.models.training_set import TrainingSet

    Floats = NDArray[np.float64]

NAME = "lifetime_value"
HORIZONS = (182, 365)
"""Days ahead; the first one is judged, the other where its outcome is known."""
JUDGED = HORIZONS[0]
FEATURE_VIEW = FeatureView(
    table="gold.feat_lifetime_value",
    entity="customer_id",
    keys=("snapshot_date",),
    decided_at="snapshot_date",
    known_at=f"snapshot_date + {JUDGED}",
    outcome=f"value_{JUDGED}d",
    features=tuple(
        Feature(name)
        for name in (
            *(
                "repeat_count",
                "recency_days",
                "age_days",
                "silent_days",
                "purchase_count_90d",
                "purchase_count_30d",
            ),
            *("value_total", "value_90d", "return_total", "mean_value", "mean_repeat_value"),
        )
    ),
)
NOW = f"snapshot_date = (select max(snapshot_date) from {FEATURE_VIEW.table})"
"""The last snapshot: the day after the last complete one."""
_OUTCOMES = tuple(Feature(f"{what}_{days}d") for what in ("purchase_count", "value") for days in HORIZONS)


def read_customers(
    connection: duckdb.DuckDBPyConnection, *, where: str = "", max_rows: int | None = None
) -> TrainingSet:
    """Read customers at snapshots; outcomes of both horizons are columns beside the features, NaN while not known."""
    everything = replace(FEATURE_VIEW, features=(*FEATURE_VIEW.features, *_OUTCOMES))
    return replace(
        read_training_set(connection, everything, where=where, max_rows=max_rows), view=FEATURE_VIEW
    )


def purchases(frame: TrainingSet, days: int) -> Floats:
    """Purchases in the days from the snapshot on, (rows,); NaN while not known."""
    found: Floats = frame.columns[f"purchase_count_{days}d"]
    return found


def spent(frame: TrainingSet, days: int) -> Floats:
    """Net value in the days from the snapshot on, (rows,), in money; NaN while not known."""
    found: Floats = frame.columns[f"value_{days}d"]
    return found


def history(frame: TrainingSet) -> PurchaseHistory:
    """Purchases as buy-till-you-die models take them, in weeks; the value is the mean of all purchases, the first included."""
    columns = frame.columns
    return PurchaseHistory(
        frequency=columns["repeat_count"],
        recency=columns["recency_days"] / 7,
        age=columns["age_days"] / 7,
        value=columns["mean_value"],
    )


def rewrites(moment: str) -> dict[str, str]:
    """Order lines booked from a moment (SQL literal) on, made others or left out."""
    later = f"(booked_date >= cast({moment} as date))"
    return {
        "silver.int_order_lines": f"""
            select * replace (
                case when {later} then gross_amount * 2 + 1 else gross_amount end as gross_amount,
                case when {later} then discount_amount + 3 else discount_amount end as discount_amount,
                case when {later} then return_amount + 7 else return_amount end as return_amount,
                case when {later} and hash(order_key) % 3 = 0 then 'return' else kind end as kind,
                case when {later} then booked_date + 10 else booked_date end as booked_date
            )
            from original.silver.int_order_lines
            where not {later} or hash(order_key) % 2 = 0"""
    }
