-- grain: one row per session date, entry channel, entry device and category, with '(all)' for all
-- categories
-- A step counts sessions that also took every step before it. A checkout belongs to a session, not to a
-- category. If the shop sends no begin_checkout events at all, checkout counts are null and a purchase
-- requires a cart only.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'funnel_dates'},
) }}

{%- set dates_to_build = funnel_dates() if is_incremental() %}

with

sessions as (
    select * from {{ ref('int_session_funnel') }}
    {% if is_incremental() %}
    where
        {{ is_in_dates('session_date', dates_to_build) }}
        and {{ is_near_dates('session_start_at', dates_to_build) }}
    {% endif %}
),

session_categories as (
    select * from {{ ref('int_session_category_funnel') }}
    {% if is_incremental() %}
    where
        {{ is_in_dates('session_date', dates_to_build) }}
        and {{ is_near_dates('session_start_at', dates_to_build) }}
    {% endif %}
),

contexts as (
    select * from {{ ref('int_event_contexts') }}
),

event_products as (
    select * from {{ ref('int_event_products') }}
),

shop as (
    select coalesce(max(begin_checkout_count), 0) > 0 as sends_checkouts from {{ ref('int_sessions') }}
),

repeat_users as (
    select
        user_key,
        session_date
    from sessions
    where is_counted
    group by user_key, session_date
    having count(*) > 1
),

paths as (
    select
        user_key,
        session_date,
        channel_key,
        device_key,
        true as is_all_categories,
        cast(null as bigint) as category_key,
        is_bot,
        is_counted,
        can_purchase,
        first_view_at,
        first_cart_at,
        first_purchase_at
    from sessions
    union all
    select
        sessions.user_key,
        sessions.session_date,
        sessions.channel_key,
        sessions.device_key,
        false,
        session_categories.category_key,
        sessions.is_bot,
        sessions.is_counted,
        sessions.can_purchase,
        session_categories.first_view_at,
        session_categories.first_cart_at,
        session_categories.first_purchase_at
    from session_categories
    inner join sessions
        on
            session_categories.user_key = sessions.user_key
            and session_categories.session_start_at = sessions.session_start_at
),

funnel_steps as (
    select
        paths.*,
        repeat_users.user_key is not null as is_repeat_user,
        paths.is_counted and paths.first_view_at is not null as at_view,
        paths.is_counted and paths.first_view_at is not null and paths.first_cart_at is not null as at_cart,
        paths.is_counted and paths.first_view_at is not null and paths.first_cart_at is not null
        and paths.can_purchase as at_checkout,
        paths.is_counted and paths.first_view_at is not null and paths.first_cart_at is not null
        and paths.can_purchase and paths.first_purchase_at is not null as at_purchase
    from paths
    left join repeat_users
        on
            paths.user_key = repeat_users.user_key
            and paths.session_date = repeat_users.session_date
),

-- A user with one session on the date is one user in every cell, so a plain count will do. Only users with
-- several sessions need a distinct count, which is expensive.
cells as (
    select
        session_date,
        channel_key,
        device_key,
        is_all_categories,
        category_key,
        count(case when is_counted then 1 end) as session_count,
        count(case when is_bot then 1 end) as bot_session_count,
        {% for step in ['view', 'cart', 'checkout', 'purchase'] -%}
        count(case when at_{{ step }} then 1 end) as {{ step }}_session_count,
        count(case when at_{{ step }} and not is_repeat_user then 1 end)
        + count(distinct user_key) filter (where at_{{ step }} and is_repeat_user) as {{ step }}_user_count,
        {% endfor -%}
        {{ median(
            'case when at_purchase and first_purchase_at >= first_view_at then '
            ~ seconds_between('first_view_at', 'first_purchase_at') ~ ' end'
        ) }} as median_seconds_to_purchase,
        count(case when at_purchase and first_purchase_at >= first_view_at then 1 end) as timed_purchase_count
    from funnel_steps
    group by session_date, channel_key, device_key, is_all_categories, category_key
),

final as (
    select
        cells.session_date,
        coalesce(channels.channel, '(unknown)') as entry_channel,
        coalesce(devices.device, '(unknown)') as entry_device,
        case when cells.is_all_categories then '(all)' else coalesce(event_products.category, '(none)') end
            as category,
        cells.session_count,
        cells.bot_session_count,
        cells.view_session_count,
        cells.cart_session_count,
        case when shop.sends_checkouts then cells.checkout_session_count end as checkout_session_count,
        cells.purchase_session_count,
        cells.view_user_count,
        cells.cart_user_count,
        case when shop.sends_checkouts then cells.checkout_user_count end as checkout_user_count,
        cells.purchase_user_count,
        {{ safe_divide('cells.cart_session_count', 'cells.view_session_count') }} as view_to_cart_rate,
        case
            when shop.sends_checkouts
                then {{ safe_divide('cells.checkout_session_count', 'cells.cart_session_count') }}
        end as cart_to_checkout_rate,
        case
            when shop.sends_checkouts
                then {{ safe_divide('cells.purchase_session_count', 'cells.checkout_session_count') }}
        end as checkout_to_purchase_rate,
        {{ safe_divide('cells.purchase_session_count', 'cells.cart_session_count') }}
            as cart_to_purchase_rate,
        {{ safe_divide('cells.purchase_session_count', 'cells.view_session_count') }}
            as view_to_purchase_rate,
        cast(cells.median_seconds_to_purchase as double precision) as median_seconds_to_purchase,
        cells.timed_purchase_count
    from cells
    cross join shop
    left join contexts as channels
        on cells.channel_key = channels.context_key
    left join contexts as devices
        on cells.device_key = devices.context_key
    left join event_products
        on cells.category_key = event_products.event_product_key
)

select * from final
