-- grain: one row per order and kind of amount that the order states and its lines do not
-- A view. An order without lines is worth what it states; an order with lines adds those of its stated
-- shipping, tax and discounts of which its lines say nothing. Tax inside the prices of lines is shared out to
-- them.
{{ config(materialized='view') }}

with

orders as (
    select * from {{ ref('int_source_orders') }}
),

lines as (
    select * from {{ ref('stg_order_items') }}
),

lines_per_order as (
    select
        order_id,
        count(case when kind = 'tax' or tax_amount <> 0 then 1 end) as tax_line_count,
        count(case when kind = 'shipping' or freight <> 0 then 1 end) as shipping_line_count,
        count(case when kind = 'discount' or discount_amount <> 0 then 1 end) as discount_line_count
    from lines
    group by order_id
),

stated as (
    select
        orders.order_key,
        orders.order_id,
        lines_per_order.order_id is null as is_without_lines,
        coalesce(orders.stated_discount_amount, 0) as discount_amount,
        coalesce(orders.stated_shipping_amount, 0) as shipping_amount,
        coalesce(orders.stated_tax_amount, 0) as tax_amount,
        case
            when orders.stated_total_amount is not null
                then
                    orders.stated_total_amount - coalesce(orders.stated_shipping_amount, 0)
                    - coalesce(orders.stated_tax_amount, 0) + coalesce(orders.stated_discount_amount, 0)
            when orders.is_tax_included
                then orders.stated_subtotal_amount - coalesce(orders.stated_tax_amount, 0)
            else orders.stated_subtotal_amount
        end as goods_amount,
        coalesce(lines_per_order.tax_line_count, 0) = 0
        and (lines_per_order.order_id is null or not orders.is_tax_included) as adds_tax,
        coalesce(lines_per_order.shipping_line_count, 0) = 0 as adds_shipping,
        coalesce(lines_per_order.discount_line_count, 0) = 0 as adds_discount
    from orders
    left join lines_per_order
        on orders.order_id = lines_per_order.order_id
),

amounts as (
    select
        order_key,
        order_id,
        1 as position_number,
        case when goods_amount < 0 then 'return' else 'sale' end as kind,
        goods_amount as line_amount
    from stated
    where is_without_lines and goods_amount is not null
    union all
    select
        order_key,
        order_id,
        2,
        'discount',
        -discount_amount
    from stated
    where adds_discount and discount_amount <> 0 and (goods_amount is not null or not is_without_lines)
    union all
    select
        order_key,
        order_id,
        3,
        'shipping',
        shipping_amount
    from stated
    where adds_shipping and shipping_amount <> 0
    union all
    select
        order_key,
        order_id,
        4,
        'tax',
        tax_amount
    from stated
    where adds_tax and tax_amount <> 0
),

final as (
    select
        order_key,
        order_id,
        position_number,
        kind,
        {{ amount('line_amount') }} as line_amount
    from amounts
)

select * from final
