-- grain: one row per session and category it acted on
-- A view: fct_funnel reads the dates it needs through it. category_key is an item, any one that states the
-- category.
{{ config(materialized='view') }}

with

steps as (
    select
        *,
        {{ shop_date('session_start_at') }} as session_date
    from {{ ref('int_event_steps') }}
    where funnel_rank in (2, 3, 6)
),

items as (
    select
        item_key,
        min(item_key) over (partition by category) as category_key
    from {{ ref('int_items') }}
),

final as (
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
)

select * from final
