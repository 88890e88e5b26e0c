-- Orders and net amounts of customers, months and '(all)' rows equal those of fct_orders, and categories
-- add up to
-- the total.
with

orders as (
    select
        count(*) as order_count,
        count(case when customer_id is not null then 1 end) as known_order_count,
        {{ money_sum('net_amount') }} as net_amount,
        {{ money_sum('case when customer_id is not null then net_amount end') }} as known_net_amount,
        {{ money_sum('case when customer_id is not null then order_value_amount end') }} as known_value_amount
    from {{ ref('fct_orders') }}
),

kpi as (
    select
        coalesce(sum(case when category = '(all)' then order_count end), 0) as order_count,
        {{ money_sum("case when category = '(all)' then net_amount end") }} as net_amount,
        {{ money_sum("case when category <> '(all)' then net_amount end") }} as net_amount_of_categories
    from {{ ref('agg_sales_kpi') }}
),

customers as (
    select
        coalesce(sum(order_count), 0) as order_count,
        {{ money_sum('historical_value_amount') }} as net_amount
    from {{ ref('fct_customer_ltv') }}
),

cohorts as (
    select {{ money_sum('order_value_amount') }} as order_value_amount
    from {{ ref('agg_cohort_retention') }}
)

select
    orders.*,
    kpi.order_count as kpi_order_count,
    kpi.net_amount as kpi_net_amount,
    kpi.net_amount_of_categories,
    customers.order_count as customer_order_count,
    customers.net_amount as customer_net_amount,
    cohorts.order_value_amount as cohort_value_amount
from orders
cross join kpi
cross join customers
cross join cohorts
where
    orders.order_count <> kpi.order_count
    or orders.net_amount <> kpi.net_amount
    or orders.net_amount <> kpi.net_amount_of_categories
    or orders.known_order_count <> customers.order_count
    or orders.known_net_amount <> customers.net_amount
    or orders.known_value_amount <> cohorts.order_value_amount
