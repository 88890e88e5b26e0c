-- grain: one row per experiment and user with activity in the days before the start (the pre-period)
-- A view. The pre-period is the same for every user and ends before anybody is exposed: sessions that begin
-- and end in it, orders by the sales and discounts that are booked in it. A covariate must not depend on the
-- treatment, so an order counts as it was placed: a later cancellation or return may be caused by the
-- treatment.
{{ config(materialized='view') }}

with

units as not materialized (
    select * from {{ ref('int_experiment_units') }}
),

sessions as (
    select * from {{ ref('int_experiment_unit_sessions') }}
    where is_pre_period
),

lines as not materialized (
    select * from {{ ref('int_order_lines') }}
    where kind in ('sale', 'discount')
),

-- An order that knows its day only may belong to the experiment, if that starts on the day.
day_orders as (
    select
        order_key,
        order_date
    from {{ ref('fct_orders') }}
    where ordered_at_is_day
),

sessions_per_unit as (
    select
        unit_key,
        count(*) as session_count,
        count(case when has_cart then 1 end) as cart_session_count
    from sessions
    group by unit_key
),

orders as (
    select
        units.unit_key,
        lines.order_key,
        sum(case when lines.kind = 'sale' then lines.unit_count else 0 end) as unit_count,
        sum(lines.gross_amount - coalesce(lines.discount_amount, 0)) as revenue_amount
    from units
    inner join lines
        on
            units.user_id = lines.customer_id
            and units.pre_start_at <= lines.booked_at
            and units.start_at > lines.booked_at
    left join day_orders
        on lines.order_key = day_orders.order_key
    where day_orders.order_key is null or day_orders.order_date < {{ shop_date('units.start_at') }}
    group by units.unit_key, lines.order_key
    having count(case when lines.kind = 'sale' then 1 end) > 0
),

orders_per_unit as (
    select
        unit_key,
        count(*) as order_count,
        sum(unit_count) as unit_count,
        {{ complete_sum('revenue_amount') }} as revenue_amount
    from orders
    group by unit_key
),

final as (
    select
        coalesce(sessions_per_unit.unit_key, orders_per_unit.unit_key) as unit_key,
        coalesce(sessions_per_unit.session_count, 0) as session_count,
        coalesce(sessions_per_unit.cart_session_count, 0) as cart_session_count,
        coalesce(orders_per_unit.order_count, 0) as order_count,
        coalesce(orders_per_unit.unit_count, 0) as unit_count,
        case when orders_per_unit.unit_key is null then 0 else orders_per_unit.revenue_amount end
            as revenue_amount
    from sessions_per_unit
    full outer join orders_per_unit
        on sessions_per_unit.unit_key = orders_per_unit.unit_key
)

select * from final
