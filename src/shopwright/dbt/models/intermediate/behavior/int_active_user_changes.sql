-- grain: one row per date with an active user
-- A view. Counts the users who enter the window of 7 or 30 days that ends with the date, and those who
-- leave it 7 or 30 days later. A user already in the window does not enter it; a user who returns in time
-- does not leave it.
{{ config(materialized='view') }}

with

user_days as (
    select * from {{ ref('int_user_days') }}
),

users_per_window as (
    select
        active_date,
        window_before,
        window_after,
        count(*) as user_count
    from user_days
    group by active_date, window_before, window_after
),

final as (
    select
        active_date as activity_date,
        sum(user_count) as daily_active_users,
        sum(case when window_before is null then user_count else 0 end) as new_users,
        sum(case when window_before = 7 then 0 else user_count end) as weekly_entering_users,
        sum(case when window_after = 7 then 0 else user_count end) as weekly_leaving_users,
        sum(case when window_before in (7, 30) then 0 else user_count end) as monthly_entering_users,
        sum(case when window_after in (7, 30) then 0 else user_count end) as monthly_leaving_users
    from users_per_window
    group by active_date
)

select * from final
