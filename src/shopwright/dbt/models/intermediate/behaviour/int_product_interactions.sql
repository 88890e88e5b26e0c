-- grain: one row per session and product
-- A view: no gold table needs all of it, so a build need not pay for as many rows as there are product views.
{{ config(materialized='view') }}

with

steps as (
    select * from {{ ref('int_event_steps') }}
),

items as (
    select * from {{ ref('int_items') }}
    where product_key is not null
),

visitors as (
    select * from {{ ref('int_visitors') }}
),

described as (
    select
        steps.*,
        items.product_key
    from steps
    inner join items
        on steps.item_key = items.item_key
),

interactions as (
    select
        user_key,
        session_start_at,
        product_key,
        count(case when funnel_rank = 2 then 1 end) as product_view_count,
        count(case when funnel_rank = 3 then 1 end) as add_to_cart_count,
        count(case when funnel_rank = 4 then 1 end) as remove_from_cart_count,
        count(case when funnel_rank = 6 then 1 end) as purchase_count,
        coalesce(sum(case when funnel_rank = 6 then coalesce(quantity, 1) end), 0) as unit_count,
        {{ amount_sum(
            'case when funnel_rank = 6 then ' ~ amount('price * coalesce(quantity, 1)') ~ ' end'
        ) }} as gross_amount,
        min(event_at) as first_at,
        {{ first_by('item_key', 'step_number') }} as first_item_key
    from described
    group by user_key, session_start_at, product_key
),

final as (
    select
        {{ session_key('visitors.user_id', 'interactions.session_start_at') }} as session_key,
        visitors.user_id,
        items.product_id,
        items.category,
        items.brand,
        interactions.session_start_at,
        interactions.first_at,
        interactions.product_view_count,
        interactions.add_to_cart_count,
        interactions.remove_from_cart_count,
        interactions.purchase_count,
        interactions.unit_count,
        interactions.gross_amount
    from interactions
    inner join visitors
        on interactions.user_key = visitors.user_key
    inner join items
        on interactions.first_item_key = items.item_key
)

select * from final
