-- grain: one row per session and category it touched, plus one per session for the whole of it (is_whole)
-- A view: fct_funnel reads the dates it needs through it. Keys stand for texts: channel_key and device_key are
-- contexts, category_key an item, any one of those that state the text.
{{ config(materialized='view') }}

with

sessions as (
    select
        *,
        {{ shop_date('session_start_at') }} as session_date,
        {{ counts_in_rates() }} as is_counted
    from {{ ref('int_sessions') }}
),

steps as (
    select
        *,
        {{ shop_date('session_start_at') }} as session_date
    from {{ ref('int_event_steps') }}
    where funnel_rank in (2, 3, 6)
),

shop as (
    select coalesce(max(begin_checkout_count), 0) > 0 as sends_checkouts from {{ ref('int_sessions') }}
),

contexts as (
    select
        context_key,
        min(context_key) over (partition by channel) as channel_key,
        min(context_key) over (partition by device) as device_key
    from {{ ref('int_contexts') }}
),

items as (
    select
        item_key,
        min(item_key) over (partition by category) as category_key
    from {{ ref('int_items') }}
),

-- Users with one session on a date need no counting apart, and nearly all have one.
busy_users as (
    select
        user_key,
        session_date
    from sessions
    where is_counted
    group by user_key, session_date
    having count(*) > 1
),

entries as (
    select
        sessions.user_key,
        sessions.session_start_at,
        sessions.session_date,
        channels.channel_key,
        devices.device_key,
        sessions.is_bot,
        sessions.is_counted,
        sessions.begin_checkout_count > 0 or not shop.sends_checkouts as can_purchase,
        busy_users.user_key is not null as is_busy_user,
        sessions.first_view_at,
        sessions.first_cart_at,
        sessions.first_purchase_at
    from sessions
    cross join shop
    left join contexts as channels
        on {{ context_key_of('sessions.channel_context') }} = channels.context_key
    left join contexts as devices
        on {{ context_key_of('sessions.device_context') }} = devices.context_key
    left join busy_users
        on sessions.user_key = busy_users.user_key
        and sessions.session_date = busy_users.session_date
),

session_categories as (
    select
        steps.user_key,
        steps.session_start_at,
        steps.session_date,
        items.category_key,
        min(case when steps.funnel_rank = 2 then steps.event_at end) as first_view_at,
        min(case when steps.funnel_rank = 3 then steps.event_at end) as first_cart_at,
        min(case when steps.funnel_rank = 6 then steps.event_at end) as first_purchase_at
    from steps
    inner join items
        on steps.item_key = items.item_key
    group by steps.user_key, steps.session_start_at, steps.session_date, items.category_key
),

by_category as (
    select
        entries.user_key,
        entries.session_date,
        entries.channel_key,
        entries.device_key,
        false as is_whole,
        session_categories.category_key,
        entries.is_bot,
        entries.is_counted,
        entries.is_busy_user,
        entries.can_purchase,
        session_categories.first_view_at,
        session_categories.first_cart_at,
        session_categories.first_purchase_at
    from session_categories
    inner join entries
        on session_categories.user_key = entries.user_key
        and session_categories.session_start_at = entries.session_start_at
        and session_categories.session_date = entries.session_date
),

whole as (
    select
        user_key,
        session_date,
        channel_key,
        device_key,
        true as is_whole,
        cast(null as bigint) as category_key,
        is_bot,
        is_counted,
        is_busy_user,
        can_purchase,
        first_view_at,
        first_cart_at,
        first_purchase_at
    from entries
),

final as (
    select * from by_category
    union all
    select * from whole
)

select * from final
