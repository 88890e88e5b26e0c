-- grain: one row per payment method and number of installments
-- Payments and amounts are counted once. An order paid by several methods counts in the row of each.
with

payments as (
    select * from {{ ref('int_payments') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
    where payment_count > 0
),

payments_per_order as (
    select
        order_id,
        method,
        installments,
        count(*) as payment_count,
        {{ money_sum('case when amount > 0 then amount end') }} as paid_amount,
        {{ money_sum('case when amount < 0 then -amount end') }} as refunded_amount
    from payments
    group by order_id, method, installments
),

-- An overpayment or underpayment of an order counts in the row of its largest payment.
payments_with_orders as (
    select
        payments_per_order.*,
        {{ is_first(
            'payments_per_order.order_id',
            'payments_per_order.paid_amount desc, payments_per_order.method, payments_per_order.installments'
        ) }} as is_largest,
        orders.is_canceled,
        orders.review_score,
        orders.line_count > 0 and orders.payment_difference_amount <> 0 as is_mismatched,
        case when orders.line_count > 0 then orders.payment_difference_amount end as payment_difference_amount
    from payments_per_order
    inner join orders
        on payments_per_order.order_id = orders.order_id
),

totals as (
    select
        method as payment_method,
        installments as installment_count,
        cast(sum(payment_count) as bigint) as payment_count,
        count(*) as order_count,
        {{ money_sum('paid_amount') }} as paid_amount,
        {{ money_sum('refunded_amount') }} as refunded_amount,
        count(case when is_mismatched then 1 end) as mismatched_order_count,
        {{ money_sum('case when is_mismatched and is_largest then payment_difference_amount end') }}
            as mismatch_amount,
        {{ canceled_orders() }} as canceled_order_count,
        count(case when is_canceled or refunded_amount > 0 or payment_difference_amount < 0 then 1 end)
            as risky_order_count,
        count(case when review_score <= 2 then 1 end) as badly_reviewed_order_count,
        count(review_score) as reviewed_order_count
    from payments_with_orders
    group by method, installments
),

final as (
    select
        payment_method,
        installment_count,
        payment_count,
        order_count,
        paid_amount,
        refunded_amount,
        {{ safe_divide('paid_amount', 'order_count') }} as average_paid_amount,
        mismatched_order_count,
        mismatch_amount,
        {{ safe_divide('mismatched_order_count', 'order_count') }} as mismatch_rate,
        canceled_order_count,
        {{ safe_divide('canceled_order_count', 'order_count') }} as cancellation_rate,
        risky_order_count,
        {{ safe_divide('risky_order_count', 'order_count') }} as risk_rate,
        {{ safe_divide('badly_reviewed_order_count', 'reviewed_order_count') }} as bad_review_rate,
        '{{ var("shop_currency") }}' as currency
    from totals
)

select * from final
