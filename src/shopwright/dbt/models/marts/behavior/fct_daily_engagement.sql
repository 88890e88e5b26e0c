-- grain: one row per date, from the first active date to the last
-- A user is active in the 7 or 30 days that end with the date. int_active_user_changes counts who enters
-- and who leaves a window, so a window costs two running sums instead of a distinct count, and counts no
-- user twice.
with

sessions as (
    select * from {{ ref('fct_sessions') }}
),

user_changes as (
    select * from {{ ref('int_active_user_changes') }}
),

sessions_per_day as (
    select
        session_date as activity_date,
        max({{ shop_date('session_end_at') }}) as last_date,
        count(case when {{ is_counted_session() }} then 1 end) as session_count,
        coalesce(sum(case when {{ is_counted_session() }} then event_count end), 0) as event_count,
        count(case when is_bot then 1 end) as bot_session_count
    from sessions
    group by session_date
),

bounds as (
    select
        min(activity_date) as first_date,
        max(last_date) as last_date
    from sessions_per_day
),

calendar as (
    select {{ date_series('first_date', 'last_date') }} as activity_date
    from bounds
    where first_date is not null
),

changes as (
    select
        calendar.activity_date,
        coalesce(user_changes.daily_active_users, 0) as daily_active_users,
        coalesce(user_changes.new_users, 0) as new_users,
        coalesce(user_changes.weekly_entering_users, 0) - coalesce(week_before.weekly_leaving_users, 0)
            as weekly_change,
        coalesce(user_changes.monthly_entering_users, 0) - coalesce(month_before.monthly_leaving_users, 0)
            as monthly_change
    from calendar
    left join user_changes
        on calendar.activity_date = user_changes.activity_date
    left join user_changes as week_before
        on calendar.activity_date = week_before.activity_date + 7
    left join user_changes as month_before
        on calendar.activity_date = month_before.activity_date + 30
),

running as (
    select
        *,
        sum(weekly_change) over (order by activity_date rows unbounded preceding) as weekly_active_users,
        sum(monthly_change) over (order by activity_date rows unbounded preceding) as monthly_active_users,
        row_number() over (order by activity_date) as days_of_data
    from changes
),

final as (
    select
        running.activity_date,
        cast(running.daily_active_users as bigint) as daily_active_users,
        cast(running.weekly_active_users as bigint) as weekly_active_users,
        cast(running.monthly_active_users as bigint) as monthly_active_users,
        cast(least(running.days_of_data, 7) as integer) as weekly_window_days,
        cast(least(running.days_of_data, 30) as integer) as monthly_window_days,
        cast(running.new_users as bigint) as new_users,
        cast(running.daily_active_users - running.new_users as bigint) as returning_users,
        cast(coalesce(sessions_per_day.session_count, 0) as bigint) as session_count,
        cast(coalesce(sessions_per_day.event_count, 0) as bigint) as event_count,
        cast(coalesce(sessions_per_day.bot_session_count, 0) as bigint) as bot_session_count,
        cast(running.daily_active_users as double precision)
        / nullif(running.monthly_active_users, 0) as stickiness_rate
    from running
    left join sessions_per_day
        on running.activity_date = sessions_per_day.activity_date
)

select * from final
