-- grain: one row per experiment and user that did something in the days before the experiment's start
-- A view. The days are the same for every user and end before anybody is exposed: sessions that begin and
-- end in them, orders that are placed in them.
{{ config(materialized='view') }}

with

experiments as (
    select * from {{ ref('int_experiments') }}
    where pre_start_at is not null
),

exposures as not materialized (
    select
        exposures.unit_key,
        exposures.user_key,
        exposures.user_id,
        experiments.pre_start_at,
        experiments.start_at
    from {{ ref('int_experiment_exposures') }} as exposures
    inner join experiments
        on exposures.experiment = experiments.experiment
),

sessions as (
    select * from {{ ref('int_sessions') }}
    where {{ counts_in_rates() }}
),

orders as (
    select * from {{ ref('int_experiment_orders') }}
),

sessions_before as (
    select
        exposures.unit_key,
        count(*) as session_count,
        count(case when sessions.add_to_cart_count > 0 then 1 end) as cart_session_count
    from exposures
    inner join sessions
        on
            exposures.user_key = sessions.user_key
            and exposures.pre_start_at <= sessions.session_start_at
            and exposures.start_at > sessions.session_end_at
    group by exposures.unit_key
),

orders_before as (
    select
        exposures.unit_key,
        sum(orders.order_count) as order_count,
        sum(orders.unit_count) as unit_count,
        {{ money_sum('orders.revenue_amount') }} as revenue_amount
    from exposures
    inner join orders
        on
            exposures.user_id = orders.customer_id
            and exposures.pre_start_at <= orders.ordered_at
            and exposures.start_at > orders.ordered_at
    group by exposures.unit_key
),

final as (
    select
        coalesce(sessions_before.unit_key, orders_before.unit_key) as unit_key,
        coalesce(sessions_before.session_count, 0) as session_count,
        coalesce(sessions_before.cart_session_count, 0) as cart_session_count,
        coalesce(orders_before.order_count, 0) as order_count,
        coalesce(orders_before.unit_count, 0) as unit_count,
        coalesce(orders_before.revenue_amount, 0) as revenue_amount
    from sessions_before
    full outer join orders_before
        on sessions_before.unit_key = orders_before.unit_key
)

select * from final
