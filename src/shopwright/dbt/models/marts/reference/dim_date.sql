-- grain: one row per calendar date of the full years that the data covers
with

active_dates as (
    select activity_date as date_day from {{ ref('fct_daily_engagement') }}
    union all
    select order_date from {{ ref('fct_revenue') }}
    union all
    select order_date from {{ ref('fct_orders') }}
),

bounds as (
    select
        cast(date_trunc('year', min(date_day)) as date) as first_date,
        cast(date_trunc('year', max(date_day)) + interval '1 year' - interval '1 day' as date) as last_date
    from active_dates
),

days as (
    select {{ date_series('first_date', 'last_date') }} as date_day
    from bounds
    where first_date is not null
),

final as (
    select
        date_day,
        cast(extract(year from date_day) as integer) as year_number,
        cast(extract(quarter from date_day) as integer) as quarter_number,
        cast(extract(month from date_day) as integer) as month_number,
        cast(extract(day from date_day) as integer) as day_of_month,
        cast(extract(isodow from date_day) as integer) as day_of_week,
        cast(extract(week from date_day) as integer) as iso_week,
        cast(date_trunc('week', date_day) as date) as week_start_date,
        cast(date_trunc('month', date_day) as date) as month_start_date,
        extract(isodow from date_day) >= 6 as is_weekend
    from days
)

select * from final
