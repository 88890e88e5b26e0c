-- grain: one row per session with a cart and step at which it is decided
-- Decided at each add-to-cart, and 2, 4, 6, 8 and 10 events later, as long as nothing was bought. All columns
-- look at the steps of the session so far. Sums are of whole numbers (logarithms in millionths), so that no
-- order of summing changes a bit.
-- A view: it is read when a model is trained.
{{ config(materialized='view') }}

with

sessions as (
    select * from {{ ref('int_sessions') }}
    where add_to_cart_count > 0
),

priced_steps as (
    select
        *,
        {{ millionths_of_log('price') }} as price_log
    from {{ ref('int_event_steps') }}
),

steps as (
    select
        priced_steps.user_key,
        priced_steps.session_start_at,
        priced_steps.step_number,
        priced_steps.event_at,
        priced_steps.funnel_rank,
        priced_steps.price,
        priced_steps.price_log,
        coalesce(priced_steps.quantity, 1) as unit_count,
        priced_steps.seconds_since_previous,
        priced_steps.funnel_rank = 2
        and {{ is_first(
            'priced_steps.user_key, priced_steps.session_start_at, priced_steps.funnel_rank, '
            ~ 'priced_steps.item_key',
            'priced_steps.step_number'
        ) }} as is_first_view_of_item
    from priced_steps
    inner join sessions
        on
            priced_steps.user_key = sessions.user_key
            and priced_steps.session_start_at = sessions.session_start_at
),

signed as (
    select
        *,
        case funnel_rank when 3 then 1 when 4 then -1 else 0 end as direction
    from steps
),

prefixes as (
    select
        user_key,
        session_start_at,
        step_number,
        event_at,
        funnel_rank,
        price,
        seconds_since_previous,
        count(case when funnel_rank = 0 then 1 end) over so_far as page_view_count,
        count(case when funnel_rank = 1 then 1 end) over so_far as search_count,
        count(case when funnel_rank = 2 then 1 end) over so_far as view_count,
        count(case when funnel_rank = 3 then 1 end) over so_far as cart_count,
        count(case when funnel_rank = 4 then 1 end) over so_far as removal_count,
        count(case when funnel_rank = 5 then 1 end) over so_far as checkout_count,
        count(case when funnel_rank = 6 then 1 end) over so_far as purchase_count,
        count(case when is_first_view_of_item then 1 end) over so_far as viewed_item_count,
        sum(direction * unit_count) over so_far as cart_unit_count,
        sum(direction * unit_count * coalesce(price, 0)) over so_far as cart_amount,
        sum(direction * price_log) over so_far as cart_log,
        sum(case when price_log is not null then direction else 0 end) over so_far as priced_cart_count,
        sum(case when funnel_rank = 2 then price_log end) over so_far as view_log,
        count(case when funnel_rank = 2 then price_log end) over so_far as priced_view_count,
        min(case when funnel_rank = 3 then event_at end) over so_far as first_cart_at,
        max(case when funnel_rank = 3 then step_number end) over so_far as last_cart_step,
        coalesce(lag(funnel_rank, 2) over by_step = 3, false) as is_cart_2_ago,
        coalesce(lag(funnel_rank, 4) over by_step = 3, false) as is_cart_4_ago,
        coalesce(lag(funnel_rank, 6) over by_step = 3, false) as is_cart_6_ago,
        coalesce(lag(funnel_rank, 8) over by_step = 3, false) as is_cart_8_ago,
        coalesce(lag(funnel_rank, 10) over by_step = 3, false) as is_cart_10_ago
    from signed
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
    from prefixes
    where
        purchase_count = 0
        and (
            funnel_rank = 3
            or is_cart_2_ago or is_cart_4_ago or is_cart_6_ago or is_cart_8_ago or is_cart_10_ago
        )
)

select * from final
