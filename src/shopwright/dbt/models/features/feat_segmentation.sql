-- grain: one row per snapshot date and customer who had ordered before it
-- Snapshots are taken on the first of each month and on the day after the last complete one (is_current), so
-- that who moved where can be told. Built only from what was known at midnight of the date: orders placed and
-- lines booked before it. A status, which the source overwrites, is not used: an order counts from the day
-- it was placed, also if it was canceled later.
-- A view: it is read when customers are segmented, not with each page.
{{ config(materialized='view') }}

with

orders as (
    select * from {{ ref('int_orders_as_placed') }}
),

lines as (
    select * from {{ ref('int_order_lines') }}
    where customer_id is not null
),

snapshots as (
    select * from {{ ref('int_snapshot_dates') }}
),

items as (
    select
        orders.order_key,
        count(distinct lines.product_id) as item_count
    from orders
    inner join lines
        on orders.order_key = lines.order_key
    where
        lines.kind = 'sale'
        and lines.booked_date <= orders.order_date
    group by orders.order_key
),

booked as (
    select
        customer_id,
        booked_date,
        {{ money_sum('gross_amount') }} as gross_amount,
        {{ money_sum('discount_amount') }} as discount_amount,
        {{ money_sum('return_amount') }} as return_amount
    from lines
    where kind in ('sale', 'discount', 'return')
    group by customer_id, booked_date
),

ordered as (
    select
        snapshots.snapshot_date,
        orders.customer_id,
        min(orders.order_date) as first_order_date,
        max(orders.order_date) as last_order_date,
        count(*) as order_count,
        {{ money_sum('orders.order_value_amount') }} as order_value_amount,
        sum(orders.unit_count) as unit_count,
        sum(items.item_count) as item_count
    from snapshots
    inner join orders
        on snapshots.snapshot_date > orders.order_date
    inner join items
        on orders.order_key = items.order_key
    group by snapshots.snapshot_date, orders.customer_id
),

spent as (
    select
        snapshots.snapshot_date,
        booked.customer_id,
        {{ money_sum('booked.gross_amount') }} as gross_amount,
        {{ money_sum('booked.return_amount') }} as return_amount,
        {{ money_sum('booked.gross_amount - booked.discount_amount - booked.return_amount') }} as net_amount
    from snapshots
    inner join booked
        on snapshots.snapshot_date > booked.booked_date
    group by snapshots.snapshot_date, booked.customer_id
),

histories as (
    select
        ordered.*,
        snapshots.as_of_date,
        spent.gross_amount,
        spent.return_amount,
        spent.net_amount,
        cast(ordered.snapshot_date - ordered.last_order_date as integer) as recency_days,
        cast(ordered.snapshot_date - ordered.first_order_date as integer) as tenure_days,
        -- Of a customer of yesterday no month has passed: a month is the least that a rate is told over.
        greatest(ordered.snapshot_date - ordered.first_order_date, 30) as rated_days
    from ordered
    inner join snapshots
        on ordered.snapshot_date = snapshots.snapshot_date
    inner join spent
        on
            ordered.snapshot_date = spent.snapshot_date
            and ordered.customer_id = spent.customer_id
),

final as (
    select
        snapshot_date,
        customer_id,
        snapshot_date = as_of_date + 1 as is_current,
        recency_days,
        order_count as frequency,
        net_amount as monetary,
        order_count = 1 as is_one_time_buyer,
        {{ safe_divide('last_order_date - first_order_date', 'order_count - 1') }}
            as mean_days_between_orders,
        {{ safe_divide('order_value_amount', 'order_count') }} as mean_ticket,
        {{ safe_divide('item_count', 'order_count') }} as mean_distinct_items,
        {{ safe_divide('unit_count', 'order_count') }} as mean_quantity,
        {{ safe_divide('30 * net_amount', 'rated_days') }} as spend_per_month,
        {{ safe_divide('30 * order_count', 'rated_days') }} as orders_per_month,
        {{ safe_divide('return_amount', 'gross_amount') }} as refund_rate,
        tenure_days
    from histories
)

select * from final
