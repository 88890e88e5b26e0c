-- grain: one row per order in the source, as its own record or on its lines
-- A view: orders in the shape that fct_orders needs, for shops that have order data.
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

orders_from_lines as (
    select
        order_id,
        min(customer_id) as customer_id,
        min(ship_country) as ship_country,
        min(ordered_at) as ordered_at,
        {{ first_by('ordered_at_is_day', 'row(ordered_at, ordered_at_is_day)') }} as ordered_at_is_day
    from lines
    group by order_id
),

-- Some exports have order lines only; then the lines carry the date, the customer and the country.
all_orders as (
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
        ordered_at_is_day,
        approved_at,
        shipped_at,
        delivered_at,
        promised_at
    from orders
    union all
    select
        orders_from_lines.order_id,
        orders_from_lines.customer_id,
        null,
        '{{ var("shop_currency") }}',
        null,
        null,
        null,
        orders_from_lines.ship_country,
        orders_from_lines.ordered_at,
        orders_from_lines.ordered_at_is_day,
        null,
        null,
        null,
        null
    from orders_from_lines
    left join orders
        on orders_from_lines.order_id = orders.order_id
    where orders.order_id is null
),

final as (
    select
        all_orders.order_id as order_key,
        all_orders.order_id,
        coalesce(customers.user_id, all_orders.customer_id) as customer_id,
        cast(null as varchar) as session_key,
        all_orders.status,
        all_orders.currency,
        all_orders.ordered_at,
        all_orders.ordered_at_is_day,
        all_orders.approved_at,
        all_orders.shipped_at,
        all_orders.delivered_at,
        all_orders.promised_at,
        coalesce(all_orders.ship_country, customers.country) as country,
        coalesce(all_orders.ship_region, customers.region) as region,
        coalesce(all_orders.ship_city, customers.city) as city,
        cast(null as varchar) as device,
        cast(null as varchar) as channel,
        cast(null as varchar) as experiment_group
    from all_orders
    left join customers
        on all_orders.customer_id = customers.customer_id
)

select * from final
