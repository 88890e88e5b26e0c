-- grain: one row per session, and one per order of a person with sessions (order_key is null for sessions)
-- The channels that a person came by in the days before: of the sessions that started within the look-back of
-- the session's start, itself included, or of the order's moment. An order of which only the day is known is
-- placed at the end of it. A build looks at the persons whose rows it computes again.
{%- set source_orders, derived_orders = ref('int_source_orders'), ref('int_derived_orders') %}
{%- set int_sessions, contexts = ref('int_sessions'), ref('int_event_contexts') %}
{%- set lookback = "interval '" ~ var('attribution_lookback_days') ~ " days'" %}

with

user_keys as (
    select * from {{ ref('int_user_keys') }}
),

{% if source_has_channels() %}
orders as (
    select
        user_keys.user_key,
        orders.order_key,
        case
            when orders.ordered_at_is_day then orders.ordered_at + interval '1 day' - interval '1 microsecond'
            else orders.ordered_at
        end as occurred_at
    from {{ source_orders if source_has_orders() else derived_orders }} as orders
    inner join user_keys
        on orders.customer_id = user_keys.user_id
),

sessions as (
    select
        sessions.user_key,
        sessions.session_start_at as occurred_at,
        channels.channel,
        lower(channels.channel) in ('direct', '(direct)') as is_direct
    from {{ int_sessions }} as sessions
    left join {{ contexts }} as channels
        on {{ context_key('sessions.channel_context') }} = channels.context_key
),

sessions_and_orders as (
    select
        user_key,
        cast(null as varchar) as order_key,
        occurred_at,
        channel,
        is_direct
    from sessions
    union all
    select
        user_key,
        order_key,
        occurred_at,
        null,
        null
    from orders
),

looked_back as (
    select
        user_key,
        order_key,
        occurred_at,
        min(case when channel is not null then occurred_at end) over lookback as first_at,
        max(case when not is_direct then occurred_at end) over lookback as last_non_direct_at
    from sessions_and_orders
    {% if is_partial_build() %}
    where
        user_key in ({{ touched_users() }})
        {% if rebuilds_all_orders() %}or user_key in (select orders.user_key from orders){% endif %}
    {% endif %}
    window lookback as (
        partition by user_key
        order by occurred_at
        range between {{ lookback }} preceding and current row
    )
),

final as (
    select
        looked_back.user_key,
        looked_back.order_key,
        looked_back.occurred_at,
        first_sessions.channel as first_channel,
        last_sessions.channel as last_non_direct_channel
    from looked_back
    left join sessions as first_sessions
        on
            looked_back.user_key = first_sessions.user_key
            and looked_back.first_at = first_sessions.occurred_at
    left join sessions as last_sessions
        on
            looked_back.user_key = last_sessions.user_key
            and looked_back.last_non_direct_at = last_sessions.occurred_at
)
{% else %}
final as (
    select
        user_key,
        cast(null as varchar) as order_key,
        cast(null as timestamp) as occurred_at,
        cast(null as varchar) as first_channel,
        cast(null as varchar) as last_non_direct_channel
    from user_keys
    where false
)
{% endif %}

select * from final
