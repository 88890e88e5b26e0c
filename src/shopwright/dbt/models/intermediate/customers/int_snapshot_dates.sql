-- grain: one row per date at which customers are scored
-- A view: the first day of each month with orders, to train on, and the day after the last complete date,
-- to score current customers.
{{ config(materialized='view') }}

with

orders as (
    select * from {{ ref('fct_orders') }}
),

bounds as (
    select
        cast(date_trunc('month', min(order_date)) as date) as first_month,
        {{ as_of_date('max(order_date)') }} as as_of_date
    from orders
),

months as (
    select
        {{ month_series('first_month', 'as_of_date') }} as snapshot_date,
        as_of_date
    from bounds
    where first_month is not null
),

final as (
    select
        snapshot_date,
        as_of_date
    from months
    union
    select
        as_of_date + 1,
        as_of_date
    from bounds
    where as_of_date is not null
)

select * from final
