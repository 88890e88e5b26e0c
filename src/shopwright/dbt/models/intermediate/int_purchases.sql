-- grain: one row per purchase event
-- A shop that sends clicks only has its orders here: purchases under one stated order_id of a user are one
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
        {% if is_incremental() %}
        and _build_seq > {{ processed_through() }}
        {% endif %}
),

sessions as (
    select * from {{ ref('int_sessions') }}
    where
        purchase_count > 0
        {% if is_incremental() %}
        and _build_seq > {{ processed_through() }}
        {% endif %}
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

final as (
    select
        steps.user_key,
        visitors.user_id,
        {{ session_key('visitors.user_id', 'steps.session_start_at') }} as session_key,
        coalesce(
            steps.order_id, {{ session_key('visitors.user_id', 'steps.session_start_at') }}
        ) as order_id,
        steps.order_id is not null as is_order_stated,
        steps.session_start_at,
        steps.step_number,
        steps.event_at,
        items.product_key,
        items.category,
        coalesce(steps.quantity, 1) as unit_count,
        cast(steps.price * coalesce(steps.quantity, 1) as decimal(38, 4)) as gross_amount,
        countries.country,
        sessions.is_bot
    from steps
    inner join sessions
        on
            steps.user_key = sessions.user_key
            and steps.session_start_at = sessions.session_start_at
    inner join visitors
        on steps.user_key = visitors.user_key
    inner join items
        on steps.item_key = items.item_key
    left join contexts as countries
        on {{ context_key_of('sessions.country_context') }} = countries.context_key
)

select * from final
