-- grain: one row per snapshot date and customer with an earlier order
-- Snapshots are on the first of each month and on the day after the last complete one (is_current), so that
-- segment changes can be counted. Uses only what was known at midnight of the date: orders placed and lines
-- booked before it. Statuses are not used, since the source overwrites them: an order counts from the day it
-- was placed, even if it was canceled later.
-- A view, since it is read only when customers are segmented.
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

items_per_order as (
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

booked_per_day as (
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

orders_so_far as (
    select
        snapshots.snapshot_date,
        orders.customer_id,
        min(orders.order_date) as first_order_date,
        max(orders.order_date) as last_order_date,
        count(*) as order_count,
        {{ money_sum('orders.order_value_amount') }} as order_value_amount,
        sum(orders.unit_count) as unit_count,
        sum(items_per_order.item_count) as item_count
    from snapshots
    inner join orders
        on snapshots.snapshot_date > orders.order_date
    inner join items_per_order
        on orders.order_key = items_per_order.order_key
    group by snapshots.snapshot_date, orders.customer_id
),

amounts_so_far as (
    select
        snapshots.snapshot_date,
        booked_per_day.customer_id,
        {{ money_sum('booked_per_day.gross_amount') }} as gross_amount,
        {{ money_sum('booked_per_day.return_amount') }} as return_amount,
        {{ money_sum(
            'booked_per_day.gross_amount - booked_per_day.discount_amount - booked_per_day.return_amount'
        ) }} as net_amount
    from snapshots
    inner join booked_per_day
        on snapshots.snapshot_date > booked_per_day.booked_date
    group by snapshots.snapshot_date, booked_per_day.customer_id
),

histories as (
    select
        orders_so_far.*,
        snapshots.as_of_date,
        amounts_so_far.gross_amount,
        amounts_so_far.return_amount,
        amounts_so_far.net_amount,
        cast(orders_so_far.snapshot_date - orders_so_far.last_order_date as integer) as recency_days,
        cast(orders_so_far.snapshot_date - orders_so_far.first_order_date as integer) as tenure_days,
        -- Rates are over at least a month, so that a customer since yesterday does not get an extreme one.
        greatest(orders_so_far.snapshot_date - orders_so_far.first_order_date, 30) as rate_days
    from orders_so_far
    inner join snapshots
        on orders_so_far.snapshot_date = snapshots.snapshot_date
    inner join amounts_so_far
        on
            orders_so_far.snapshot_date = amounts_so_far.snapshot_date
            and orders_so_far.customer_id = amounts_so_far.customer_id
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
        {{ safe_divide('30 * net_amount', 'rate_days') }} as spend_per_month,
        {{ safe_divide('30 * order_count', 'rate_days') }} as orders_per_month,
        {{ safe_divide('return_amount', 'gross_amount') }} as refund_rate,
        tenure_days
    from histories
)

select * from final
