-- grain: one row per order date, category and country
-- An order with several categories counts once in the cell of each, so order counts do not add up over
-- categories.
with

purchases as (
    select * from {{ ref('int_purchases') }}
),

orders as (
    select * from {{ ref('int_orders') }}
),

lines as (
    select
        orders.order_date,
        coalesce(purchases.category, '(none)') as category,
        coalesce(orders.country, '(unknown)') as country,
        orders.user_key,
        orders.order_id,
        sum(purchases.unit_count) as unit_count,
        {{ money_sum('purchases.gross_amount') }} as gross_amount
    from purchases
    inner join orders
        on
            purchases.user_key = orders.user_key
            and purchases.order_id = orders.order_id
    group by
        orders.order_date, coalesce(purchases.category, '(none)'), coalesce(orders.country, '(unknown)'),
        orders.user_key, orders.order_id
),

final as (
    select
        order_date,
        category,
        country,
        count(*) as order_count,
        cast(sum(unit_count) as bigint) as unit_count,
        {{ money_sum('gross_amount') }} as gross_amount,
        cast(sum(gross_amount) as double precision) / nullif(count(*), 0) as average_order_value,
        '{{ var("shop_currency") }}' as currency
    from lines
    group by order_date, category, country
)

select * from final
