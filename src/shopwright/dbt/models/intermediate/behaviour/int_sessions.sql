-- grain: one row per session, that is per user_key and session_start_at
-- The *_context columns hold step_number * 2^32 + context_key of the first event that states the thing, or
-- null.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'own_sessions', 'session_end': 'session_end_at'},
) }}

with

steps as (
    select
        *,
        cast(step_number as bigint) * 4294967296 + context_key as placed_context
    from {{ ref('int_event_steps') }}
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
        count(case when funnel_rank = 0 then 1 end) as page_view_count,
        count(case when funnel_rank = 1 then 1 end) as search_count,
        count(case when funnel_rank = 2 then 1 end) as product_view_count,
        count(case when funnel_rank = 3 then 1 end) as add_to_cart_count,
        count(case when funnel_rank = 4 then 1 end) as remove_from_cart_count,
        count(case when funnel_rank = 5 then 1 end) as begin_checkout_count,
        count(case when funnel_rank = 6 then 1 end) as purchase_count,
        coalesce(sum(case when funnel_rank = 6 then coalesce(quantity, 1) end), 0) as unit_count,
        {{ amount_sum(
            'case when funnel_rank = 6 then ' ~ amount('price * coalesce(quantity, 1)') ~ ' end'
        ) }} as gross_amount,
        min(case when funnel_rank = 2 then event_at end) as first_view_at,
        min(case when funnel_rank = 3 then event_at end) as first_cart_at,
        min(case when funnel_rank = 6 then event_at end) as first_purchase_at,
        min(case when context_key & 1 = 1 then placed_context end) as device_context,
        min(case when context_key & 2 = 2 then placed_context end) as country_context,
        min(case when context_key & 4 = 4 then placed_context end) as channel_context,
        min(case when context_key & 8 = 8 then placed_context end) as experiment_context
    from steps
    group by user_key, session_start_at
),

timed as (
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
        cast(unit_count as bigint) as unit_count,
        gross_amount,
        first_view_at,
        first_cart_at,
        first_purchase_at,
        device_context,
        country_context,
        channel_context,
        experiment_context,
        -- Judged by the session alone, so that a later session never rewrites an older one.
        -- A session that buys is never a bot's: the lines of one order come at one moment, and no rule may
        -- take revenue out of the figures.
        event_count >= {{ var('bot_min_events') }}
        and purchase_count = 0
        and (
            duration_seconds < (event_count - 1) * {{ var('bot_max_mean_gap_seconds') }}
            or (
                product_view_count >= {{ var('bot_min_idle_views') }}
                and add_to_cart_count = 0
            )
        ) as is_bot,
        cast({{ build_target() }} as integer) as _build_seq
    from timed
)

select * from final
