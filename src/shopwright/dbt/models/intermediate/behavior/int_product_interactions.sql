-- grain: one row per session and product
-- A view: no gold table needs all rows, and there are almost as many as product views.
{{ config(materialized='view') }}

with

session_events as (
    select * from {{ ref('int_sessionized_events') }}
),

event_products as (
    select * from {{ ref('int_event_products') }}
    where product_key is not null
),

user_keys as (
    select * from {{ ref('int_user_keys') }}
),

product_events as (
    select
        session_events.*,
        event_products.product_key
    from session_events
    inner join event_products
        on session_events.event_product_key = event_products.event_product_key
),

interactions as (
    select
        user_key,
        session_start_at,
        product_key,
        count(case when {{ is_event('product_view') }} then 1 end) as product_view_count,
        count(case when {{ is_event('add_to_cart') }} then 1 end) as add_to_cart_count,
        count(case when {{ is_event('remove_from_cart') }} then 1 end) as remove_from_cart_count,
        count(case when {{ is_event('purchase') }} then 1 end) as purchase_count,
        coalesce(sum(case when {{ is_event('purchase') }} then coalesce(quantity, 1) end), 0) as unit_count,
        {{ purchased_amount() }} as gross_amount,
        min(event_at) as first_at,
        {{ first_by('event_product_key', 'step_number') }} as first_item_key
    from product_events
    group by user_key, session_start_at, product_key
),

final as (
    select
        {{ session_key('user_keys.user_id', 'interactions.session_start_at') }} as session_key,
        user_keys.user_id,
        event_products.product_id,
        event_products.category,
        event_products.brand,
        interactions.session_start_at,
        interactions.first_at,
        interactions.product_view_count,
        interactions.add_to_cart_count,
        interactions.remove_from_cart_count,
        interactions.purchase_count,
        interactions.unit_count,
        interactions.gross_amount
    from interactions
    inner join user_keys
        on interactions.user_key = user_keys.user_key
    inner join event_products
        on interactions.first_item_key = event_products.event_product_key
)

select * from final
