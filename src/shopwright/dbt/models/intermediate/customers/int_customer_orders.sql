-- grain: one row per customer who ordered
-- depends_on: {{ ref('int_sessions') }}, {{ ref('int_user_keys') }}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'buyers'},
) }}

with

orders as (
    select * from {{ ref('fct_orders') }}
    where
        customer_id is not null
        and {{ is_touched_customer('customer_id') }}
),

final as (
    select
        customer_id,
        min(ordered_at) as first_ordered_at,
        max(ordered_at) as last_ordered_at,
        min(case when is_counted then ordered_at end) as first_counted_at,
        max(case when is_counted then ordered_at end) as last_counted_at,
        count(*) as order_count,
        count(case when is_counted then 1 end) as counted_order_count,
        {{ canceled_orders() }} as canceled_order_count,
        {{ amount(
            'case when count(order_value_amount) > 0 or count(case when is_counted then 1 end) = 0 '
            ~ 'then coalesce(sum(order_value_amount), 0) end'
        ) }} as order_value_amount,
        {{ known_amount_sum('gross_amount') }} as gross_amount,
        {{ known_amount_sum('return_amount') }} as return_amount,
        {{ known_amount_sum('net_amount') }} as net_amount,
        {{ cost_sum('cost_amount is null') }} as cost_amount
    from orders
    group by customer_id
)

select * from final
