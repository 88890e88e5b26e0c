"""The features of customers, and how to rewrite the future for the leak audit."""

from __future__ import annotations

from shopwright.models.segmentation.customers import NAMES, TABLE
from shopwright.models.training_set import Feature, FeatureView

FEATURE_VIEW = FeatureView(
    table=TABLE,
    entity="customer_id",
    keys=("snapshot_date",),
    decided_at="snapshot_date",
    known_at="snapshot_date",
    outcome="",
    features=tuple(Feature(name) for name in NAMES),
)


def rewrites(timestamp: str) -> dict[str, str]:
    """Return tables with orders placed and lines booked from a timestamp on changed, reassigned or removed.

    Args:
        timestamp: SQL literal.
    """
    is_placed_later, is_booked_later = (
        f"({column} >= cast({timestamp} as date))" for column in ("order_date", "booked_date")
    )
    return {
        "silver.int_orders_as_placed": f"""
            select * replace (
                case when {is_placed_later} and unit_count % 2 = 0 then '(rewritten)' else customer_id end as customer_id,
                case when {is_placed_later} then order_value_amount * 2 + 1 else order_value_amount end as order_value_amount,
                case when {is_placed_later} then unit_count + 3 else unit_count end as unit_count
            )
            from original.silver.int_orders_as_placed
            where not {is_placed_later} or hash(order_key) % 4 <> 0""",
        "silver.int_order_lines": f"""
            select * replace (
                case when {is_booked_later} and unit_count % 2 = 0 then '(rewritten)' else customer_id end as customer_id,
                case when {is_booked_later} then '(rewritten)' else product_id end as product_id,
                case when {is_booked_later} then gross_amount * 2 + 1 else gross_amount end as gross_amount,
                case when {is_booked_later} then discount_amount + 2 else discount_amount end as discount_amount,
                case when {is_booked_later} then return_amount + 3 else return_amount end as return_amount
            )
            from original.silver.int_order_lines
            where not {is_booked_later} or hash(order_key) % 4 <> 0 or line_number > 1""",
    }
