-- grain: one row per event, put in its session; narrow, with keys in place of texts
-- Read int_user_journey instead: it is this table with the texts back in place.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'own_sessions', 'session_end': 'event_at'},
) }}
{#
    A column that the shop never fills is left out of the sorts: two empty texts per event cost a third of
    the build.
#}
{%- set has_event_ids, has_order_ids = states_event_ids(), states_order_ids() %}
{%- set gap = "interval '" ~ var('session_gap_minutes') ~ " minutes'" %}

with

landed as (
    select * from {{ ref('stg_events') }}
    {% if is_incremental() %}
    where _batch_seq > {{ processed_through() }}
    {% endif %}
),

-- Only those who come: the engine would make a lookup table of all whom the shop ever saw.
visitors as (
    select * from {{ ref('int_visitors') }}
    {% if is_incremental() %}
    where user_id in (select landed.user_id from landed)
    {% endif %}
),

new_events as (
    select
        visitors.user_key,
        events.event_at,
        events.funnel_rank,
        items.item_key,
        contexts.context_key,
        contexts.context_order,
        events.price,
        cast(events.quantity as integer) as quantity,
        {% if has_order_ids %}events.order_id,{% endif %}
        {% if has_event_ids %}events.source_event_id,{% endif %}
        cast(events._batch_seq as integer) as _batch_seq
    from landed as events
    inner join visitors
        on events.user_id = visitors.user_id
    inner join {{ ref('int_items') }} as items
        on
            {{ same('events.product_id', 'items.product_id') }}
            and {{ same('events.product_name', 'items.product_name') }}
            and {{ same('events.category', 'items.category') }}
            and {{ same('events.brand', 'items.brand') }}
    inner join {{ ref('int_contexts') }} as contexts
        on
            {{ same('events.device', 'contexts.device') }}
            and {{ same('events.country', 'contexts.country') }}
            and {{ same('events.channel', 'contexts.channel') }}
            and {{ same('events.experiment_group', 'contexts.experiment_group') }}
),

{% if is_incremental() %}
-- Rows of unfinished builds come again as new events, so they do not count as old.
old_events as (
    select *
    from {{ this }}
    where
        _batch_seq <= {{ processed_through() }}
        and {{ is_within_reach(this, gap) }}
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
        old_events.item_key,
        old_events.context_key,
        contexts.context_order,
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
    inner join {{ ref('int_contexts') }} as contexts
        on old_events.context_key = contexts.context_key
),
{% else %}
events as not materialized (
    select * from new_events
),
{% endif %}

{% if has_event_ids %}
-- Versions of one event (same id, user, moment and action, other payload) count once. Events without an id
-- cannot have versions and are spared the sort.
ranked_versions as (
    select
        *,
        {{ is_first(
            'user_key, event_at, funnel_rank, source_event_id',
            'item_key, price, quantity, ' ~ ('order_id, ' if has_order_ids else '') ~ 'context_order'
        ) }} as is_chosen
    from events
    where source_event_id is not null
),

single_events as (
    select
        *,
        true as is_chosen
    from events
    where source_event_id is null
    union all
    select * from ranked_versions
    where is_chosen
),
{% else %}
single_events as (
    select * from events
),
{% endif %}

-- The order within a user is total in everything that a column below can show.
ordered as (
    select
        *,
        row_number() over by_time as user_step,
        lag(event_at) over by_time as previous_at
    from single_events
    window by_time as (
        partition by user_key
        order by
            event_at, funnel_rank, {% if has_event_ids %}source_event_id,{% endif %}
            item_key, price, quantity, {% if has_order_ids %}order_id,{% endif %} context_order
    )
),

marked as (
    select
        *,
        previous_at is null or event_at > previous_at + {{ gap }} as is_session_start
    from ordered
),

-- A session is known by its start, which untouched sessions keep for ever.
sessionised as (
    select
        *,
        max(case when is_session_start then event_at end) over by_step as session_start_at,
        max(case when is_session_start then user_step end) over by_step as session_first_step
    from marked
    window by_step as (partition by user_key order by user_step)
),

final as (
    select
        user_key,
        session_start_at,
        cast(user_step - session_first_step + 1 as integer) as step_number,
        event_at,
        funnel_rank,
        item_key,
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
    from sessionised
)

select * from final
{% if not is_incremental() %}
-- Kept by weeks, so that what asks for a day or a week skips the rest of the table.
order by cast(date_trunc('week', session_start_at) as date), user_key
{% endif %}
