-- grain: one row per event_product_key and event_week, the Monday of its week
-- Product totals are kept by week, so that a daily load recomputes one week instead of all. Of several
-- prices with the same timestamp, last_price is the highest.
-- depends_on: {{ ref('int_sessions') }}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'weeks'},
) }}

{%- set weeks_to_build = touched_weeks() if is_incremental() %}

with

session_events as (
    select
        *,
        cast(date_trunc('week', {{ shop_date('event_at') }}) as date) as event_week
    from {{ ref('int_sessionized_events') }}
),

events_to_count as (
    select * from session_events
    {% if is_incremental() %}
    where
        {{ is_in_dates('event_week', weeks_to_build) }}
        and {{ is_near_dates('event_at', weeks_to_build, days_after=6) }}
    {% endif %}
),

final as (
    select
        event_product_key,
        event_week,
        min(event_at) as first_seen_at,
        max(event_at) as last_seen_at,
        min(price) as lowest_price,
        max(price) as highest_price,
        max(case when price is not null then event_at end) as last_priced_at,
        {{ last_by('price', 'row(event_at, price)') }} as last_price,
        count(case when {{ is_event('product_view') }} then 1 end) as product_view_count,
        count(case when {{ is_event('add_to_cart') }} then 1 end) as add_to_cart_count,
        count(case when {{ is_event('purchase') }} then 1 end) as purchase_count
    from events_to_count
    group by event_product_key, event_week
)

select * from final
