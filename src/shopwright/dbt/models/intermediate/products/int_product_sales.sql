-- grain: one row per product on an order line
-- The name is the most frequent one, for products that are in no catalog. Sale lines take precedence: the
-- text on a stock correction ("damaged") is often not a name.
{{ config(materialized='view') }}

with

lines as (
    select * from {{ ref('int_order_lines') }}
    where product_id is not null
),

names as (
    select
        product_id,
        product_name,
        count(case when kind = 'sale' then 1 end) as sale_line_count,
        count(*) as line_count
    from lines
    where product_name is not null
    group by product_id, product_name
),

ranked_names as (
    select
        *,
        {{ is_first(
            'product_id', 'sale_line_count desc, line_count desc, product_name'
        ) }} as is_most_frequent
    from names
),

totals as (
    select
        product_id,
        min(booked_at) as first_sold_at,
        max(booked_at) as last_sold_at,
        count(case when kind = 'sale' then 1 end) as sale_line_count,
        {{ units("sum(case when kind = 'sale' then unit_count else 0 end)") }} as unit_count,
        {{ units("sum(case when kind = 'return' then abs(unit_count) else 0 end)") }} as returned_unit_count,
        {{ known_money_sum('gross_amount') }} as gross_amount,
        {{ known_money_sum('return_amount') }} as return_amount,
        {{ known_money_sum('net_amount') }} as net_amount
    from lines
    group by product_id
),

final as (
    select
        totals.*,
        ranked_names.product_name
    from totals
    left join ranked_names
        on
            totals.product_id = ranked_names.product_id
            and ranked_names.is_most_frequent
)

select * from final
