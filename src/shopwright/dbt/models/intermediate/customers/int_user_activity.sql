-- grain: one row per user with a session or an order
{{ config(materialized='view') }}

with

user_keys as (
    select * from {{ ref('int_user_keys') }}
),

totals as (
    select * from {{ ref('int_user_session_totals') }}
),

contexts as (
    select * from {{ ref('int_event_contexts') }}
),

orders as (
    select * from {{ ref('int_customer_orders') }}
),

session_activity as (
    select
        user_keys.user_id,
        totals.first_seen_at,
        totals.last_seen_at,
        totals.last_session_at,
        totals.session_count,
        totals.is_bot,
        contexts.experiment_group as source_experiment_group
    from totals
    inner join user_keys
        on totals.user_key = user_keys.user_key
    left join contexts
        on totals.experiment_context_key = contexts.context_key
),

final as (
    select
        coalesce(session_activity.user_id, orders.customer_id) as user_id,
        session_activity.first_seen_at,
        session_activity.last_seen_at,
        session_activity.last_session_at,
        coalesce(session_activity.session_count, 0) as session_count,
        session_activity.is_bot,
        session_activity.source_experiment_group,
        orders.first_ordered_at,
        orders.last_ordered_at,
        coalesce(orders.order_count, 0) as order_count,
        case when orders.customer_id is null then 0 else orders.net_amount end as net_amount
    from session_activity
    full outer join orders
        on session_activity.user_id = orders.customer_id
)

select * from final
