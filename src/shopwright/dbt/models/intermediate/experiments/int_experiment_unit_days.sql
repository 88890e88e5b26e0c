-- grain: one row per experiment, unit and shop date with activity that counts
-- Sparse: a unit without a row on a date did nothing on it.
with

sessions as (
    select
        experiment,
        unit_key,
        activity_date,
        count(*) as session_count,
        count(case when has_view then 1 end) as view_session_count,
        count(case when has_cart then 1 end) as cart_session_count,
        count(case when has_checkout then 1 end) as checkout_session_count,
        count(case when has_purchase then 1 end) as purchase_session_count,
        count(case when has_cart and not has_purchase then 1 end) as abandoned_session_count
    from {{ ref('int_experiment_unit_sessions') }}
    where not is_pre_period
    group by experiment, unit_key, activity_date
),

purchases as (
    select
        experiment,
        unit_key,
        {{ shop_date('ordered_at') }} as activity_date,
        sum(order_count) as order_count,
        sum(unit_count) as unit_count,
        {{ complete_sum('revenue_amount') }} as revenue_amount,
        {{ complete_sum('returned_unit_count') }} as returned_unit_count,
        min(purchased_at) as first_purchase_at
    from {{ ref('int_experiment_unit_orders') }}
    group by experiment, unit_key, {{ shop_date('ordered_at') }}
),

final as (
    select
        coalesce(sessions.experiment, purchases.experiment) as experiment,
        coalesce(sessions.unit_key, purchases.unit_key) as unit_key,
        coalesce(sessions.activity_date, purchases.activity_date) as activity_date,
        cast(coalesce(sessions.session_count, 0) as integer) as session_count,
        cast(coalesce(sessions.view_session_count, 0) as integer) as view_session_count,
        cast(coalesce(sessions.cart_session_count, 0) as integer) as cart_session_count,
        cast(coalesce(sessions.checkout_session_count, 0) as integer) as checkout_session_count,
        cast(coalesce(sessions.purchase_session_count, 0) as integer) as purchase_session_count,
        cast(coalesce(sessions.abandoned_session_count, 0) as integer) as abandoned_session_count,
        cast(coalesce(purchases.order_count, 0) as integer) as order_count,
        {{ units('coalesce(purchases.unit_count, 0)') }} as unit_count,
        cast(
            case when purchases.unit_key is null then 0 else purchases.revenue_amount end as decimal(38, 4)
        ) as revenue_amount,
        {{ units('case when purchases.unit_key is null then ' ~ stated_by_orders('0', otherwise='null')
            ~ ' else purchases.returned_unit_count end') }} as returned_unit_count,
        purchases.first_purchase_at
    from sessions
    full outer join purchases
        on
            sessions.unit_key = purchases.unit_key
            and sessions.activity_date = purchases.activity_date
)

select * from final
