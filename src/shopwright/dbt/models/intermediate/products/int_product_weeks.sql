-- grain: one row per item_key and event_week, the Monday of its week
-- Weeks are the slices in which product totals are kept, so that a day's load re-reads one week and not all.
-- last_price is the highest of several prices at one moment.
-- depends_on: {{ ref('int_sessions') }}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'weeks'},
) }}

{%- set weeks_to_build = touched_weeks() if is_incremental() %}

with

steps as (
    select
        *,
        cast(date_trunc('week', {{ shop_date('event_at') }}) as date) as event_week
    from {{ ref('int_event_steps') }}
),

touched as (
    select * from steps
    {% if is_incremental() %}
    where
        {{ is_one_of('event_week', weeks_to_build) }}
        and {{ lies_near('event_at', weeks_to_build, days_after=6) }}
    {% endif %}
),

final as (
    select
        item_key,
        event_week,
        min(event_at) as first_seen_at,
        max(event_at) as last_seen_at,
        min(price) as lowest_price,
        max(price) as highest_price,
        max(case when price is not null then event_at end) as last_priced_at,
        {{ last_by('price', 'row(event_at, price)') }} as last_price,
        count(case when funnel_rank = 2 then 1 end) as product_view_count,
        count(case when funnel_rank = 3 then 1 end) as add_to_cart_count,
        count(case when funnel_rank = 6 then 1 end) as purchase_count
    from touched
    group by item_key, event_week
)

select * from final
