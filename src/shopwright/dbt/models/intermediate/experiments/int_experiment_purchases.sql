-- grain: one row per experiment, unit and order that counts for it
-- A view. Of a user, its orders; of a session, its own purchase events, those under one order_id together.
-- Only what comes at or after the exposure and before the experiment's end.
{{ config(materialized='view') }}

with

exposures as not materialized (
    select * from {{ ref('int_experiment_exposures') }}
),

orders as (
    select * from {{ ref('int_experiment_orders') }}
),

purchases as (
    select * from {{ ref('int_purchases') }}
),

orders_of_users as (
    select
        exposures.experiment,
        exposures.unit_key,
        orders.ordered_at,
        orders.purchased_at,
        orders.order_count,
        orders.unit_count,
        orders.revenue_amount,
        orders.returned_unit_count
    from exposures
    inner join orders
        on
            exposures.user_id = orders.customer_id
            and exposures.exposed_at <= orders.ordered_at
            and exposures.end_at > orders.ordered_at
    where exposures.unit_session_start_at is null
),

purchases_of_sessions as (
    select
        exposures.experiment,
        exposures.unit_key,
        purchases.order_key,
        min(purchases.booked_at) as ordered_at,
        sum(purchases.unit_count) as unit_count,
        {{ money_sum('purchases.line_amount') }} as revenue_amount
    from exposures
    inner join purchases
        on
            exposures.user_key = purchases.user_key
            and exposures.unit_session_start_at = purchases.session_start_at
            and exposures.exposed_at <= purchases.booked_at
            and exposures.end_at > purchases.booked_at
    where exposures.unit_session_start_at is not null
    group by exposures.experiment, exposures.unit_key, purchases.order_key
),

final as (
    select * from orders_of_users
    union all
    select
        experiment,
        unit_key,
        ordered_at,
        ordered_at as purchased_at,
        1 as order_count,
        unit_count,
        revenue_amount,
        0 as returned_unit_count
    from purchases_of_sessions
)

select * from final
