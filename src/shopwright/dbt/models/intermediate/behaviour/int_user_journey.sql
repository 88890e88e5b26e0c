-- grain: one row per event, put in its session
{{ config(materialized='view') }}

with

steps as (
    select * from {{ ref('int_event_steps') }}
),

visitors as (
    select * from {{ ref('int_visitors') }}
),

items as (
    select * from {{ ref('int_items') }}
),

contexts as (
    select * from {{ ref('int_contexts') }}
),

final as (
    select
        visitors.user_id,
        steps.event_at,
        steps.session_start_at,
        steps.step_number,
        case steps.funnel_rank
            when 0 then 'page_view'
            when 1 then 'search'
            when 2 then 'product_view'
            when 3 then 'add_to_cart'
            when 4 then 'remove_from_cart'
            when 5 then 'begin_checkout'
            when 6 then 'purchase'
        end as event_type,
        items.product_id,
        items.category,
        items.brand,
        steps.price,
        steps.quantity,
        case
            when steps.funnel_rank = 6
                then {{ amount('steps.price * coalesce(steps.quantity, 1)') }}
        end as gross_amount,
        steps.order_id,
        contexts.device,
        contexts.country,
        contexts.channel,
        contexts.experiment_group,
        steps.seconds_since_previous,
        steps.source_event_id,
        steps.user_key,
        steps._batch_seq,
        steps._build_seq
    from steps
    inner join visitors
        on steps.user_key = visitors.user_key
    inner join items
        on steps.item_key = items.item_key
    inner join contexts
        on steps.context_key = contexts.context_key
)

select * from final
