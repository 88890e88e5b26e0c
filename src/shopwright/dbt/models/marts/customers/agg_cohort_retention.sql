-- grain: one row per cohort month and period, from 0 to the last month in the data
-- A customer belongs to the month of their first counted order. A period without any order is a row of zeros.
with

customer_months as (
    select * from {{ ref('int_customer_months') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

bounds as (
    select
        {{ as_of_date('max(order_date)') }} as as_of_date,
        cast(date_trunc('month', max(order_date)) as date) as last_month
    from orders
),

activity as (
    select
        cohort_month,
        order_month,
        count(*) as active_customer_count,
        sum(order_count) as order_count,
        {{ money_sum('order_value_amount') }} as order_value_amount
    from customer_months
    group by cohort_month, order_month
),

cohorts as (
    select
        cohort_month,
        active_customer_count as cohort_customer_count
    from activity
    where order_month = cohort_month
),

grid as (
    select
        cohorts.cohort_month,
        cohorts.cohort_customer_count,
        {{ each_month('cohorts.cohort_month', 'bounds.last_month') }} as order_month
    from cohorts
    cross join bounds
),

placed as (
    select
        grid.*,
        (extract(year from grid.order_month) - extract(year from grid.cohort_month)) * 12
        + extract(month from grid.order_month) - extract(month from grid.cohort_month) as period_number,
        coalesce(activity.active_customer_count, 0) as active_customer_count,
        coalesce(activity.order_count, 0) as order_count,
        coalesce(activity.order_value_amount, 0) as order_value_amount
    from grid
    left join activity
        on
            grid.cohort_month = activity.cohort_month
            and grid.order_month = activity.order_month
),

final as (
    select
        placed.cohort_month,
        cast(placed.period_number as integer) as period_number,
        placed.order_month,
        cast(placed.order_month + interval '1 month' - interval '1 day' as date) <= bounds.as_of_date
            as is_complete,
        cast(placed.cohort_customer_count as bigint) as cohort_customer_count,
        cast(placed.active_customer_count as bigint) as active_customer_count,
        {{ rate('placed.active_customer_count', 'placed.cohort_customer_count') }} as retention_rate,
        cast(placed.order_count as bigint) as order_count,
        cast(placed.order_value_amount as decimal(38, 4)) as order_value_amount,
        {{ rate('placed.order_value_amount', 'placed.cohort_customer_count') }} as value_per_cohort_customer,
        '{{ var("shop_currency") }}' as currency
    from placed
    cross join bounds
)

select * from final
