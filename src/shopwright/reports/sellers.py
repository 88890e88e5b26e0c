"""Reports on who sells and how is paid."""

from __future__ import annotations

from shopwright.reports.columns import CANCELED, NET, ON_TIME, SCORE, UNITS
from shopwright.reports.model import Column, Report

_NAMED = "seller_id <> '(unknown)'"
_NO_SELLERS = "its order lines name no sellers"

_SELLERS = Report(
    "sellers",
    "Sellers by net",
    "The 50 sellers with the most net over all time. Status, delivery and review are the order's and count for each of its"
    " sellers; net leaves canceled orders out.",
    needs=("fct_seller_performance",),
    columns=(
        Column("revenue_rank", "Place by net; equal net shares a place.", "count"),
        Column("seller_id", "The seller, as the source names it.", "text"),
        Column("order_count", "Orders with a line of the seller, canceled ones included.", "count"),
        UNITS,
        NET,
        Column("cancellation_rate", "Canceled orders, of the seller's.", "share"),
        ON_TIME,
        Column("average_handling_days", "From approval to shipping, on average.", "days"),
        SCORE,
    ),
    sql=f"""
        select
            revenue_rank, seller_id, order_count, unit_count, net_amount, cancellation_rate, on_time_rate,
            average_handling_days, average_review_score
        from gold.fct_seller_performance
        where {_NAMED}
        order by revenue_rank, seller_id
        limit 50
    """,
    kind=_NAMED,
    lacks=_NO_SELLERS,
    entities=("orders", "order_items"),
)

_SUMMARY = Report(
    "seller_summary",
    "Sellers",
    "All sellers over all time in one row; net leaves canceled orders out.",
    needs=("fct_seller_performance",),
    columns=(
        Column("seller_count", "Sellers with an order.", "count"),
        Column("median_net_amount", "Median net of a seller.", "money"),
        Column("top_tenth_share", "Net of the tenth of sellers with the most, of all sellers' net.", "share"),
        Column("unknown_net_amount", "Net of lines that name no seller.", "money"),
    ),
    sql=f"""
        with

        ranked as (
            select net_amount, ntile(10) over (order by net_amount desc, seller_id) as decile
            from gold.fct_seller_performance
            where {_NAMED}
        )

        select
            count(*),
            median(net_amount),
            case
                when count(*) >= 10 and sum(net_amount) > 0
                    then sum(net_amount) filter (where decile = 1)::double / sum(net_amount)
            end,
            coalesce((select sum(net_amount) from gold.fct_seller_performance where not {_NAMED}), 0)
        from ranked
    """,
    kind=_NAMED,
    lacks=_NO_SELLERS,
    entities=("orders", "order_items"),
)

_PAYMENTS = Report(
    "payments",
    "Payments by method and installments",
    "All payments over all time. An order paid in several ways counts in the row of each; money counts once. A payment is"
    " risky if its order was canceled, refunded, or paid short.",
    needs=("agg_payment_behavior",),
    columns=(
        Column("payment_method", "How it was paid.", "text"),
        Column("installment_count", "In how many installments.", "count"),
        Column("payment_count", "Payments.", "count"),
        Column("order_count", "Orders with such a payment.", "count"),
        Column("paid_amount", "What was paid.", "money"),
        Column("refunded_amount", "What was paid back.", "money"),
        Column("average_paid_amount", "Paid over orders.", "money"),
        CANCELED,
        Column("cancellation_rate", "Canceled orders, of the row's.", "share"),
        Column("mismatch_rate", "Orders whose payments do not equal their total, of the row's.", "share"),
        Column("risk_rate", "Risky orders, of the row's.", "share"),
        Column("bad_review_rate", "Orders with a score of 2 or less, of those reviewed.", "share"),
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
    "All payments over all time, whatever the installments.",
    needs=("agg_payment_behavior",),
    columns=(
        Column("payment_method", "How it was paid.", "text"),
        Column("payment_count", "Payments.", "count"),
        Column("paid_amount", "What was paid.", "money"),
        Column("paid_share", "The same, of all that was paid.", "share"),
        Column("refunded_amount", "What was paid back.", "money"),
    ),
    sql="""
        select
            payment_method,
            sum(payment_count)::bigint,
            sum(paid_amount) as paid,
            paid::double / nullif(sum(sum(paid_amount)) over (), 0),
            sum(refunded_amount)
        from gold.agg_payment_behavior
        group by payment_method
        order by paid desc, payment_method
    """,
    entities=("payments",),
)

SELLERS = (_SUMMARY, _SELLERS, _METHODS, _PAYMENTS)
