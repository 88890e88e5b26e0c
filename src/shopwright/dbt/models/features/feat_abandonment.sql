-- grain: one row per session and step at which abandonment is predicted
-- Features use the session up to that step and the user's earlier sessions, all of which ended before it. A
-- view: it is read only when a model is trained. Sums are of integers (logarithms in millionths), so that
-- the order of summing cannot change a bit.
{{ config(materialized='view') }}

with

snapshots as (
    select * from {{ ref('int_cart_snapshots') }}
),

sessions as (
    select
        *,
        session_end_at + interval '{{ var("session_gap_minutes") }} minutes' as known_at,
        add_to_cart_count > 0 as has_cart,
        purchase_count > 0 as has_purchase
    from {{ ref('int_sessions') }}
),

views as (
    select
        user_key,
        session_start_at,
        {{ log_millionths('price') }} as price_log
    from {{ ref('int_sessionized_events') }}
    where {{ is_event('product_view') }}
),

viewed_prices as (
    select
        user_key,
        session_start_at,
        sum(price_log) as view_log,
        count(price_log) as priced_view_count
    from views
    group by user_key, session_start_at
),

priced_sessions as (
    select
        sessions.*,
        viewed_prices.view_log,
        viewed_prices.priced_view_count
    from sessions
    left join viewed_prices
        on
            sessions.user_key = viewed_prices.user_key
            and sessions.session_start_at = viewed_prices.session_start_at
),

user_history as (
    select
        user_key,
        session_start_at,
        count(*) over earlier as past_session_count,
        count(case when has_cart then 1 end) over earlier as past_cart_session_count,
        count(case when has_purchase then 1 end) over earlier as past_purchase_session_count,
        sum(product_view_count) over earlier as past_view_count,
        sum(gross_amount) over earlier as past_gross_amount,
        max(session_end_at) over earlier as previous_session_end_at,
        sum(view_log) over earlier as past_view_log,
        sum(priced_view_count) over earlier as past_priced_view_count
    from priced_sessions
    window earlier as (
        partition by user_key
        order by session_start_at
        rows between unbounded preceding and 1 preceding
    )
),

-- A value is known from the step that first has it: a later one would leak into the features.
cart_snapshots as (
    select
        snapshots.*,
        sessions.has_purchase,
        sessions.known_at,
        case
            when sessions.device_context < (cast(snapshots.step_number as bigint) + 1) * 4294967296
                then {{ context_key('sessions.device_context') }}
        end as device_key,
        case
            when sessions.channel_context < (cast(snapshots.step_number as bigint) + 1) * 4294967296
                then {{ context_key('sessions.channel_context') }}
        end as channel_key,
        case
            when sessions.country_context < (cast(snapshots.step_number as bigint) + 1) * 4294967296
                then {{ context_key('sessions.country_context') }}
        end as country_key,
        case
            when sessions.experiment_context < (cast(snapshots.step_number as bigint) + 1) * 4294967296
                then {{ context_key('sessions.experiment_context') }}
        end as experiment_key
    from snapshots
    inner join sessions
        on
            snapshots.user_key = sessions.user_key
            and snapshots.session_start_at = sessions.session_start_at
),

features as (
    select
        cart_snapshots.*,
        user_history.past_session_count,
        user_history.past_cart_session_count,
        user_history.past_purchase_session_count,
        coalesce(user_history.past_view_count, 0) as past_view_count,
        coalesce(user_history.past_gross_amount, 0) as past_gross_amount,
        {{ seconds_between('user_history.previous_session_end_at', 'cart_snapshots.session_start_at') }}
            as seconds_since_previous_session,
        {{ safe_divide('cart_snapshots.cart_log', 'cart_snapshots.priced_cart_count') }} as mean_cart_log,
        {{ safe_divide(
            'coalesce(cart_snapshots.view_log, 0) + coalesce(user_history.past_view_log, 0)',
            'cart_snapshots.priced_view_count + coalesce(user_history.past_priced_view_count, 0)'
        ) }} as mean_view_log
    from cart_snapshots
    inner join user_history
        on
            cart_snapshots.user_key = user_history.user_key
            and cart_snapshots.session_start_at = user_history.session_start_at
),

final as (
    select
        {{ session_key('user_keys.user_id', 'features.session_start_at') }} as session_key,
        user_keys.user_id,
        features.step_number,
        features.event_at as decided_at,
        features.known_at,
        cast(features.view_count as integer) as total_views,
        cast(features.cart_count as integer) as total_carts,
        cast(
            {{ seconds_between('features.session_start_at', 'features.event_at') }} as double precision
        ) / 60 as session_duration_minutes,
        {{ assigned_group('user_keys.user_id', 'variants.experiment_group') }} as experiment_group,
        cast(features.step_number - features.last_cart_step as integer) as events_since_cart,
        {{ seconds_between('features.first_cart_at', 'features.event_at') }} as seconds_since_first_cart,
        features.seconds_since_previous,
        cast(features.page_view_count as integer) as total_page_views,
        cast(features.search_count as integer) as total_searches,
        cast(features.removal_count as integer) as total_removals,
        cast(features.checkout_count as integer) as total_checkouts,
        cast(features.viewed_item_count as integer) as viewed_items,
        cast(features.cart_unit_count as bigint) as cart_units,
        cast(features.cart_amount as double precision) as cart_amount,
        -- 0: the cart is as expensive as what the user views; 0.7: twice as expensive (log of 2).
        (features.mean_cart_log - features.mean_view_log) / 1000000 as cart_price_log_ratio,
        {{ shop_hour('features.event_at') }} as hour_of_day,
        cast(extract(isodow from {{ shop_date('features.event_at') }}) as integer) as weekday,
        devices.device,
        channels.channel,
        countries.country,
        features.past_session_count as past_sessions,
        features.past_cart_session_count as past_cart_sessions,
        features.past_purchase_session_count as past_purchase_sessions,
        cast(features.past_view_count as bigint) as past_views,
        cast(features.past_gross_amount as double precision) as past_amount,
        cast(features.seconds_since_previous_session as double precision) / 86400
            as days_since_previous_session,
        -- The bot rule on the session so far: on the whole session it would leak the outcome.
        {{ is_bot_session(
            '(features.page_view_count + features.search_count + features.view_count + features.cart_count '
            ~ '+ features.removal_count + features.checkout_count + features.purchase_count)',
            seconds_between('features.session_start_at', 'features.event_at'),
            'features.purchase_count',
            'features.view_count',
            'features.cart_count'
        ) }} as is_bot,
        case
            when features.known_at <= (select max(session_end_at) from {{ ref('int_sessions') }})
                then not features.has_purchase
        end as is_abandoned
    from features
    inner join {{ ref('int_user_keys') }} as user_keys
        on features.user_key = user_keys.user_key
    left join {{ ref('int_event_contexts') }} as devices
        on features.device_key = devices.context_key
    left join {{ ref('int_event_contexts') }} as channels
        on features.channel_key = channels.context_key
    left join {{ ref('int_event_contexts') }} as countries
        on features.country_key = countries.context_key
    left join {{ ref('int_event_contexts') }} as variants
        on features.experiment_key = variants.context_key
)

select * from final
