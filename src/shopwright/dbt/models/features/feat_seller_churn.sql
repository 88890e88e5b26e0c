-- grain: one row per snapshot date and active seller
-- Active: a sale in the `seller_churn_active_days` before; at most 180, as features look back 180 days.
-- Uses only what was known at midnight of the date: lines sold, deliveries made, reviews written before it.
-- A view, since it is read only to train and to score.
{{ config(materialized='view') }}

with

snapshots as (
    select * from {{ ref('int_snapshot_dates') }}
),

sales as (
    select
        order_key,
        seller_id,
        category,
        booked_date,
        unit_count,
        gross_amount - coalesce(discount_amount, 0) as value_amount,
        is_first_of_seller
    from {{ ref('int_order_lines') }}
    where
        kind = 'sale'
        and seller_id is not null
),

orders as (
    select * from {{ ref('int_orders_as_placed') }}
),

first_sales as (
    select
        seller_id,
        min(booked_date) as first_sale_date
    from sales
    group by seller_id
),

recent_sales as (
    select
        snapshots.snapshot_date,
        sales.*,
        orders.delivered_date < snapshots.snapshot_date as is_delivery_known,
        orders.reviewed_date < snapshots.snapshot_date as is_review_known,
        orders.delivery_days,
        orders.days_late,
        orders.review_score
    from snapshots
    inner join sales
        on
            snapshots.snapshot_date > sales.booked_date
            and snapshots.snapshot_date - 180 <= sales.booked_date
    left join orders
        on sales.order_key = orders.order_key
),

features as (
    select
        snapshot_date,
        seller_id,
        snapshot_date - max(booked_date) as recency_days,
        count(distinct order_key) as order_count_180d,
        count(distinct case when booked_date >= snapshot_date - 90 then order_key end) as order_count_90d,
        count(distinct case when booked_date >= snapshot_date - 30 then order_key end) as order_count_30d,
        count(distinct booked_date) as sale_day_count_180d,
        {{ units('sum(unit_count)') }} as unit_count_180d,
        cast(sum(value_amount) as double precision) as value_180d,
        {{ safe_divide('sum(value_amount)', 'sum(unit_count)') }} as mean_unit_price_180d,
        count(distinct category) as category_count_180d,
        {{ mean('case when is_delivery_known then delivery_days end') }} as mean_delivery_days,
        {{ mean('case when is_delivery_known then days_late end') }} as mean_days_late,
        count(case when is_review_known then review_score end) as review_count_180d,
        {{ mean('case when is_review_known then review_score end') }} as mean_review_score
    from recent_sales
    group by snapshot_date, seller_id
),

next_sales as (
    select distinct
        snapshots.snapshot_date,
        sales.seller_id
    from snapshots
    inner join sales
        on
            snapshots.snapshot_date <= sales.booked_date
            and snapshots.snapshot_date + {{ var("seller_churn_horizon_days") }} > sales.booked_date
),

final as (
    select
        features.snapshot_date,
        features.seller_id,
        cast(features.snapshot_date + {{ var("seller_churn_horizon_days") }} as timestamp) as known_at,
        cast(features.recency_days as integer) as recency_days,
        cast(features.snapshot_date - first_sales.first_sale_date as integer) as tenure_days,
        features.order_count_180d,
        features.order_count_90d,
        features.order_count_30d,
        features.sale_day_count_180d,
        features.unit_count_180d,
        features.value_180d,
        features.mean_unit_price_180d,
        features.category_count_180d,
        features.mean_delivery_days,
        features.mean_days_late,
        features.review_count_180d,
        features.mean_review_score,
        case
            when features.snapshot_date + {{ var("seller_churn_horizon_days") }} <= snapshots.as_of_date + 1
                then next_sales.seller_id is null
        end as is_churned
    from features
    inner join snapshots
        on features.snapshot_date = snapshots.snapshot_date
    inner join first_sales
        on features.seller_id = first_sales.seller_id
    left join next_sales
        on
            features.snapshot_date = next_sales.snapshot_date
            and features.seller_id = next_sales.seller_id
    where features.recency_days <= {{ var("seller_churn_active_days") }}
)

select * from final
