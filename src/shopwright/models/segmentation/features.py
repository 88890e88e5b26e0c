"""What customers are alike by, and the same with everything after a moment rewritten."""

from __future__ import annotations

from shopwright.models.segmentation.data import NAMES, TABLE
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


def rewrites(moment: str) -> dict[str, str]:
    """Orders placed and lines booked from a moment (SQL literal) on, made others, a stranger's, or gone."""
    placed, booked = (f"({each} >= cast({moment} as date))" for each in ("order_date", "booked_date"))
    return {
        "silver.int_orders_as_placed": f"""
            select * replace (
                case when {placed} and unit_count % 2 = 0 then '(rewritten)' else customer_id end as customer_id,
                case when {placed} then order_value_amount * 2 + 1 else order_value_amount end as order_value_amount,
                case when {placed} then unit_count + 3 else unit_count end as unit_count
            )
            from original.silver.int_orders_as_placed
            where not {placed} or hash(order_key) % 4 <> 0""",
        "silver.int_order_lines": f"""
            select * replace (
                case when {booked} and unit_count % 2 = 0 then '(rewritten)' else customer_id end as customer_id,
                case when {booked} then '(rewritten)' else product_id end as product_id,
                case when {booked} then gross_amount * 2 + 1 else gross_amount end as gross_amount,
                case when {booked} then discount_amount + 2 else discount_amount end as discount_amount,
                case when {booked} then return_amount + 3 else return_amount end as return_amount
            )
            from original.silver.int_order_lines
            where not {booked} or hash(order_key) % 4 <> 0 or line_number > 1""",
    }
