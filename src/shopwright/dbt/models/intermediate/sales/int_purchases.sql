-- grain: one row per purchase event
-- Lines of orders, of a shop that sends clicks only. Purchases under one stated order_id of a user are one
-- order, those without are one order per session.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'session_keys'},
) }}

with

steps as (
    select * from {{ ref('int_event_steps') }}
    where
        funnel_rank = 6
        {% if is_incremental() %}and _build_seq > {{ processed_through() }}{% endif %}
),

sessions as (
    select * from {{ ref('int_sessions') }}
    where
        purchase_count > 0
        {% if is_incremental() %}and _build_seq > {{ processed_through() }}{% endif %}
),

visitors as (
    select * from {{ ref('int_visitors') }}
),

items as (
    select * from {{ ref('int_items') }}
),

contexts as (
    select * from {{ ref('int_contexts') }}
),

purchases as (
    select
        steps.*,
        visitors.user_id,
        {{ session_key('visitors.user_id', 'steps.session_start_at') }} as session_key,
        sessions.device_context,
        sessions.country_context,
        sessions.channel_context,
        sessions.experiment_context
    from steps
    inner join sessions
        on
            steps.user_key = sessions.user_key
            and steps.session_start_at = sessions.session_start_at
    inner join visitors
        on steps.user_key = visitors.user_key
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
        items.product_id,
        items.product_name,
        items.category,
        coalesce(purchases.quantity, 1) as unit_count,
        coalesce(purchases.price, 0) as unit_price,
        {{ amount('coalesce(purchases.price, 0) * coalesce(purchases.quantity, 1)') }} as line_amount,
        purchases.device_context,
        purchases.channel_context,
        purchases.experiment_context,
        purchases.user_key
    from purchases
    inner join items
        on purchases.item_key = items.item_key
    left join contexts as countries
        on {{ context_key_of('purchases.country_context') }} = countries.context_key
)

select * from final
