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

sessions_with_prices as (
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
    from sessions_with_prices
    window earlier as (
        partition by user_key
        order by session_start_at
        rows between unbounded preceding and 1 preceding
    )
),

-- A value is known from the step that first has it: a later one would leak into the features.
snapshots_with_session as (
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

snapshots_with_history as (
    select
        snapshots_with_session.*,
        user_history.past_session_count,
        user_history.past_cart_session_count,
        user_history.past_purchase_session_count,
        coalesce(user_history.past_view_count, 0) as past_view_count,
        coalesce(user_history.past_gross_amount, 0) as past_gross_amount,
        {{ seconds_between('user_history.previous_session_end_at', 'snapshots_with_session.session_start_at') }}
            as seconds_since_previous_session,
        {{ safe_divide('snapshots_with_session.cart_log', 'snapshots_with_session.priced_cart_count') }} as mean_cart_log,
        {{ safe_divide(
            'coalesce(snapshots_with_session.view_log, 0) + coalesce(user_history.past_view_log, 0)',
            'snapshots_with_session.priced_view_count + coalesce(user_history.past_priced_view_count, 0)'
        ) }} as mean_view_log
    from snapshots_with_session
    inner join user_history
        on
            snapshots_with_session.user_key = user_history.user_key
            and snapshots_with_session.session_start_at = user_history.session_start_at
),

final as (
    select
        {{ session_key('user_keys.user_id', 'snapshots_with_history.session_start_at') }} as session_key,
        user_keys.user_id,
        snapshots_with_history.step_number,
        snapshots_with_history.event_at as decided_at,
        snapshots_with_history.known_at,
        cast(snapshots_with_history.view_count as integer) as total_views,
        cast(snapshots_with_history.cart_count as integer) as total_carts,
        cast(
            {{ seconds_between('snapshots_with_history.session_start_at', 'snapshots_with_history.event_at') }} as double precision
        ) / 60 as session_duration_minutes,
        {{ assigned_group('user_keys.user_id', 'variants.experiment_group') }} as experiment_group,
        cast(snapshots_with_history.step_number - snapshots_with_history.last_cart_step as integer) as events_since_cart,
        {{ seconds_between('snapshots_with_history.first_cart_at', 'snapshots_with_history.event_at') }} as seconds_since_first_cart,
        snapshots_with_history.seconds_since_previous,
        cast(snapshots_with_history.page_view_count as integer) as total_page_views,
        cast(snapshots_with_history.search_count as integer) as total_searches,
        cast(snapshots_with_history.removal_count as integer) as total_removals,
        cast(snapshots_with_history.checkout_count as integer) as total_checkouts,
        cast(snapshots_with_history.viewed_item_count as integer) as viewed_items,
        cast(snapshots_with_history.cart_unit_count as bigint) as cart_units,
        cast(snapshots_with_history.cart_amount as double precision) as cart_amount,
        -- 0: the cart is as expensive as what the user views; 0.7: twice as expensive (natural logarithm of 2).
        (snapshots_with_history.mean_cart_log - snapshots_with_history.mean_view_log) / 1000000 as cart_price_log_ratio,
        {{ shop_hour('snapshots_with_history.event_at') }} as hour_of_day,
        cast(extract(isodow from {{ shop_date('snapshots_with_history.event_at') }}) as integer) as weekday,
        devices.device,
        channels.channel,
        countries.country,
        snapshots_with_history.past_session_count as past_sessions,
        snapshots_with_history.past_cart_session_count as past_cart_sessions,
        snapshots_with_history.past_purchase_session_count as past_purchase_sessions,
        cast(snapshots_with_history.past_view_count as bigint) as past_views,
        cast(snapshots_with_history.past_gross_amount as double precision) as past_amount,
        cast(snapshots_with_history.seconds_since_previous_session as double precision) / 86400
            as days_since_previous_session,
        -- The bot rule on the session so far: on the whole session it would leak the outcome.
        {{ is_bot_session(
            'snapshots_with_history.step_number',
            seconds_between('snapshots_with_history.session_start_at', 'snapshots_with_history.event_at'),
            'snapshots_with_history.purchase_count',
            'snapshots_with_history.view_count',
            'snapshots_with_history.cart_count'
        ) }} as is_bot,
        case
            when snapshots_with_history.known_at <= (select max(session_end_at) from {{ ref('int_sessions') }})
                then not snapshots_with_history.has_purchase
        end as is_abandoned
    from snapshots_with_history
    inner join {{ ref('int_user_keys') }} as user_keys
        on snapshots_with_history.user_key = user_keys.user_key
    left join {{ ref('int_event_contexts') }} as devices
        on snapshots_with_history.device_key = devices.context_key
    left join {{ ref('int_event_contexts') }} as channels
        on snapshots_with_history.channel_key = channels.context_key
    left join {{ ref('int_event_contexts') }} as countries
        on snapshots_with_history.country_key = countries.context_key
    left join {{ ref('int_event_contexts') }} as variants
        on snapshots_with_history.experiment_key = variants.context_key
)

select * from final
