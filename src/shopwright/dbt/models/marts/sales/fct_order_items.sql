-- grain: one row per line of an order
-- A view: int_order_lines without its technical columns.
{{ config(materialized='view') }}

with

final as (
    select
        order_key,
        order_id,
        line_number,
        customer_id,
        session_key,
        booked_at,
        booked_date,
        status,
        is_canceled,
        coalesce(country, '(unknown)') as country,
        coalesce(region, '(unknown)') as region,
        product_id,
        product_name,
        category,
        seller_id,
        kind,
        kind_rule,
        unit_count,
        unit_price,
        {{ order_amounts() | join(', ') }},
        '{{ var("shop_currency") }}' as currency
    from {{ ref('int_order_lines') }}
)

select * from final
