-- grain: one row per order and category it has lines of, and one with category '(all)' for the whole order
-- A view: orders as agg_sales_kpi counts them.
{{ config(materialized='view') }}

with

orders as (
    select * from {{ ref('fct_orders') }}
),

lines as (
    select * from {{ ref('int_order_lines') }}
),

categories_per_order as (
    select
        order_key,
        category,
        cast(sum(case when kind = 'sale' then unit_count else 0 end) as bigint) as unit_count,
        {{ money_sum('gross_amount') }} as gross_amount,
        {{ money_sum('discount_amount') }} as discount_amount,
        {{ money_sum('return_amount') }} as return_amount,
        {{ money_sum('canceled_amount') }} as canceled_amount,
        {{ money_sum('net_amount') }} as net_amount,
        {{ money_sum('freight_amount') }} as freight_amount
    from lines
    group by order_key, category
),

final as (
    select
        order_key,
        '(all)' as category,
        unit_count,
        gross_amount,
        discount_amount,
        return_amount,
        canceled_amount,
        net_amount,
        freight_amount
    from orders
    union all
    select * from categories_per_order
)

select * from final
