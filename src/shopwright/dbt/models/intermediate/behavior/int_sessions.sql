-- grain: one row per session: user_key and session_start_at
-- The *_context columns hold step_number * 2^32 + context_key of the first event that has the value, or
-- null.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'own_sessions', 'session_end': 'session_end_at'},
) }}

with

session_events as (
    select
        *,
        cast(step_number as bigint) * 4294967296 + context_key as step_context
    from {{ ref('int_sessionized_events') }}
    {% if is_incremental() %}
    where _build_seq > {{ processed_through() }}
    {% endif %}
),

sessions as (
    select
        user_key,
        session_start_at,
        max(event_at) as session_end_at,
        count(*) as event_count,
        max(step_number) as last_step_number,
        count(case when {{ is_event('page_view') }} then 1 end) as page_view_count,
        count(case when {{ is_event('search') }} then 1 end) as search_count,
        count(case when {{ is_event('product_view') }} then 1 end) as product_view_count,
        count(case when {{ is_event('add_to_cart') }} then 1 end) as add_to_cart_count,
        count(case when {{ is_event('remove_from_cart') }} then 1 end) as remove_from_cart_count,
        count(case when {{ is_event('begin_checkout') }} then 1 end) as begin_checkout_count,
        count(case when {{ is_event('purchase') }} then 1 end) as purchase_count,
        count(case when {{ is_event('other') }} then 1 end) as other_count,
        coalesce(sum(case when {{ is_event('purchase') }} then coalesce(quantity, 1) end), 0) as unit_count,
        {{ purchased_amount() }} as gross_amount,
        min(case when {{ is_event('product_view') }} then event_at end) as first_view_at,
        min(case when {{ is_event('add_to_cart') }} then event_at end) as first_cart_at,
        min(case when {{ is_event('purchase') }} then event_at end) as first_purchase_at,
        min(case when context_key & 1 = 1 then step_context end) as device_context,
        min(case when context_key & 2 = 2 then step_context end) as country_context,
        min(case when context_key & 4 = 4 then step_context end) as channel_context,
        min(case when context_key & 8 = 8 then step_context end) as experiment_context
    from session_events
    group by user_key, session_start_at
),

sessions_with_duration as (
    select
        *,
        {{ seconds_between('session_start_at', 'session_end_at') }} as duration_seconds
    from sessions
),

final as (
    select
        user_key,
        session_start_at,
        session_end_at,
        duration_seconds,
        cast(event_count as integer) as event_count,
        last_step_number,
        cast(page_view_count as integer) as page_view_count,
        cast(search_count as integer) as search_count,
        cast(product_view_count as integer) as product_view_count,
        cast(add_to_cart_count as integer) as add_to_cart_count,
        cast(remove_from_cart_count as integer) as remove_from_cart_count,
        cast(begin_checkout_count as integer) as begin_checkout_count,
        cast(purchase_count as integer) as purchase_count,
        cast(other_count as integer) as other_count,
        cast(unit_count as bigint) as unit_count,
        gross_amount,
        first_view_at,
        first_cart_at,
        first_purchase_at,
        device_context,
        country_context,
        channel_context,
        experiment_context,
        -- The rule looks at this session alone, so that a later session never changes an earlier one.
        -- Events of other types may come from the page itself, however fast.
        {{ is_bot_session(
            '(event_count - other_count)', 'duration_seconds', 'purchase_count', 'product_view_count', 'add_to_cart_count'
        ) }} as is_bot,
        cast({{ build_target() }} as integer) as _build_seq
    from sessions_with_duration
)

select * from final
