-- grain: one row per build and session that it takes apart
-- Sessions as the last finished build left them, of which an event leaves or changes: it has a newer version,
-- belongs to another user now, or became a repeated purchase or stopped being one. Tables that hold something
-- of these sessions replace it, see rebuilt_sessions. Kept until a build finishes, since an unfinished one
-- may have replaced some tables already.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_replaced_sessions() }}",
) }}
{%- set visitor_users, repeated_purchases = ref('int_visitor_users'), ref('int_repeated_purchases') %}
{%- set source_events, users = ref('stg_events'), ref('int_user_keys') %}

with

{% if is_incremental() %}
old_events as (
    select * from {{ sessionized_before() }}
),

-- An unfinished build may have placed these elsewhere: they come again as new events.
changed_sessions as (
    select
        user_key,
        session_start_at
    from old_events
    where _batch_seq > {{ processed_through() }}
    {% if source_has_event_ids() %}
    union
    select
        user_key,
        session_start_at
    from old_events
    where source_event_id in ({{ new_event_ids() }})
    {% endif %}
    {% if source_has_visitor_ids() %}
    union
    select
        moved_events.user_key,
        moved_events.session_start_at
    from (
        select * from old_events
        where is_anonymous and visitor_key in ({{ touched_visitors() }})
    ) as moved_events
    inner join {{ users }} as own_keys
        on moved_events.visitor_key = own_keys.visitor_key
    {{ latest_before_join(
        visitor_users, 'visitor_users', 'visitor_key', 'started_at',
        'moved_events.visitor_key', 'moved_events.event_at'
    ) }}
    where coalesce(visitor_users.user_key, own_keys.user_key) <> moved_events.user_key
    {% endif %}
    {% if source_has_order_ids() %}
    union
    select
        purchases.user_key,
        purchases.session_start_at
    from (
        select * from old_events
        where purchase_key is not null
    ) as purchases
    left join {{ repeated_purchases }} as repeated_purchases
        on {{ is_repetition('purchases') }}
    where (repeated_purchases.purchase_key is not null) <> purchases.is_repeated_purchase
    {% endif %}
),

final as (
    select
        old_events.user_key,
        old_events.session_start_at,
        max(old_events.event_at) as session_end_at,
        cast({{ build_target() }} as integer) as _build_seq
    from old_events
    inner join changed_sessions
        on
            old_events.user_key = changed_sessions.user_key
            and old_events.session_start_at = changed_sessions.session_start_at
    group by old_events.user_key, old_events.session_start_at
)
{% else %}
final as (
    select
        cast(null as bigint) as user_key,
        cast(null as timestamp) as session_start_at,
        cast(null as timestamp) as session_end_at,
        cast(null as integer) as _build_seq
    where false
)
{% endif %}

select * from final
