-- grain: one row per event, assigned to its session
{{ config(materialized='view') }}

with

session_events as (
    select * from {{ ref('int_sessionized_events') }}
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

final as (
    select
        user_keys.user_id,
        session_events.event_at,
        session_events.session_start_at,
        session_events.step_number,
        {{ event_type_of('session_events.funnel_rank') }} as event_type,
        event_products.product_id,
        event_products.category,
        event_products.brand,
        session_events.price,
        session_events.quantity,
        case
            when {{ is_event('purchase', 'session_events.funnel_rank') }}
                then session_events.line_amount
        end as gross_amount,
        session_events.order_id,
        contexts.device,
        contexts.country,
        contexts.channel,
        contexts.experiment_group,
        session_events.seconds_since_previous,
        session_events.source_event_id,
        session_events.user_key,
        session_events._batch_seq,
        session_events._build_seq
    from session_events
    inner join user_keys
        on session_events.user_key = user_keys.user_key
    inner join event_products
        on session_events.event_product_key = event_products.event_product_key
    inner join contexts
        on session_events.context_key = contexts.context_key
)

select * from final
