-- grain: one row per date with an active user
-- A view: users who come into the window of 7 or 30 days that ends with the date and, as many days later as
-- it is long, leave it. Who is in it already does not come in, who comes back in time does not leave.
{{ config(materialized='view') }}

with

user_days as (
    select * from {{ ref('int_user_days') }}
),

counted as (
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
        sum(case when window_before = 7 then 0 else user_count end) as weekly_in,
        sum(case when window_after = 7 then 0 else user_count end) as weekly_out,
        sum(case when window_before in (7, 30) then 0 else user_count end) as monthly_in,
        sum(case when window_after in (7, 30) then 0 else user_count end) as monthly_out
    from counted
    group by active_date
)

select * from final
