-- grain: one row per user who was seen or who ordered
{{ config(materialized='view') }}

with

visitors as (
    select * from {{ ref('int_visitors') }}
),

totals as (
    select * from {{ ref('int_user_totals') }}
),

contexts as (
    select * from {{ ref('int_contexts') }}
),

orders as (
    select * from {{ ref('int_customer_orders') }}
),

seen as (
    select
        visitors.user_id,
        totals.first_seen_at,
        totals.last_seen_at,
        totals.last_session_at,
        totals.session_count,
        totals.is_bot,
        contexts.experiment_group as stated_group
    from totals
    inner join visitors
        on totals.user_key = visitors.user_key
    left join contexts
        on totals.experiment_context_key = contexts.context_key
),

final as (
    select
        coalesce(seen.user_id, orders.customer_id) as user_id,
        seen.first_seen_at,
        seen.last_seen_at,
        seen.last_session_at,
        coalesce(seen.session_count, 0) as session_count,
        seen.is_bot,
        seen.stated_group,
        orders.first_ordered_at,
        orders.last_ordered_at,
        coalesce(orders.order_count, 0) as order_count,
        coalesce(orders.net_amount, 0) as net_amount
    from seen
    full outer join orders
        on seen.user_id = orders.customer_id
)

select * from final
