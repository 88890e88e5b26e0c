-- grain: one row per snapshot date and customer with an earlier order
-- Value is net of returns: lines count on the day they are booked, returns on the day they come back. Later
-- cancellations do not count, since they are not known at the time.
-- A view, since it is read only to train and to score.
{{ config(materialized='view') }}
{%- set is_recent = 'booked_days.booked_date >= snapshots.snapshot_date -' %}
{%- set horizon_days = var('lifetime_value_horizon_days') %}
{%- set long_horizon_days = var('lifetime_value_long_horizon_days') %}
{%- set is_in_horizon = 'booked_days.booked_date < snapshots.snapshot_date + ' ~ horizon_days %}

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
        gross_amount - coalesce(discount_amount, 0) - coalesce(return_amount, 0) as value_amount,
        coalesce(return_amount, 0) as return_amount
    from {{ ref('int_order_lines') }}
    where
        kind in ('sale', 'discount', 'return')
        and customer_id is not null
),

-- Several orders of one day are one purchase.
daily_values as (
    select
        customer_id,
        booked_date,
        count(case when kind = 'sale' then 1 end) > 0 as is_purchase,
        cast(sum(value_amount) as decimal(18, 4)) as value_amount,
        cast(sum(return_amount) as decimal(18, 4)) as return_amount
    from lines
    group by customer_id, booked_date
),

booked_days as (
    select
        *,
        min(case when is_purchase then booked_date end) over by_customer as first_date
    from daily_values
    window by_customer as (partition by customer_id)
),

features as (
    select
        snapshots.snapshot_date,
        booked_days.customer_id,
        count(case when booked_days.is_purchase then 1 end) - 1 as repeat_count,
        max(case when booked_days.is_purchase then booked_days.booked_date end) - min(booked_days.first_date)
            as recency_days,
        snapshots.snapshot_date - min(booked_days.first_date) as age_days,
        count(case when booked_days.is_purchase and {{ is_recent }} 90 then 1 end) as purchase_count_90d,
        count(case when booked_days.is_purchase and {{ is_recent }} 30 then 1 end) as purchase_count_30d,
        cast(sum(booked_days.value_amount) as double precision) as value_total,
        cast(
            sum(
                case
                    when booked_days.booked_date > booked_days.first_date then booked_days.value_amount
                    else 0
                end
            ) as double precision
        ) as repeat_value_total,
        cast(sum(case when {{ is_recent }} 90 then booked_days.value_amount else 0 end) as double precision)
            as value_90d,
        cast(sum(booked_days.return_amount) as double precision) as return_total,
        snapshots.as_of_date
    from snapshots
    inner join booked_days
        on snapshots.snapshot_date > booked_days.booked_date
    where booked_days.first_date < snapshots.snapshot_date
    group by snapshots.snapshot_date, booked_days.customer_id, snapshots.as_of_date
),

outcomes as (
    select
        snapshots.snapshot_date,
        booked_days.customer_id,
        count(case when booked_days.is_purchase and {{ is_in_horizon }} then 1 end) as horizon_purchase_count,
        count(case when booked_days.is_purchase then 1 end) as long_horizon_purchase_count,
        cast(sum(case when {{ is_in_horizon }} then booked_days.value_amount else 0 end) as double precision)
            as horizon_value,
        cast(sum(booked_days.value_amount) as double precision) as long_horizon_value
    from snapshots
    inner join booked_days
        on
            snapshots.snapshot_date <= booked_days.booked_date
            and snapshots.snapshot_date + {{ long_horizon_days }} > booked_days.booked_date
    group by snapshots.snapshot_date, booked_days.customer_id
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
        cast({{ horizon_days }} as integer) as horizon_days,
        case
            when features.snapshot_date + {{ horizon_days }} <= features.as_of_date + 1
                then coalesce(outcomes.horizon_purchase_count, 0)
        end as horizon_purchase_count,
        case
            when features.snapshot_date + {{ horizon_days }} <= features.as_of_date + 1
                then coalesce(outcomes.horizon_value, 0)
        end as horizon_value,
        cast({{ long_horizon_days }} as integer) as long_horizon_days,
        case
            when features.snapshot_date + {{ long_horizon_days }} <= features.as_of_date + 1
                then coalesce(outcomes.long_horizon_purchase_count, 0)
        end as long_horizon_purchase_count,
        case
            when features.snapshot_date + {{ long_horizon_days }} <= features.as_of_date + 1
                then coalesce(outcomes.long_horizon_value, 0)
        end as long_horizon_value
    from features
    left join outcomes
        on
            features.snapshot_date = outcomes.snapshot_date
            and features.customer_id = outcomes.customer_id
)

select * from final
