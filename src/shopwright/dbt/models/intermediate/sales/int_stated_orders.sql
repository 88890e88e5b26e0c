-- grain: one row per order that the source states, by itself or on its lines
-- A view: orders as fct_orders wants them, of a shop that states orders.
{{ config(materialized='view') }}

with

orders as (
    select * from {{ ref('stg_orders') }}
),

lines as (
    select * from {{ ref('stg_order_items') }}
    where ordered_at is not null
),

customers as (
    select * from {{ ref('stg_customers') }}
),

orders_of_lines as (
    select
        order_id,
        min(customer_id) as customer_id,
        min(ship_country) as ship_country,
        min(ordered_at) as ordered_at
    from lines
    group by order_id
),

-- In exports that have no orders but lines, the lines state when, who and where to.
stated as (
    select
        order_id,
        customer_id,
        status,
        currency,
        ship_zip_prefix,
        ship_city,
        ship_region,
        ship_country,
        ordered_at,
        approved_at,
        shipped_at,
        delivered_at,
        promised_at
    from orders
    union all
    select
        orders_of_lines.order_id,
        orders_of_lines.customer_id,
        null,
        '{{ var("shop_currency") }}',
        null,
        null,
        null,
        orders_of_lines.ship_country,
        orders_of_lines.ordered_at,
        null,
        null,
        null,
        null
    from orders_of_lines
    left join orders
        on orders_of_lines.order_id = orders.order_id
    where orders.order_id is null
),

final as (
    select
        stated.order_id as order_key,
        stated.order_id,
        coalesce(customers.user_id, stated.customer_id) as customer_id,
        cast(null as varchar) as session_key,
        stated.status,
        stated.currency,
        stated.ordered_at,
        stated.approved_at,
        stated.shipped_at,
        stated.delivered_at,
        stated.promised_at,
        coalesce(stated.ship_country, customers.country) as country,
        coalesce(stated.ship_region, customers.region) as region,
        coalesce(stated.ship_city, customers.city) as city,
        cast(null as varchar) as device,
        cast(null as varchar) as channel,
        cast(null as varchar) as experiment_group
    from stated
    left join customers
        on stated.customer_id = customers.customer_id
)

select * from final
