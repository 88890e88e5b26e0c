-- grain: one row per session and step at which it is decided
-- Features look at the steps of the session so far and at the user's earlier sessions, which have all ended
-- before.
-- A view: it is read when a model is trained. Sums are of whole numbers (logarithms in millionths), so that
-- no order of summing changes a bit.
{{ config(materialized='view') }}

with

decisions as (
    select * from {{ ref('int_cart_decisions') }}
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
        {{ millionths_of_log('price') }} as price_log
    from {{ ref('int_event_steps') }}
    where funnel_rank = 2
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

visits as (
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

pasts as (
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
    from visits
    window earlier as (
        partition by user_key
        order by session_start_at
        rows between unbounded preceding and 1 preceding
    )
),

-- What is stated once holds from the step that states it.
placed as (
    select
        decisions.*,
        sessions.has_purchase,
        sessions.known_at,
        case
            when sessions.device_context < (cast(decisions.step_number as bigint) + 1) * 4294967296
                then {{ context_key_of('sessions.device_context') }}
        end as device_key,
        case
            when sessions.channel_context < (cast(decisions.step_number as bigint) + 1) * 4294967296
                then {{ context_key_of('sessions.channel_context') }}
        end as channel_key,
        case
            when sessions.country_context < (cast(decisions.step_number as bigint) + 1) * 4294967296
                then {{ context_key_of('sessions.country_context') }}
        end as country_key,
        case
            when sessions.experiment_context < (cast(decisions.step_number as bigint) + 1) * 4294967296
                then {{ context_key_of('sessions.experiment_context') }}
        end as experiment_key
    from decisions
    inner join sessions
        on
            decisions.user_key = sessions.user_key
            and decisions.session_start_at = sessions.session_start_at
),

compared as (
    select
        placed.*,
        pasts.past_session_count,
        pasts.past_cart_session_count,
        pasts.past_purchase_session_count,
        coalesce(pasts.past_view_count, 0) as past_view_count,
        coalesce(pasts.past_gross_amount, 0) as past_gross_amount,
        {{ seconds_between('pasts.previous_session_end_at', 'placed.session_start_at') }}
            as seconds_since_previous_session,
        {{ rate('placed.cart_log', 'placed.priced_cart_count') }} as mean_cart_log,
        {{ rate(
            'coalesce(placed.view_log, 0) + coalesce(pasts.past_view_log, 0)',
            'placed.priced_view_count + coalesce(pasts.past_priced_view_count, 0)'
        ) }} as mean_view_log
    from placed
    inner join pasts
        on
            placed.user_key = pasts.user_key
            and placed.session_start_at = pasts.session_start_at
),

final as (
    select
        {{ session_key('visitors.user_id', 'compared.session_start_at') }} as session_key,
        visitors.user_id,
        compared.step_number,
        compared.event_at as decided_at,
        compared.known_at,
        cast(compared.view_count as integer) as total_views,
        cast(compared.cart_count as integer) as total_carts,
        cast(
            {{ seconds_between('compared.session_start_at', 'compared.event_at') }} as double precision
        ) / 60 as session_duration_minutes,
        {{ assigned_group('visitors.user_id', 'variants.experiment_group') }} as experiment_group,
        cast(compared.step_number - compared.last_cart_step as integer) as events_since_cart,
        {{ seconds_between('compared.first_cart_at', 'compared.event_at') }} as seconds_since_first_cart,
        compared.seconds_since_previous,
        cast(compared.page_view_count as integer) as total_page_views,
        cast(compared.search_count as integer) as total_searches,
        cast(compared.removal_count as integer) as total_removals,
        cast(compared.checkout_count as integer) as total_checkouts,
        cast(compared.viewed_item_count as integer) as viewed_items,
        cast(compared.cart_unit_count as bigint) as cart_units,
        cast(compared.cart_amount as double precision) as cart_amount,
        -- 0: as dear as what the user looks at; 0.7: twice as dear.
        (compared.mean_cart_log - compared.mean_view_log) / 1000000 as cart_price_log_ratio,
        {{ shop_hour('compared.event_at') }} as hour_of_day,
        cast(extract(isodow from {{ shop_date('compared.event_at') }}) as integer) as weekday,
        devices.device,
        channels.channel,
        countries.country,
        compared.past_session_count as past_sessions,
        compared.past_cart_session_count as past_cart_sessions,
        compared.past_purchase_session_count as past_purchase_sessions,
        cast(compared.past_view_count as bigint) as past_views,
        cast(compared.past_gross_amount as double precision) as past_amount,
        cast(compared.seconds_since_previous_session as double precision) / 86400
            as days_since_previous_session,
        -- By the rule of int_sessions on the session so far: that of the whole session would tell what comes.
        compared.step_number >= {{ var('bot_min_events') }}
        and {{ seconds_between('compared.session_start_at', 'compared.event_at') }}
        < (compared.step_number - 1) * {{ var('bot_max_mean_gap_seconds') }} as is_bot,
        case
            when compared.known_at <= (select max(session_end_at) from {{ ref('int_sessions') }})
                then not compared.has_purchase
        end as is_abandoned
    from compared
    inner join {{ ref('int_visitors') }} as visitors
        on compared.user_key = visitors.user_key
    left join {{ ref('int_contexts') }} as devices
        on compared.device_key = devices.context_key
    left join {{ ref('int_contexts') }} as channels
        on compared.channel_key = channels.context_key
    left join {{ ref('int_contexts') }} as countries
        on compared.country_key = countries.context_key
    left join {{ ref('int_contexts') }} as variants
        on compared.experiment_key = variants.context_key
)

select * from final
