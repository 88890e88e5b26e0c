-- grain: one row per session and category with a product view, an add-to-cart or a purchase
-- A view: fct_funnel reads only the dates it needs. category_key is the lowest event_product_key of the
-- category.
{{ config(materialized='view') }}

with

session_events as (
    select
        *,
        {{ shop_date('session_start_at') }} as session_date
    from {{ ref('int_sessionized_events') }}
    where {{ is_event('product_view') }} or {{ is_event('add_to_cart') }} or {{ is_event('purchase') }}
),

event_products as (
    select
        event_product_key,
        min(event_product_key) over (partition by category) as category_key
    from {{ ref('int_event_products') }}
),

final as (
    select
        session_events.user_key,
        session_events.session_start_at,
        session_events.session_date,
        event_products.category_key,
        min(
            case
                when {{ is_event('product_view', 'session_events.funnel_rank') }}
                    then session_events.event_at
            end
        ) as first_view_at,
        min(
            case
                when {{ is_event('add_to_cart', 'session_events.funnel_rank') }}
                    then session_events.event_at
            end
        ) as first_cart_at,
        min(
            case
                when {{ is_event('purchase', 'session_events.funnel_rank') }}
                    then session_events.event_at
            end
        ) as first_purchase_at
    from session_events
    inner join event_products
        on session_events.event_product_key = event_products.event_product_key
    group by
        session_events.user_key, session_events.session_start_at, session_events.session_date,
        event_products.category_key
)

select * from final
