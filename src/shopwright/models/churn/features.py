"""What is known of customers and sellers at a snapshot date."""

from __future__ import annotations

from shopwright.models.training_set import Feature, FeatureView

_TIMES = ("recency_days", "tenure_days")
_DELIVERIES = ("mean_delivery_days", "mean_days_late")
_REVIEWS = ("review_count_180d", "mean_review_score")


def _snapshots(table: str, entity: str, features: tuple[str, ...]) -> FeatureView:
    """Whoever is there at each snapshot date."""
    return FeatureView(
        table=table,
        entity=entity,
        keys=("snapshot_date",),
        decided_at="snapshot_date",
        known_at="known_at",
        outcome="is_churned",
        features=tuple(Feature(name) for name in features),
    )


CUSTOMERS = _snapshots(
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
SELLERS = _snapshots(
    "gold.feat_seller_churn",
    "seller_id",
    (
        *(*_TIMES, "order_count_180d", "order_count_90d", "order_count_30d"),
        *("sale_day_count_180d", "unit_count_180d", "value_180d", "mean_unit_price_180d"),
        *("category_count_180d", *_DELIVERIES, *_REVIEWS),
    ),
)
NOW = "snapshot_date = (select max(snapshot_date) from {table})"
"""The last snapshot: the day after the last complete one."""


def rewrites_of_customers(moment: str) -> dict[str, str]:
    """Orders, deliveries, reviews and payments from a moment (SQL literal) on, made others; every second order is gone."""
    return {"silver.int_orders_as_placed": _rewritten_history(moment)}


def rewrites_of_sellers(moment: str) -> dict[str, str]:
    """The same, and the lines sold from the moment on."""
    return {
        "silver.int_orders_as_placed": _rewritten_history(moment),
        "silver.int_order_lines": f"""
            select * replace (
                case when {_is_later("booked_date", moment)} then unit_count + 3 else unit_count end as unit_count,
                case when {_is_later("booked_date", moment)} then gross_amount * 2 + 1 else gross_amount end as gross_amount,
                case when {_is_later("booked_date", moment)} then 'rewritten' else category end as category
            )
            from original.silver.int_order_lines
            where not {_is_later("booked_date", moment)} or hash(order_key, line_number) % 2 = 0""",
    }


def _is_later(date: str, moment: str) -> str:
    return f"({date} >= cast({moment} as date))"


def _rewritten_history(moment: str) -> str:
    placed, delivered, reviewed, paid = (
        _is_later(date, moment) for date in ("order_date", "delivered_date", "reviewed_date", "paid_date")
    )
    return f"""
        select * replace (
            case when {placed} then order_value_amount * 2 + 1 else order_value_amount end as order_value_amount,
            case when {placed} then freight_amount + 5 else freight_amount end as freight_amount,
            case when {placed} then unit_count + 3 else unit_count end as unit_count,
            case when {placed} then category_count + 1 else category_count end as category_count,
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
        where not {placed} or hash(order_key) % 2 = 0"""
