-- grain: one row per snapshot date and active customer
-- Active: an order in the `churn_active_days` before, at most 180, since features look back 180 days.
-- Snapshots are on the first of each month and on the day after the last complete one. Uses only what was
-- known at midnight of the date: orders placed, deliveries made, reviews written and payments stated before
-- it. Statuses are not used, since the source overwrites them.
-- A view, since it is read only when a model is trained.
{{ config(materialized='view') }}

with

orders as (
    select * from {{ ref('int_orders_as_placed') }}
),

snapshots as (
    select * from {{ ref('int_snapshot_dates') }}
),

first_orders as (
    select
        customer_id,
        min(order_date) as first_order_date
    from orders
    group by customer_id
),

recent_orders as (
    select
        snapshots.snapshot_date,
        orders.*,
        orders.delivered_date < snapshots.snapshot_date as is_delivery_known,
        orders.reviewed_date < snapshots.snapshot_date as is_review_known,
        orders.paid_date < snapshots.snapshot_date as is_payment_known
    from snapshots
    inner join orders
        on
            snapshots.snapshot_date > orders.order_date
            and snapshots.snapshot_date - 180 <= orders.order_date
),

features as (
    select
        snapshot_date,
        customer_id,
        snapshot_date - max(order_date) as recency_days,
        count(*) as order_count_180d,
        {{ money_sum('order_value_amount') }} as order_value_amount_180d,
        {{ money_sum('freight_amount') }} as freight_amount_180d,
        sum(unit_count) as unit_count_180d,
        sum(category_count) as category_count_180d,
        count(case when is_delivery_known then 1 end) as delivered_count_180d,
        {{ mean('case when is_delivery_known then delivery_days end') }} as mean_delivery_days,
        {{ mean('case when is_delivery_known then days_late end') }} as mean_days_late,
        count(case when is_delivery_known and days_late > 0 then 1 end) as late_delivery_count_180d,
        count(case when is_review_known then 1 end) as review_count_180d,
        {{ mean('case when is_review_known then review_score end') }} as mean_review_score,
        min(case when is_review_known then review_score end) as lowest_review_score,
        {{ mean('case when is_payment_known then installment_count end') }} as mean_installments,
        count(case when is_payment_known and payment_method like '%card%' then 1 end)
            as card_order_count_180d,
        count(case when is_payment_known and payment_method = 'voucher' then 1 end)
            as voucher_order_count_180d
    from recent_orders
    group by snapshot_date, customer_id
),

next_orders as (
    select distinct
        snapshots.snapshot_date,
        orders.customer_id
    from snapshots
    inner join orders
        on
            snapshots.snapshot_date <= orders.order_date
            and snapshots.snapshot_date + {{ var("churn_horizon_days") }} > orders.order_date
),

final as (
    select
        features.snapshot_date,
        features.customer_id,
        cast(features.recency_days as integer) as recency_days,
        cast(features.snapshot_date - first_orders.first_order_date as integer) as tenure_days,
        features.order_count_180d,
        features.order_value_amount_180d,
        features.freight_amount_180d,
        {{ units('features.unit_count_180d') }} as unit_count_180d,
        cast(features.category_count_180d as bigint) as category_count_180d,
        {{ safe_divide('features.order_value_amount_180d', 'features.order_count_180d') }}
            as average_order_value_180d,
        features.delivered_count_180d,
        features.mean_delivery_days,
        features.mean_days_late,
        features.late_delivery_count_180d,
        features.review_count_180d,
        features.mean_review_score,
        features.lowest_review_score,
        features.mean_installments,
        features.card_order_count_180d,
        features.voucher_order_count_180d,
        case
            when features.snapshot_date + {{ var("churn_horizon_days") }} <= snapshots.as_of_date + 1
                then next_orders.customer_id is null
        end as is_churned
    from features
    inner join snapshots
        on features.snapshot_date = snapshots.snapshot_date
    inner join first_orders
        on features.customer_id = first_orders.customer_id
    left join next_orders
        on
            features.snapshot_date = next_orders.snapshot_date
            and features.customer_id = next_orders.customer_id
    where features.recency_days <= {{ var("churn_active_days") }}
)

select * from final
