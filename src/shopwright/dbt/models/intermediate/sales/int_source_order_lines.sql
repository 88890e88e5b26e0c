-- grain: one row per line of an order in the source
-- A view. A line whose order has not arrived yet waits: it has no customer and no date.
{{ config(materialized='view') }}

with

lines as (
    select * from {{ ref('stg_order_items') }}
),

orders as (
    select * from {{ ref('int_source_orders') }}
),

products as (
    select * from {{ ref('int_product_catalog') }}
),

final as (
    select
        orders.order_key,
        lines.order_id,
        lines.line_number,
        orders.customer_id,
        coalesce(lines.ordered_at, orders.ordered_at) as booked_at,
        orders.status,
        orders.country,
        orders.region,
        lines.product_id,
        coalesce(products.product_name, lines.product_name) as product_name,
        products.category,
        lines.seller_id,
        lines.kind,
        lines.kind_rule,
        lines.quantity as unit_count,
        lines.unit_price,
        lines.line_amount,
        lines.freight as freight_amount,
        lines.tax_amount as line_tax_amount,
        lines.included_tax_amount,
        lines.discount_amount as line_discount_amount
    from lines
    inner join orders
        on lines.order_id = orders.order_id
    left join products
        on lines.product_id = products.product_id
)

select * from final
