-- grain: one row per order
-- The order with its lines, payments and sellers as arrays: questions about single orders need no join.
-- Sorted, so that a full build writes full blocks and the few rows of a daily load do not move them.
-- depends_on: {{ ref('int_sessions') }}, {{ ref('int_user_keys') }}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'buyers'},
) }}

with

orders as (
    select
        *,
        case when payment_count > 0 then order_id end as paid_order_id
    from {{ ref('fct_orders') }}
    where {{ is_touched_customer('customer_id') }}
),

lines as (
    select * from {{ ref('int_order_lines') }}
    where {{ is_touched_customer('customer_id') }}
),

payments as (
    select * from {{ ref('int_payments') }}
),

items_per_order as (
    select
        order_key,
        {{ array_of_structs(
            ['line_number', 'product_id', 'category', 'seller_id', 'kind', 'unit_count', 'unit_price',
            'gross_amount', 'discount_amount', 'return_amount', 'freight_amount', 'net_amount', 'total_amount']
        ) }} as items
    from lines
    group by order_key
),

seller_shares as (
    select
        order_key,
        seller_id,
        count(*) as line_count,
        {{ amount_sum('net_amount') }} as net_amount,
        {{ amount_sum('freight_amount') }} as freight_amount
    from lines
    where seller_id is not null
    group by order_key, seller_id
),

sellers_per_order as (
    select
        order_key,
        {{ array_of_structs(['seller_id', 'line_count', 'net_amount', 'freight_amount']) }}
            as sellers
    from seller_shares
    group by order_key
),

payments_per_order as (
    select
        order_id,
        {{ array_of_structs(['sequence', 'method', 'installments', 'amount', 'paid_at']) }}
            as payments
    from payments
    group by order_id
),

final as (
    select
        orders.order_key,
        orders.order_id,
        orders.customer_id,
        orders.status,
        orders.is_counted,
        orders.is_canceled,
        orders.ordered_at,
        orders.order_date,
        orders.delivered_at,
        orders.days_late,
        orders.is_on_time,
        orders.handling_days,
        orders.country,
        orders.region,
        orders.order_value_amount,
        orders.net_amount,
        orders.total_amount,
        orders.review_score,
        orders.review_count,
        items_per_order.items,
        payments_per_order.payments,
        sellers_per_order.sellers
    from orders
    left join items_per_order
        on orders.order_key = items_per_order.order_key
    left join payments_per_order
        on orders.paid_order_id = payments_per_order.order_id
    left join sellers_per_order
        on orders.order_key = sellers_per_order.order_key
)

select * from final
order by order_key
