-- grain: one row per order of a known customer, as experiments count it
-- A view. Canceled orders are left out; returned units count with the order that they belong to, and are
-- unknown where purchase events are the only orders.
{{ config(materialized='view') }}

with

orders as (
    select * from {{ ref('fct_orders') }}
    where not is_canceled and customer_id is not null
),

returned_lines as (
    select
        order_key,
        sum(abs(unit_count)) as returned_unit_count
    from {{ ref('int_order_lines') }}
    where kind = 'return'
    group by order_key
),

final as (
    select
        orders.customer_id,
        orders.ordered_at,
        orders.ordered_at_is_day,
        case
            when orders.is_counted and orders.ordered_at_is_day is not true then orders.ordered_at
        end as purchased_at,
        case when orders.is_counted then 1 else 0 end as order_count,
        case when orders.is_counted then orders.unit_count else 0 end as unit_count,
        case when orders.is_counted then orders.order_value_amount else 0 end as revenue_amount,
        {{ stated_by_orders('coalesce(returned_lines.returned_unit_count, 0)', otherwise=units('null')) }}
            as returned_unit_count
    from orders
    left join returned_lines
        on orders.order_key = returned_lines.order_key
)

select * from final
