"""Reports on sellers and payments."""

from __future__ import annotations

from shopwright.reports.columns import (
    AVERAGE_REVIEW_SCORE,
    CANCELED_ORDER_COUNT,
    NET_AMOUNT,
    ON_TIME_RATE,
    UNIT_COUNT,
)
from shopwright.reports.report import Column, Report

_IS_KNOWN = "seller_id <> '(unknown)'"
_NO_SELLERS = "the order lines name no sellers"

_SELLERS = Report(
    "sellers",
    "Sellers by net sales",
    "The 50 sellers with the highest net sales over all time. Status, delivery and review are the order's and count for each"
    " of its sellers; net sales exclude canceled orders.",
    requires=("fct_seller_performance",),
    columns=(
        Column("revenue_rank", "Rank by net sales; ties share a rank.", "count"),
        Column("seller_id", "Seller ID of the source.", "text"),
        Column("order_count", "Orders with a line of the seller, including canceled ones.", "count"),
        UNIT_COUNT,
        NET_AMOUNT,
        Column(
            "cancellation_rate",
            "Share of the seller's orders that were canceled.",
            "share",
            stated_by="orders",
        ),
        ON_TIME_RATE,
        Column("average_handling_days", "Mean time from approval to shipping.", "days"),
        AVERAGE_REVIEW_SCORE,
    ),
    sql=f"""
        select
            revenue_rank, seller_id, order_count, unit_count, net_amount, cancellation_rate, on_time_rate,
            average_handling_days, average_review_score
        from gold.fct_seller_performance
        where {_IS_KNOWN}
        order by revenue_rank, seller_id
        limit 50
    """,
    row_condition=_IS_KNOWN,
    no_rows_reason=_NO_SELLERS,
    entities=("orders", "order_items"),
)

_SUMMARY = Report(
    "seller_summary",
    "Sellers",
    "All sellers over all time in one row; net sales exclude canceled orders.",
    requires=("fct_seller_performance",),
    columns=(
        Column("seller_count", "Sellers with an order.", "count"),
        Column("median_net_amount", "Median net sales of a seller.", "money"),
        Column(
            "top_decile_share",
            "Share of net sales by the 10% of sellers with the highest; undefined below 10 sellers.",
            "share",
            "Share of top 10%",
        ),
        Column("unknown_net_amount", "Net sales of lines without a seller.", "money"),
    ),
    sql=f"""
        with

        ranked as (
            select net_amount, ntile(10) over (order by net_amount desc, seller_id) as decile
            from gold.fct_seller_performance
            where {_IS_KNOWN}
        )

        select
            count(*) as seller_count,
            median(net_amount) as median_net_amount,
            case
                when count(*) >= 10 and sum(net_amount) > 0
                    then sum(net_amount) filter (where decile = 1)::double / sum(net_amount)
            end as top_decile_share,
            coalesce((select sum(net_amount) from gold.fct_seller_performance where not {_IS_KNOWN}), 0)
                as unknown_net_amount
        from ranked
    """,
    row_condition=_IS_KNOWN,
    no_rows_reason=_NO_SELLERS,
    entities=("orders", "order_items"),
)

_PAYMENTS = Report(
    "payments",
    "Payments by method and installments",
    "All payments over all time. An order with several payment methods counts in the row of each; amounts count once. A"
    " payment is risky if its order was canceled, refunded or not paid in full.",
    requires=("agg_payment_behavior",),
    columns=(
        Column("payment_method", "Payment method.", "text"),
        Column("installment_count", "Number of installments.", "count"),
        Column("payment_count", "Number of payments.", "count"),
        Column("order_count", "Orders with such a payment.", "count"),
        Column("paid_amount", "Amount paid.", "money"),
        Column("refunded_amount", "Amount refunded.", "money"),
        Column("average_paid_amount", "Amount paid per order.", "money"),
        CANCELED_ORDER_COUNT,
        Column(
            "cancellation_rate", "Share of the row's orders that were canceled.", "share", stated_by="orders"
        ),
        Column(
            "mismatch_rate", "Share of the row's orders whose payments do not equal their total.", "share"
        ),
        Column("risk_rate", "Share of the row's orders that are risky.", "share"),
        Column("bad_review_rate", "Share of reviewed orders with a score of 2 or less.", "share"),
    ),
    sql="""
        select
            payment_method, installment_count, payment_count, order_count, paid_amount, refunded_amount,
            average_paid_amount, canceled_order_count, cancellation_rate, mismatch_rate, risk_rate, bad_review_rate
        from gold.agg_payment_behavior
        order by paid_amount desc, payment_method, installment_count
    """,
    entities=("payments",),
)

_METHODS = Report(
    "payment_methods",
    "Payments by method",
    "All payments over all time, regardless of installments.",
    requires=("agg_payment_behavior",),
    columns=(
        Column("payment_method", "Payment method.", "text"),
        Column("payment_count", "Number of payments.", "count"),
        Column("paid_amount", "Amount paid.", "money"),
        Column("paid_share", "Share of all amounts paid.", "share"),
        Column("refunded_amount", "Amount refunded.", "money"),
    ),
    sql="""
        select
            payment_method,
            sum(payment_count)::bigint as payment_count,
            sum(paid_amount) as paid_amount,
            sum(paid_amount)::double / nullif(sum(sum(paid_amount)) over (), 0) as paid_share,
            sum(refunded_amount) as refunded_amount
        from gold.agg_payment_behavior
        group by payment_method
        order by paid_amount desc, payment_method
    """,
    entities=("payments",),
)

SELLER_REPORTS = (_SUMMARY, _SELLERS, _METHODS, _PAYMENTS)
