-- grain: one row per snapshot date and customer who ordered before
-- Value is net of returns: lines count on the day they are booked, a return on the day it comes back. Whether
-- an order was cancelled later is no part of it, since that is not known at the time.
-- A view: it is read when a model is trained or scores.
{{ config(materialized='view') }}
{%- set is_recent = 'placed.booked_date >= snapshots.snapshot_date -' %}
{%- set is_in_half_year = 'placed.booked_date < snapshots.snapshot_date + 182' %}

with

snapshots as (
    select * from {{ ref('int_snapshot_dates') }}
),

lines as (
    select
        order_key,
        customer_id,
        booked_date,
        kind,
        gross_amount - discount_amount - return_amount as value_amount,
        return_amount
    from {{ ref('int_order_lines') }}
    where
        kind in ('sale', 'discount', 'return')
        and customer_id is not null
),

-- Several orders of one day are one purchase.
days as (
    select
        customer_id,
        booked_date,
        count(case when kind = 'sale' then 1 end) > 0 as is_purchase,
        cast(sum(value_amount) as decimal(18, 4)) as value_amount,
        cast(sum(return_amount) as decimal(18, 4)) as return_amount
    from lines
    group by customer_id, booked_date
),

placed as (
    select
        *,
        min(case when is_purchase then booked_date end) over by_customer as first_date
    from days
    window by_customer as (partition by customer_id)
),

features as (
    select
        snapshots.snapshot_date,
        placed.customer_id,
        count(case when placed.is_purchase then 1 end) - 1 as repeat_count,
        max(case when placed.is_purchase then placed.booked_date end) - min(placed.first_date)
            as recency_days,
        snapshots.snapshot_date - min(placed.first_date) as age_days,
        count(case when placed.is_purchase and {{ is_recent }} 90 then 1 end) as purchase_count_90d,
        count(case when placed.is_purchase and {{ is_recent }} 30 then 1 end) as purchase_count_30d,
        cast(sum(placed.value_amount) as double precision) as value_total,
        cast(
            sum(case when placed.booked_date > placed.first_date then placed.value_amount else 0 end)
            as double precision
        ) as repeat_value_total,
        cast(sum(case when {{ is_recent }} 90 then placed.value_amount else 0 end) as double precision)
            as value_90d,
        cast(sum(placed.return_amount) as double precision) as return_total,
        snapshots.as_of_date
    from snapshots
    inner join placed
        on snapshots.snapshot_date > placed.booked_date
    where placed.first_date < snapshots.snapshot_date
    group by snapshots.snapshot_date, placed.customer_id, snapshots.as_of_date
),

outcomes as (
    select
        snapshots.snapshot_date,
        placed.customer_id,
        count(case when placed.is_purchase and {{ is_in_half_year }} then 1 end) as purchase_count_182d,
        count(case when placed.is_purchase then 1 end) as purchase_count_365d,
        cast(sum(case when {{ is_in_half_year }} then placed.value_amount else 0 end) as double precision)
            as value_182d,
        cast(sum(placed.value_amount) as double precision) as value_365d
    from snapshots
    inner join placed
        on
            snapshots.snapshot_date <= placed.booked_date
            and snapshots.snapshot_date + 365 > placed.booked_date
    group by snapshots.snapshot_date, placed.customer_id
),

final as (
    select
        features.snapshot_date,
        features.customer_id,
        cast(features.repeat_count as integer) as repeat_count,
        cast(features.recency_days as integer) as recency_days,
        cast(features.age_days as integer) as age_days,
        cast(features.age_days - features.recency_days as integer) as silent_days,
        features.purchase_count_90d,
        features.purchase_count_30d,
        features.value_total,
        features.value_90d,
        features.return_total,
        features.value_total / (features.repeat_count + 1) as mean_value,
        case when features.repeat_count > 0 then features.repeat_value_total / features.repeat_count end
            as mean_repeat_value,
        case
            when features.snapshot_date + 182 <= features.as_of_date + 1
                then coalesce(outcomes.purchase_count_182d, 0)
        end as purchase_count_182d,
        case
            when features.snapshot_date + 365 <= features.as_of_date + 1
                then coalesce(outcomes.purchase_count_365d, 0)
        end as purchase_count_365d,
        case
            when features.snapshot_date + 182 <= features.as_of_date + 1
                then coalesce(outcomes.value_182d, 0)
        end as value_182d,
        case
            when features.snapshot_date + 365 <= features.as_of_date + 1
                then coalesce(outcomes.value_365d, 0)
        end as value_365d
    from features
    left join outcomes
        on
            features.snapshot_date = outcomes.snapshot_date
            and features.customer_id = outcomes.customer_id
)

select * from final
