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
        variant_id,
        product_name,
        category,
        seller_id,
        kind,
        kind_rule,
        unit_count,
        unit,
        unit_price,
        {{ order_amounts() | join(', ') }},
        cost_amount,
        {{ amount('net_amount - cost_amount') }} as margin_amount,
        discount_code,
        presentment_currency,
        presentment_amount,
        '{{ var("shop_currency") }}' as currency
    from {{ ref('int_order_lines') }}
)

select * from final
