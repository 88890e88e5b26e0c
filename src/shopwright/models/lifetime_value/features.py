"""The features of a customer's purchases at a snapshot date, and what they bought afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shopwright.core.errors import DataError
from shopwright.models.btyd import PurchaseHistory
from shopwright.models.training_set import Feature, FeatureView, read_training_set

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shopwright.core.engine import Connection
    from shopwright.models.lifetime_value.config import LifetimeValueConfig
    from shopwright.models.training_set import TrainingSet

    Floats = NDArray[np.float64]

NAME = "lifetime_value"
FEATURE_VIEW = FeatureView(
    table="gold.feat_lifetime_value",
    entity="customer_id",
    keys=("snapshot_date",),
    decided_at="snapshot_date",
    known_at="snapshot_date + horizon_days",
    outcome="horizon_value",
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
"""SQL condition of the last snapshot: the day after the last complete one."""
_HORIZON_COLUMNS = ("horizon_days", "long_horizon_days")
_OUTCOMES = ("purchase_count", "value")


def read_customers(
    connection: Connection,
    config: LifetimeValueConfig,
    *,
    where: str = "",
    max_rows: int | None = None,
) -> TrainingSet:
    """Read customers at snapshots, with the outcomes of both horizons.

    Args:
        connection: to a warehouse with the feature view.
        config: the horizons that the view must have.
        where: SQL condition on the rows of the view.
        max_rows: beyond about this many, whole customers are drawn.

    Returns:
        One row per snapshot and customer. Outcomes are the columns ``purchase_count_<days>d`` and ``value_<days>d`` beside
        the features, NaN where not known yet.

    Raises:
        DataError: the view was built with other horizons.
    """
    outcomes = {
        f"{prefix}_{name}": f"{name}_{days}d"
        for prefix, days in zip(("horizon", "long_horizon"), config.horizons, strict=True)
        for name in _OUTCOMES
    }
    extra = (*_HORIZON_COLUMNS, *outcomes)
    source = replace(FEATURE_VIEW, features=(*FEATURE_VIEW.features, *map(Feature, extra)))
    rows = read_training_set(connection, source, where=where, max_rows=max_rows)
    columns = dict(rows.columns)
    built = [columns.pop(name) for name in _HORIZON_COLUMNS]
    if len(rows) and (horizons := tuple(int(days[0]) for days in built)) != config.horizons:
        raise DataError(
            f"{FEATURE_VIEW.table} was built with horizons of {_format_days(horizons)}, expected {_format_days(config.horizons)}. "
            "Run `shopwright build`"
        )
    return replace(
        rows,
        view=FEATURE_VIEW,
        columns={outcomes.get(name, name): values for name, values in columns.items()},
    )


def _format_days(horizons: tuple[int, ...]) -> str:
    return " and ".join(str(days) for days in horizons) + " days"


def future_purchases(rows: TrainingSet, days: int) -> Floats:
    """Return purchases in the days from the snapshot on, (rows,); NaN while not known."""
    counts: Floats = rows.columns[f"purchase_count_{days}d"]
    return counts


def future_value(rows: TrainingSet, days: int) -> Floats:
    """Return the net value of the days from the snapshot on, (rows,), in currency; NaN while not known."""
    values: Floats = rows.columns[f"value_{days}d"]
    return values


def purchase_history(rows: TrainingSet) -> PurchaseHistory:
    """Return purchase histories in weeks, for BTYD models; the value is the mean of all purchases, including the first."""
    columns = rows.columns
    return PurchaseHistory(
        frequency=columns["repeat_count"],
        recency=columns["recency_days"] / 7,
        age=columns["age_days"] / 7,
        value=columns["mean_value"],
    )


def rewrites(timestamp: str) -> dict[str, str]:
    """Return tables with the order lines booked from a timestamp on changed or removed, for the leak audit.

    Args:
        timestamp: SQL literal.
    """
    is_later = f"(booked_date >= cast({timestamp} as date))"
    return {
        "silver.int_order_lines": f"""
            select * replace (
                case when {is_later} then gross_amount * 2 + 1 else gross_amount end as gross_amount,
                case when {is_later} then discount_amount + 3 else discount_amount end as discount_amount,
                case when {is_later} then return_amount + 7 else return_amount end as return_amount,
                case when {is_later} and hash(order_key) % 3 = 0 then 'return' else kind end as kind,
                case when {is_later} then booked_date + 10 else booked_date end as booked_date
            )
            from original.silver.int_order_lines
            where not {is_later} or hash(order_key) % 2 = 0"""
    }
