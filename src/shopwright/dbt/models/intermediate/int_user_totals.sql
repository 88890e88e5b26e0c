-- grain: one row per user seen in events
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

orders as (
    select * from {{ ref('int_orders') }}
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
        {{ money_sum('gross_amount') }} as lifetime_value_amount
    from sessions
    group by user_key
),

orders_per_user as (
    select
        user_key,
        count(*) as order_count
    from orders
    group by user_key
),

final as (
    select
        sessions_per_user.user_key,
        sessions_per_user.first_seen_at,
        sessions_per_user.last_seen_at,
        sessions_per_user.last_session_at,
        sessions_per_user.session_count,
        coalesce(orders_per_user.order_count, 0) as order_count,
        sessions_per_user.lifetime_value_amount,
        {{ context_key_of('sessions_per_user.experiment_context') }} as experiment_context_key,
        sessions_per_user.bot_session_count * 2 > sessions_per_user.session_count as is_bot
    from sessions_per_user
    left join orders_per_user
        on sessions_per_user.user_key = orders_per_user.user_key
)

select * from final
