-- grain: one row per order, that is per user and order_id
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'users'},
) }}

with

purchases as (
    select * from {{ ref('int_purchases') }}
    {% if is_incremental() %}
    where user_key in ({{ touched_users() }})
    {% endif %}
),

orders as (
    select
        user_key,
        user_id,
        order_id,
        min(event_at) as ordered_at,
        min(session_start_at) as session_start_at,
        count(*) as line_count,
        sum(unit_count) as unit_count,
        {{ money_sum('gross_amount') }} as gross_amount
    from purchases
    group by user_key, user_id, order_id
),

sessions as (
    select * from {{ ref('int_sessions') }}
    where
        purchase_count > 0
        {% if is_incremental() %}
        and user_key in ({{ touched_users() }})
        {% endif %}
),

contexts as (
    select * from {{ ref('int_contexts') }}
),

final as (
    select
        orders.user_key,
        orders.user_id,
        orders.order_id,
        {{ session_key('orders.user_id', 'orders.session_start_at') }} as session_key,
        orders.ordered_at,
        {{ shop_date('orders.ordered_at') }} as order_date,
        orders.line_count,
        cast(orders.unit_count as bigint) as unit_count,
        orders.gross_amount,
        devices.device,
        countries.country,
        channels.channel,
        {{ assigned_group('orders.user_id', 'variants.experiment_group') }} as experiment_group,
        sessions.is_bot
    from orders
    inner join sessions
        on
            orders.user_key = sessions.user_key
            and orders.session_start_at = sessions.session_start_at
    left join contexts as devices
        on {{ context_key_of('sessions.device_context') }} = devices.context_key
    left join contexts as countries
        on {{ context_key_of('sessions.country_context') }} = countries.context_key
    left join contexts as channels
        on {{ context_key_of('sessions.channel_context') }} = channels.context_key
    left join contexts as variants
        on {{ context_key_of('sessions.experiment_context') }} = variants.context_key
)

select * from final
