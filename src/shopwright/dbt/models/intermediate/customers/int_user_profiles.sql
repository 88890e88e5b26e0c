-- grain: one row per version of a profile, the input of the snapshot
-- A view. Some sources create a new customer for each order. If such a person has no profile of their own,
-- the profile is that of the latest order, or without orders the latest one.
{{ config(materialized='view') }}

with

versions as (
    select * from {{ ref('stg_users') }}
),

customer_copies as (
    select * from {{ ref('stg_customers') }}
    where is_copy
),

orders as (
    select * from {{ ref('stg_orders') }}
),

last_orders as (
    select
        customer_id,
        max(ordered_at) as ordered_at
    from orders
    group by customer_id
),

copies_with_orders as (
    select
        customer_copies.*,
        last_orders.ordered_at
    from customer_copies
    left join last_orders
        on customer_copies.customer_id = last_orders.customer_id
),

ranked_copies as (
    select
        *,
        {{ is_first('user_id', 'ordered_at desc nulls last, ' ~ latest_first('valid_from')) }} as is_latest
    from copies_with_orders
),

final as (
    select
        version_key,
        user_id,
        country,
        region,
        city,
        segment,
        is_subscribed,
        signed_up_at,
        valid_from
    from versions
    union all
    select
        user_id || '|',
        user_id,
        country,
        region,
        city,
        null,
        null,
        null,
        null
    from ranked_copies
    where is_latest and user_id not in (select user_id from versions)
)

select * from final
