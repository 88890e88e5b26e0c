"""Features of the churn models: what is known about customers and sellers at a snapshot date."""

from __future__ import annotations

from shopwright.models.training_set import Feature, FeatureView

_TIMES = ("recency_days", "tenure_days")
_DELIVERIES = ("mean_delivery_days", "mean_days_late")
_REVIEWS = ("review_count_180d", "mean_review_score")


def _snapshot_view(table: str, entity: str, features: tuple[str, ...]) -> FeatureView:
    """Return the view of the active customers or sellers at each snapshot date."""
    return FeatureView(
        table=table,
        entity=entity,
        keys=("snapshot_date",),
        decided_at="snapshot_date",
        known_at="known_at",
        outcome="is_churned",
        features=tuple(Feature(name) for name in features),
    )


CUSTOMER_VIEW = _snapshot_view(
    "gold.feat_churn",
    "customer_id",
    (
        *(*_TIMES, "order_day_count", "order_count_180d", "order_value_180d", "freight_180d"),
        *("silent_share", "mean_days_between_orders", "missed_order_count", "order_days_per_month"),
        *("unit_count_180d", "category_count_180d", "average_order_value_180d"),
        *("delivered_count_180d", *_DELIVERIES, "late_delivery_count_180d"),
        *(*_REVIEWS, "lowest_review_score", "mean_installments"),
        *("card_order_count_180d", "voucher_order_count_180d"),
    ),
)
SELLER_VIEW = _snapshot_view(
    "gold.feat_seller_churn",
    "seller_id",
    (
        *(*_TIMES, "order_count_180d", "order_count_90d", "order_count_30d"),
        *("sale_day_count_180d", "unit_count_180d", "value_180d", "mean_unit_price_180d"),
        *("category_count_180d", *_DELIVERIES, *_REVIEWS),
    ),
)
NOW = "snapshot_date = (select max(snapshot_date) from {table})"
"""Condition for the last snapshot: the day after the last complete one."""


def rewrite_customers(cutoff: str) -> dict[str, str]:
    """Rewrite orders, deliveries, reviews and payments from a cutoff (SQL literal) on, and drop every second order."""
    return {"silver.int_orders_as_placed": _rewrite_history(cutoff)}


def rewrite_sellers(cutoff: str) -> dict[str, str]:
    """Rewrite the same, and the order lines from the cutoff on."""
    return {
        "silver.int_orders_as_placed": _rewrite_history(cutoff),
        "silver.int_order_lines": f"""
            select * replace (
                case when {_is_later("booked_date", cutoff)} then unit_count + 3 else unit_count end as unit_count,
                case when {_is_later("booked_date", cutoff)} then gross_amount * 2 + 1 else gross_amount end as gross_amount,
                case when {_is_later("booked_date", cutoff)} then 'rewritten' else category end as category
            )
            from original.silver.int_order_lines
            where not {_is_later("booked_date", cutoff)} or hash(order_key, line_number) % 2 = 0""",
    }


def _is_later(date: str, cutoff: str) -> str:
    return f"({date} >= cast({cutoff} as date))"


def _rewrite_history(cutoff: str) -> str:
    ordered, delivered, reviewed, paid = (
        _is_later(date, cutoff) for date in ("order_date", "delivered_date", "reviewed_date", "paid_date")
    )
    return f"""
        select * replace (
            case when {ordered} then order_value_amount * 2 + 1 else order_value_amount end as order_value_amount,
            case when {ordered} then freight_amount + 5 else freight_amount end as freight_amount,
            case when {ordered} then unit_count + 3 else unit_count end as unit_count,
            case when {ordered} then category_count + 1 else category_count end as category_count,
            case when {delivered} then delivery_days + 50 else delivery_days end as delivery_days,
            case when {delivered} then days_late + 50 else days_late end as days_late,
            case when {delivered} then delivered_date + 30 else delivered_date end as delivered_date,
            case when {reviewed} then 6 - review_score else review_score end as review_score,
            case when {reviewed} then reviewed_date + 30 else reviewed_date end as reviewed_date,
            case when {paid} then 'voucher' else payment_method end as payment_method,
            case when {paid} then 24 else installment_count end as installment_count,
            case when {paid} then paid_date + 30 else paid_date end as paid_date
        )
        from original.silver.int_orders_as_placed
        where not {ordered} or hash(order_key) % 2 = 0"""
