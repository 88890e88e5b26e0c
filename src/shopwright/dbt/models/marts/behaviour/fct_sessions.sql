-- grain: one row per session
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'sessions'},
) }}

with

sessions as (
    select * from {{ ref('int_sessions') }}
    {% if is_incremental() %}
    where _build_seq > {{ processed_through() }}
    {% endif %}
),

visitors as (
    select * from {{ ref('int_visitors') }}
    {% if is_incremental() %}
    where user_key in ({{ touched_users() }})
    {% endif %}
),

contexts as (
    select * from {{ ref('int_contexts') }}
),

final as (
    select
        {{ session_key('visitors.user_id', 'sessions.session_start_at') }} as session_key,
        visitors.user_id,
        {{ shop_date('sessions.session_start_at') }} as session_date,
        sessions.session_start_at,
        sessions.session_end_at,
        sessions.duration_seconds,
        sessions.event_count,
        sessions.page_view_count,
        sessions.search_count,
        sessions.product_view_count,
        sessions.add_to_cart_count,
        sessions.remove_from_cart_count,
        sessions.begin_checkout_count,
        sessions.purchase_count,
        sessions.unit_count,
        sessions.gross_amount,
        channels.channel as entry_channel,
        devices.device as entry_device,
        countries.country as entry_country,
        {{ assigned_group('visitors.user_id', 'variants.experiment_group') }} as experiment_group,
        sessions.is_bot,
        sessions.add_to_cart_count > 0 as has_cart,
        sessions.purchase_count > 0 as is_converted,
        sessions.add_to_cart_count > 0 and sessions.purchase_count = 0 as is_abandoned,
        {{ seconds_between('sessions.session_start_at', 'sessions.first_purchase_at') }}
            as seconds_to_purchase
    from sessions
    inner join visitors
        on sessions.user_key = visitors.user_key
    left join contexts as channels
        on {{ context_key_of('sessions.channel_context') }} = channels.context_key
    left join contexts as devices
        on {{ context_key_of('sessions.device_context') }} = devices.context_key
    left join contexts as countries
        on {{ context_key_of('sessions.country_context') }} = countries.context_key
    left join contexts as variants
        on {{ context_key_of('sessions.experiment_context') }} = variants.context_key
)

select * from final
