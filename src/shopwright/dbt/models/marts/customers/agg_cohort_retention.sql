-- grain: one row per cohort month and period, from 0 to the last month in the data
-- A customer belongs to the month of their first counted order. A period without orders is a row of zeros.
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
        {{ known_money_sum('order_value_amount') }} as order_value_amount
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

cohort_months as (
    select
        cohorts.cohort_month,
        cohorts.cohort_customer_count,
        {{ month_series('cohorts.cohort_month', 'bounds.last_month') }} as order_month
    from cohorts
    cross join bounds
),

cohort_periods as (
    select
        cohort_months.*,
        (extract(year from cohort_months.order_month) - extract(year from cohort_months.cohort_month)) * 12
        + extract(month from cohort_months.order_month) - extract(month from cohort_months.cohort_month)
            as period_number,
        coalesce(activity.active_customer_count, 0) as active_customer_count,
        coalesce(activity.order_count, 0) as order_count,
        case when activity.order_month is null then 0 else activity.order_value_amount end
            as order_value_amount
    from cohort_months
    left join activity
        on
            cohort_months.cohort_month = activity.cohort_month
            and cohort_months.order_month = activity.order_month
),

final as (
    select
        cohort_periods.cohort_month,
        cast(cohort_periods.period_number as integer) as period_number,
        cohort_periods.order_month,
        cast(cohort_periods.order_month + interval '1 month' - interval '1 day' as date) <= bounds.as_of_date
            as is_complete,
        cast(cohort_periods.cohort_customer_count as bigint) as cohort_customer_count,
        cast(cohort_periods.active_customer_count as bigint) as active_customer_count,
        {{ safe_divide('cohort_periods.active_customer_count', 'cohort_periods.cohort_customer_count') }}
            as retention_rate,
        cast(cohort_periods.order_count as bigint) as order_count,
        cast(cohort_periods.order_value_amount as decimal(38, 4)) as order_value_amount,
        {{ safe_divide('cohort_periods.order_value_amount', 'cohort_periods.cohort_customer_count') }}
            as value_per_cohort_customer,
        '{{ var("shop_currency") }}' as currency
    from cohort_periods
    cross join bounds
)

select * from final
