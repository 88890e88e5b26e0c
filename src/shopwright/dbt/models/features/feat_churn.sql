-- grain: one row per snapshot date and active customer
-- A view, since it is read only to train and to score.
{{ config(materialized='view') }}

with

features as (
    select * from {{ ref('agg_churn_features') }}
),

orders as (
    select * from {{ ref('int_orders_as_placed') }}
),

-- BTYD models need all days with an order, however long ago.
order_days as (
    select
        features.snapshot_date,
        features.customer_id,
        count(distinct orders.order_date) as order_day_count
    from features
    inner join orders
        on
            features.customer_id = orders.customer_id
            and features.snapshot_date > orders.order_date
    group by features.snapshot_date, features.customer_id
),

final as (
    select
        features.*,
        order_days.order_day_count,
        {{ safe_divide('features.recency_days', 'features.tenure_days') }} as silent_share,
        {{ safe_divide('features.tenure_days - features.recency_days', 'order_days.order_day_count - 1') }}
            as mean_days_between_orders,
        {{ safe_divide('features.recency_days * order_days.order_day_count', 'features.tenure_days') }}
            as missed_order_count,
        -- Plus a month, so that a customer since yesterday does not get an extreme rate.
        {{ safe_divide('30 * order_days.order_day_count', 'features.tenure_days + 30') }}
            as order_days_per_month,
        cast(features.snapshot_date + {{ var("churn_horizon_days") }} as timestamp) as known_at
    from features
    inner join order_days
        on
            features.snapshot_date = order_days.snapshot_date
            and features.customer_id = order_days.customer_id
)

select
    snapshot_date,
    customer_id,
    known_at,
    recency_days,
    tenure_days,
    order_day_count,
    silent_share,
    mean_days_between_orders,
    missed_order_count,
    order_days_per_month,
    order_count_180d,
    cast(order_value_amount_180d as double precision) as order_value_180d,
    cast(freight_amount_180d as double precision) as freight_180d,
    unit_count_180d,
    category_count_180d,
    average_order_value_180d,
    delivered_count_180d,
    mean_delivery_days,
    mean_days_late,
    late_delivery_count_180d,
    review_count_180d,
    mean_review_score,
    lowest_review_score,
    mean_installments,
    card_order_count_180d,
    voucher_order_count_180d,
    is_churned
from final
