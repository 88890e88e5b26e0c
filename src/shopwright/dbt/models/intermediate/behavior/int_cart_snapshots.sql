-- grain: one row per session with a cart and step at which abandonment is predicted
-- A prediction is made at each add-to-cart, and 2, 4, 6, 8 and 10 events later, until something is bought.
-- Every column describes the session up to that step. Sums are of integers (logarithms in millionths), so
-- that the order of summing cannot change a bit. A view: it is read only when a model is trained.
{{ config(materialized='view') }}

with

sessions as (
    select * from {{ ref('int_sessions') }}
    where add_to_cart_count > 0
),

priced_events as (
    select
        *,
        {{ log_millionths('price') }} as price_log
    from {{ ref('int_sessionized_events') }}
),

cart_session_events as (
    select
        priced_events.user_key,
        priced_events.session_start_at,
        priced_events.step_number,
        priced_events.event_at,
        priced_events.funnel_rank,
        priced_events.price,
        priced_events.price_log,
        coalesce(priced_events.quantity, 1) as unit_count,
        priced_events.seconds_since_previous,
        {{ is_event('product_view', 'priced_events.funnel_rank') }}
        and {{ is_first(
            'priced_events.user_key, priced_events.session_start_at, priced_events.funnel_rank, '
            ~ 'priced_events.event_product_key',
            'priced_events.step_number'
        ) }} as is_first_view_of_item
    from priced_events
    inner join sessions
        on
            priced_events.user_key = sessions.user_key
            and priced_events.session_start_at = sessions.session_start_at
),

cart_changes as (
    select
        *,
        case
            when {{ is_event('add_to_cart') }} then 1
            when {{ is_event('remove_from_cart') }} then -1
            else 0
        end as direction
    from cart_session_events
),

running_totals as (
    select
        user_key,
        session_start_at,
        step_number,
        event_at,
        funnel_rank,
        price,
        seconds_since_previous,
        count(case when {{ is_event('page_view') }} then 1 end) over so_far as page_view_count,
        count(case when {{ is_event('search') }} then 1 end) over so_far as search_count,
        count(case when {{ is_event('product_view') }} then 1 end) over so_far as view_count,
        count(case when {{ is_event('add_to_cart') }} then 1 end) over so_far as cart_count,
        count(case when {{ is_event('remove_from_cart') }} then 1 end) over so_far as removal_count,
        count(case when {{ is_event('begin_checkout') }} then 1 end) over so_far as checkout_count,
        count(case when {{ is_event('purchase') }} then 1 end) over so_far as purchase_count,
        count(case when is_first_view_of_item then 1 end) over so_far as viewed_item_count,
        sum(direction * unit_count) over so_far as cart_unit_count,
        sum(direction * unit_count * coalesce(price, 0)) over so_far as cart_amount,
        sum(direction * price_log) over so_far as cart_log,
        sum(case when price_log is not null then direction else 0 end) over so_far as priced_cart_count,
        sum(case when {{ is_event('product_view') }} then price_log end) over so_far as view_log,
        count(case when {{ is_event('product_view') }} then price_log end) over so_far as priced_view_count,
        min(case when {{ is_event('add_to_cart') }} then event_at end) over so_far as first_cart_at,
        max(case when {{ is_event('add_to_cart') }} then step_number end) over so_far as last_cart_step,
        coalesce({{ is_event('add_to_cart', 'lag(funnel_rank, 2) over by_step') }}, false) as is_cart_2_ago,
        coalesce({{ is_event('add_to_cart', 'lag(funnel_rank, 4) over by_step') }}, false) as is_cart_4_ago,
        coalesce({{ is_event('add_to_cart', 'lag(funnel_rank, 6) over by_step') }}, false) as is_cart_6_ago,
        coalesce({{ is_event('add_to_cart', 'lag(funnel_rank, 8) over by_step') }}, false) as is_cart_8_ago,
        coalesce({{ is_event('add_to_cart', 'lag(funnel_rank, 10) over by_step') }}, false) as is_cart_10_ago
    from cart_changes
    window
        so_far as (
            partition by user_key, session_start_at
            order by step_number
            rows between unbounded preceding and current row
        ),
        by_step as (partition by user_key, session_start_at order by step_number)
),

final as (
    select
        user_key,
        session_start_at,
        step_number,
        event_at,
        funnel_rank,
        price,
        seconds_since_previous,
        page_view_count,
        search_count,
        view_count,
        cart_count,
        removal_count,
        checkout_count,
        purchase_count,
        viewed_item_count,
        cart_unit_count,
        cart_amount,
        cart_log,
        priced_cart_count,
        view_log,
        priced_view_count,
        first_cart_at,
        last_cart_step
    from running_totals
    where
        purchase_count = 0
        and (
            {{ is_event('add_to_cart') }}
            or is_cart_2_ago or is_cart_4_ago or is_cart_6_ago or is_cart_8_ago or is_cart_10_ago
        )
)

select * from final
