-- grain: one row per session
-- A view: the columns of a session that fct_funnel needs. channel_key and device_key are the lowest
-- context_key with that channel or device.
{{ config(materialized='view') }}

with

sessions as (
    select * from {{ ref('int_sessions') }}
),

shop as (
    select coalesce(max(begin_checkout_count), 0) > 0 as sends_checkouts from {{ ref('int_sessions') }}
),

contexts as (
    select
        context_key,
        min(context_key) over (partition by channel) as channel_key,
        min(context_key) over (partition by device) as device_key
    from {{ ref('int_event_contexts') }}
),

final as (
    select
        sessions.user_key,
        sessions.session_start_at,
        {{ shop_date('sessions.session_start_at') }} as session_date,
        channels.channel_key,
        devices.device_key,
        sessions.is_bot,
        {{ is_counted_session('sessions.is_bot') }} as is_counted,
        sessions.begin_checkout_count > 0 or not shop.sends_checkouts as can_purchase,
        sessions.first_view_at,
        sessions.first_cart_at,
        sessions.first_purchase_at
    from sessions
    cross join shop
    left join contexts as channels
        on {{ context_key('sessions.channel_context') }} = channels.context_key
    left join contexts as devices
        on {{ context_key('sessions.device_context') }} = devices.context_key
)

select * from final
