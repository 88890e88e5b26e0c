-- grain: one row per customer who ordered
-- A view: recency and tenure change for every customer with every load.
{{ config(materialized='view') }}

with

customers as (
    select * from {{ ref('int_customer_orders') }}
),

as_of as (
    select {{ as_of_date('max(order_date)') }} as as_of_date from {{ ref('fct_orders') }}
),

customers_as_of as (
    select
        customers.*,
        as_of.as_of_date,
        -- An order after as_of_date is a stray one. greatest(0, ...) would turn null into 0.
        case
            when as_of.as_of_date < {{ shop_date('customers.first_counted_at') }} then 0
            else as_of.as_of_date - {{ shop_date('customers.first_counted_at') }}
        end as tenure_days,
        case
            when as_of.as_of_date < {{ shop_date('customers.last_counted_at') }} then 0
            else as_of.as_of_date - {{ shop_date('customers.last_counted_at') }}
        end as recency_days,
        {{ average_order_value('customers.order_value_amount', 'customers.counted_order_count') }}
            as average_order_value
    from customers
    cross join as_of
),

final as (
    select
        customer_id,
        as_of_date,
        first_ordered_at,
        last_ordered_at,
        order_count,
        counted_order_count,
        canceled_order_count,
        gross_amount,
        return_amount,
        net_amount as historical_value_amount,
        {{ amount('net_amount - cost_amount') }} as margin_amount,
        average_order_value,
        cast(tenure_days as integer) as tenure_days,
        cast(recency_days as integer) as recency_days,
        -- A repeat rate needs a repeat order and enough time to observe it.
        case
            when counted_order_count >= 2 and tenure_days >= 90
                then
                    average_order_value * (counted_order_count - 1) / tenure_days
                    * {{ var("lifetime_value_horizon_days") }}
        end as projected_value_amount,
        '{{ var("shop_currency") }}' as currency
    from customers_as_of
)

select * from final
