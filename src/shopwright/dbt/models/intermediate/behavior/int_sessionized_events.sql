-- grain: one row per event, assigned to its session; narrow, with keys instead of texts
-- For analysis read int_user_journey: the same rows with the texts joined back.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'own_sessions', 'session_end': 'event_at'},
) }}
{#
    A column that the shop never fills is left out of the sorts: sorting by two empty texts per event took a
    third of the build.
#}
{%- set has_event_ids, has_order_ids = source_has_event_ids(), source_has_order_ids() %}
{%- set gap = "interval '" ~ var('session_gap_minutes') ~ " minutes'" %}

with

source_events as (
    select * from {{ ref('stg_events') }}
    {% if is_incremental() %}
    where _batch_seq > {{ processed_through() }}
    {% endif %}
),

-- Only users in the new events: otherwise the engine builds a hash table of all users the shop ever had.
user_keys as (
    select * from {{ ref('int_user_keys') }}
    {% if is_incremental() %}
    where user_id in (select source_events.user_id from source_events)
    {% endif %}
),

new_events as (
    select
        user_keys.user_key,
        events.event_at,
        events.funnel_rank,
        event_products.event_product_key,
        contexts.context_key,
        contexts.context_hash,
        events.price,
        cast(events.quantity as integer) as quantity,
        {% if has_order_ids %}events.order_id,{% endif %}
        {% if has_event_ids %}events.source_event_id,{% endif %}
        cast(events._batch_seq as integer) as _batch_seq
    from source_events as events
    inner join user_keys
        on events.user_id = user_keys.user_id
    inner join {{ ref('int_event_products') }} as event_products
        on
            {{ null_safe_equal('events.product_id', 'event_products.product_id') }}
            and {{ null_safe_equal('events.product_name', 'event_products.product_name') }}
            and {{ null_safe_equal('events.category', 'event_products.category') }}
            and {{ null_safe_equal('events.brand', 'event_products.brand') }}
    inner join {{ ref('int_event_contexts') }} as contexts
        on
            {{ null_safe_equal('events.device', 'contexts.device') }}
            and {{ null_safe_equal('events.country', 'contexts.country') }}
            and {{ null_safe_equal('events.channel', 'contexts.channel') }}
            and {{ null_safe_equal('events.experiment_group', 'contexts.experiment_group') }}
),

{% if is_incremental() %}
-- Rows of unfinished builds come again as new events, so they are not old events.
old_events as (
    select *
    from {{ this }}
    where
        _batch_seq <= {{ processed_through() }}
        and {{ is_near_new_events(this, gap) }}
        and user_key in (select user_key from new_events)
),

old_sessions as (
    select
        user_key,
        session_start_at,
        max(event_at) as session_end_at
    from old_events
    group by user_key, session_start_at
),

touched_sessions as (
    select distinct
        old_sessions.user_key,
        old_sessions.session_start_at
    from old_sessions
    inner join new_events
        on
            old_sessions.user_key = new_events.user_key
            and old_sessions.session_start_at <= new_events.event_at + {{ gap }}
            and old_sessions.session_end_at >= new_events.event_at - {{ gap }}
),

events as (
    select * from new_events
    union all
    select
        old_events.user_key,
        old_events.event_at,
        old_events.funnel_rank,
        old_events.event_product_key,
        old_events.context_key,
        contexts.context_hash,
        old_events.price,
        old_events.quantity,
        {% if has_order_ids %}old_events.order_id,{% endif %}
        {% if has_event_ids %}old_events.source_event_id,{% endif %}
        old_events._batch_seq
    from old_events
    inner join touched_sessions
        on
            old_events.user_key = touched_sessions.user_key
            and old_events.session_start_at = touched_sessions.session_start_at
    inner join {{ ref('int_event_contexts') }} as contexts
        on old_events.context_key = contexts.context_key
),
{% else %}
events as not materialized (
    select * from new_events
),
{% endif %}

{% if has_event_ids %}
-- Versions of one event (same id, user, timestamp and type, different payload) count once. Events without an
-- id cannot have versions and skip the sort.
ranked_versions as (
    select
        *,
        {{ is_first(
            'user_key, event_at, funnel_rank, source_event_id',
            'event_product_key, price, quantity, ' ~ ('order_id, ' if has_order_ids else '') ~ 'context_hash'
        ) }} as is_preferred
    from events
    where source_event_id is not null
),

single_events as (
    select
        *,
        true as is_preferred
    from events
    where source_event_id is null
    union all
    select * from ranked_versions
    where is_preferred
),
{% else %}
single_events as (
    select * from events
),
{% endif %}

-- The sort is total over every column below, so the result does not depend on the order of the input.
ordered_events as (
    select
        *,
        row_number() over by_time as user_step,
        lag(event_at) over by_time as previous_at
    from single_events
    window by_time as (
        partition by user_key
        order by
            event_at, funnel_rank, {% if has_event_ids %}source_event_id,{% endif %}
            event_product_key, price, quantity, {% if has_order_ids %}order_id,{% endif %} context_hash
    )
),

session_starts as (
    select
        *,
        previous_at is null or event_at > previous_at + {{ gap }} as is_session_start
    from ordered_events
),

-- A session is identified by its start, which never changes for sessions without new events.
sessionized as (
    select
        *,
        max(case when is_session_start then event_at end) over by_step as session_start_at,
        max(case when is_session_start then user_step end) over by_step as session_first_step
    from session_starts
    window by_step as (partition by user_key order by user_step)
),

final as (
    select
        user_key,
        session_start_at,
        cast(user_step - session_first_step + 1 as integer) as step_number,
        event_at,
        funnel_rank,
        event_product_key,
        context_key,
        price,
        quantity,
        {{ 'order_id' if has_order_ids else 'cast(null as varchar) as order_id' }},
        {{ 'source_event_id' if has_event_ids else 'cast(null as varchar) as source_event_id' }},
        case
            when not is_session_start
                then cast({{ seconds_between('previous_at', 'event_at') }} as integer)
        end as seconds_since_previous,
        _batch_seq,
        cast({{ build_target() }} as integer) as _build_seq
    from sessionized
)

select * from final
{% if not is_incremental() %}
-- Sorted by week, so that queries for a day or a week skip the rest of the table.
order by cast(date_trunc('week', session_start_at) as date), user_key
{% endif %}
