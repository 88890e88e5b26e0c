-- grain: one row per experiment and user that did something in the days before the experiment's start
-- A view. The days are the same for every user and end before anybody is exposed: sessions that begin and
-- end in them, orders by the sales and discounts that are booked in them. A covariate must not depend on the
-- treatment, so an order counts as it was placed: what becomes of it later, canceled or returned, may be the
-- treatment's doing.
{{ config(materialized='view') }}

with

exposures as not materialized (
    select * from {{ ref('int_experiment_exposures') }}
),

sessions as (
    select * from {{ ref('int_experiment_sessions') }}
    where is_before
),

lines as not materialized (
    select * from {{ ref('int_order_lines') }}
    where kind in ('sale', 'discount')
),

sessions_before as (
    select
        unit_key,
        count(*) as session_count,
        count(case when has_cart then 1 end) as cart_session_count
    from sessions
    group by unit_key
),

orders as (
    select
        exposures.unit_key,
        lines.order_key,
        sum(case when lines.kind = 'sale' then lines.unit_count else 0 end) as unit_count,
        sum(lines.gross_amount - lines.discount_amount) as revenue_amount
    from exposures
    inner join lines
        on
            exposures.user_id = lines.customer_id
            and exposures.pre_start_at <= lines.booked_at
            and exposures.start_at > lines.booked_at
    group by exposures.unit_key, lines.order_key
    having count(case when lines.kind = 'sale' then 1 end) > 0
),

orders_before as (
    select
        unit_key,
        count(*) as order_count,
        sum(unit_count) as unit_count,
        {{ money_sum('revenue_amount') }} as revenue_amount
    from orders
    group by unit_key
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
