-- grain: one row per user and active date
-- A session counts on every date it spans. Bot sessions are excluded unless the var include_bots is true.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'users'},
) }}

with

sessions as (
    select
        user_key,
        {{ shop_date('session_start_at') }} as first_date,
        {{ shop_date('session_end_at') }} as last_date
    from {{ ref('int_sessions') }}
    where
        {{ is_counted_session() }}
        {% if is_incremental() %}
        and user_key in ({{ touched_users() }})
        {% endif %}
),

session_dates as (
    select
        user_key,
        first_date as active_date
    from sessions
    union all
    select
        user_key,
        {{ date_series("first_date + interval '1 day'", 'last_date') }} as active_date
    from sessions
    where last_date > first_date
),

days as (
    select
        user_key,
        active_date
    from session_dates
    group by user_key, active_date
),

neighbours as (
    select
        user_key,
        active_date,
        lag(active_date) over by_date as previous_date,
        lead(active_date) over by_date as next_date
    from days
    window by_date as (partition by user_key order by active_date)
),

-- Small integers instead of dates: every build groups all rows by them.
final as (
    select
        user_key,
        active_date,
        cast(
            case
                when previous_date > active_date - 7 then 7
                when previous_date > active_date - 30 then 30
                when previous_date is not null then 0
            end as smallint
        ) as window_before,
        cast(
            case
                when next_date < active_date + 7 then 7
                when next_date < active_date + 30 then 30
                else 0
            end as smallint
        ) as window_after
    from neighbours
)

select * from final
