-- grain: one row per order derived from purchase events
-- Orders in the shape that fct_orders needs, for shops that have clickstream events but no orders.
-- depends_on: {{ ref('int_sessions') }}, {{ ref('int_user_keys') }}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'buyers'},
) }}

with

order_lines as (
    select * from {{ ref('int_derived_order_lines') }}
    where {{ is_touched_customer('customer_id') }}
),

contexts as (
    select * from {{ ref('int_event_contexts') }}
),

orders as (
    select
        order_key,
        customer_id,
        min(order_id) as order_id,
        {{ first_by('session_key', 'session_start_at') }} as session_key,
        min(booked_at) as ordered_at,
        {{ first_by('country', 'session_start_at') }} as country,
        {{ first_by('device_context', 'session_start_at') }} as device_context,
        {{ first_by('channel_context', 'session_start_at') }} as channel_context,
        {{ first_by('experiment_context', 'session_start_at') }} as experiment_context
    from order_lines
    group by order_key, customer_id
),

final as (
    select
        orders.order_key,
        orders.order_id,
        orders.customer_id,
        orders.session_key,
        cast(null as varchar) as status,
        '{{ var("shop_currency") }}' as stated_currency,
        '{{ var("shop_currency") }}' as presentment_currency,
        cast(null as decimal(18, 12)) as presentment_rate,
        orders.ordered_at,
        false as ordered_at_is_day,
        cast(null as timestamp) as approved_at,
        cast(null as timestamp) as shipped_at,
        cast(null as timestamp) as delivered_at,
        cast(null as timestamp) as promised_at,
        cast(null as timestamp) as canceled_at,
        {% for column in ['cancel_reason', 'sales_channel', 'store_id', 'coupon_codes', 'landing_page',
            'referrer', 'utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content'] -%}
        cast(null as varchar) as {{ column }},
        {% endfor -%}
        orders.country,
        cast(null as varchar) as region,
        cast(null as varchar) as city,
        devices.device,
        channels.channel,
        {{ assigned_group('orders.customer_id', 'variants.experiment_group') }} as experiment_group
    from orders
    left join contexts as devices
        on {{ context_key('orders.device_context') }} = devices.context_key
    left join contexts as channels
        on {{ context_key('orders.channel_context') }} = channels.context_key
    left join contexts as variants
        on {{ context_key('orders.experiment_context') }} = variants.context_key
)

select * from final
