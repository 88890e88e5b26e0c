-- grain: one row per customer and month with a counted order
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
        is_counted
        and customer_id is not null
        and {{ is_touched_customer('customer_id') }}
),

months as (
    select
        customer_id,
        cast(date_trunc('month', order_date) as date) as order_month,
        count(*) as order_count,
        {{ known_amount_sum('order_value_amount') }} as order_value_amount
    from orders
    group by customer_id, cast(date_trunc('month', order_date) as date)
),

final as (
    select
        customer_id,
        order_month,
        min(order_month) over (partition by customer_id) as cohort_month,
        order_count,
        order_value_amount
    from months
)

select * from final
