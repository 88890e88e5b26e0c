-- grain: one row per experiment, unit and order that counts for it
-- A view. For a user: the user's orders. For a session: its own purchase events, those with one order_id
-- together. Only what happens at or after the exposure and before the experiment's end; of an order that
-- knows its day only, what happens on the day of the exposure or later.
{{ config(materialized='view') }}

with

units as not materialized (
    select * from {{ ref('int_experiment_units') }}
),

orders as (
    select * from {{ ref('int_experiment_orders') }}
),

purchases as (
    select * from {{ ref('int_derived_order_lines') }}
),

orders_of_user_units as (
    select
        units.experiment,
        units.unit_key,
        orders.ordered_at,
        orders.purchased_at,
        orders.order_count,
        orders.unit_count,
        orders.revenue_amount,
        orders.returned_unit_count
    from units
    inner join orders
        on
            units.user_id = orders.customer_id
            and units.end_at > orders.ordered_at
    where
        units.unit_session_start_at is null
        and case
            when orders.ordered_at_is_day
                then {{ shop_date('units.exposed_at') }} <= {{ shop_date('orders.ordered_at') }}
            else units.exposed_at <= orders.ordered_at
        end
),

purchases_of_session_units as (
    select
        units.experiment,
        units.unit_key,
        purchases.order_key,
        min(purchases.booked_at) as ordered_at,
        sum(purchases.unit_count) as unit_count,
        {{ complete_sum('purchases.line_amount') }} as revenue_amount
    from units
    inner join purchases
        on
            units.user_key = purchases.user_key
            and units.unit_session_start_at = purchases.session_start_at
            and units.exposed_at <= purchases.booked_at
            and units.end_at > purchases.booked_at
    where units.unit_session_start_at is not null
    group by units.experiment, units.unit_key, purchases.order_key
),

final as (
    select * from orders_of_user_units
    union all
    select
        experiment,
        unit_key,
        ordered_at,
        ordered_at as purchased_at,
        1 as order_count,
        unit_count,
        revenue_amount,
        {{ units('null') }} as returned_unit_count
    from purchases_of_session_units
)

select * from final
