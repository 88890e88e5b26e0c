-- grain: one row per purchase event
-- Order lines for shops that have clickstream events but no orders. Purchases of a user with the same
-- order_id are one order; purchases without an order_id are one order per session.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'session_keys'},
) }}

with

purchase_events as (
    select * from {{ ref('int_sessionized_events') }}
    where
        {{ is_event('purchase') }}
        {% if is_incremental() %}and _build_seq > {{ processed_through() }}{% endif %}
),

sessions as (
    select * from {{ ref('int_sessions') }}
    where
        purchase_count > 0
        {% if is_incremental() %}and _build_seq > {{ processed_through() }}{% endif %}
),

user_keys as (
    select * from {{ ref('int_user_keys') }}
),

event_products as (
    select * from {{ ref('int_event_products') }}
),

contexts as (
    select * from {{ ref('int_event_contexts') }}
),

purchases as (
    select
        purchase_events.*,
        user_keys.user_id,
        {{ session_key('user_keys.user_id', 'purchase_events.session_start_at') }} as session_key,
        sessions.device_context,
        sessions.country_context,
        sessions.channel_context,
        sessions.experiment_context
    from purchase_events
    inner join sessions
        on
            purchase_events.user_key = sessions.user_key
            and purchase_events.session_start_at = sessions.session_start_at
    inner join user_keys
        on purchase_events.user_key = user_keys.user_key
),

final as (
    select
        coalesce(purchases.user_id || chr(31) || purchases.order_id, purchases.session_key) as order_key,
        coalesce(purchases.order_id, purchases.session_key) as order_id,
        purchases.user_id as customer_id,
        purchases.session_key,
        purchases.session_start_at,
        purchases.step_number,
        purchases.event_at as booked_at,
        countries.country,
        event_products.product_id,
        event_products.product_name,
        event_products.category,
        coalesce(purchases.quantity, 1) as unit_count,
        purchases.price as unit_price,
        purchases.line_amount,
        purchases.device_context,
        purchases.channel_context,
        purchases.experiment_context,
        purchases.user_key
    from purchases
    inner join event_products
        on purchases.event_product_key = event_products.event_product_key
    left join contexts as countries
        on {{ context_key('purchases.country_context') }} = countries.context_key
)

select * from final
