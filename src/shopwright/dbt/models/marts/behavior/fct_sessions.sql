-- grain: one row per session
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'sessions'},
) }}

with

sessions as (
    select sessions.*
    from {{ ref('int_sessions') }} as sessions
    {% if is_incremental() %}
    inner join ({{ attributed_sessions() }}) as touched
        on
            sessions.user_key = touched.user_key
            and sessions.session_start_at between touched.session_start_at and touched.session_end_at
    {% endif %}
),

user_keys as (
    select * from {{ ref('int_user_keys') }}
    {% if is_incremental() %}
    where user_key in ({{ touched_users() }})
    {% endif %}
),

attribution as (
    select * from {{ ref('int_channel_attribution') }}
    where order_key is null
),

contexts as (
    select * from {{ ref('int_event_contexts') }}
),

final as (
    select
        {{ session_key('user_keys.user_id', 'sessions.session_start_at') }} as session_key,
        user_keys.user_id,
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
        sessions.other_count,
        sessions.unit_count,
        sessions.gross_amount,
        channels.channel as entry_channel,
        attribution.first_channel,
        attribution.last_non_direct_channel,
        devices.device as entry_device,
        countries.country as entry_country,
        {{ assigned_group('user_keys.user_id', 'variants.experiment_group') }} as experiment_group,
        sessions.is_bot,
        sessions.add_to_cart_count > 0 as has_cart,
        sessions.purchase_count > 0 as is_converted,
        sessions.add_to_cart_count > 0 and sessions.purchase_count = 0 as is_abandoned,
        {{ seconds_between('sessions.session_start_at', 'sessions.first_purchase_at') }}
            as seconds_to_purchase
    from sessions
    inner join user_keys
        on sessions.user_key = user_keys.user_key
    left join attribution
        on
            sessions.user_key = attribution.user_key
            and sessions.session_start_at = attribution.occurred_at
    left join contexts as channels
        on {{ context_key('sessions.channel_context') }} = channels.context_key
    left join contexts as devices
        on {{ context_key('sessions.device_context') }} = devices.context_key
    left join contexts as countries
        on {{ context_key('sessions.country_context') }} = countries.context_key
    left join contexts as variants
        on {{ context_key('sessions.experiment_context') }} = variants.context_key
)

select * from final
