-- grain: one row per user in events
-- Sorted, like int_orders_nested, so that a full build writes full blocks.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'users'},
) }}

with

sessions as (
    select * from {{ ref('int_sessions') }}
    {% if is_incremental() %}
    where user_key in ({{ touched_users() }})
    {% endif %}
),

sessions_per_user as (
    select
        user_key,
        min(session_start_at) as first_seen_at,
        max(session_end_at) as last_seen_at,
        max(session_start_at) as last_session_at,
        count(*) as session_count,
        count(case when is_bot then 1 end) as bot_session_count,
        {{ first_by('experiment_context', 'session_start_at') }} as experiment_context,
        {{ amount_sum('gross_amount') }} as purchased_amount
    from sessions
    group by user_key
),

final as (
    select
        user_key,
        first_seen_at,
        last_seen_at,
        last_session_at,
        session_count,
        purchased_amount,
        {{ context_key('experiment_context') }} as experiment_context_key,
        bot_session_count * 2 > session_count as is_bot
    from sessions_per_user
)

select * from final
order by user_key
