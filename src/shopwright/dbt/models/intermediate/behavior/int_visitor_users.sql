-- grain: one row per visitor and moment from which its anonymous events belong to another user than before
-- Within a visit of the device an anonymous event belongs to the user who is known next in it, else to the
-- one before. In a visit in which nobody is known it belongs to the user known next on the device,
-- else to the last one. Visitors on whose device nobody is ever known, or somebody always is, have no row.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'visitors'},
) }}
{%- set source_events, users = ref('stg_events'), ref('int_user_keys') %}
{%- set repeated_ids = ref('int_repeated_event_ids') %}
{%- set gap = "interval '" ~ var('session_gap_minutes') ~ " minutes'" %}

with

{% if source_has_visitor_ids() %}
source_rows as (
    select * from {{ source_events }}
    where
        visitor_id is not null
        {% if is_incremental() %}and _batch_seq > {{ processed_through() }}{% endif %}
),

new_events as (
    {{ latest_versions('source_rows') }}
),

-- A device on which nobody is known, or somebody always is, needs no sort.
visitor_events as (
    select
        {{ stable_number('visitor_id') }} as visitor_key,
        event_at,
        case when not is_anonymous then user_id end as known_user_id
    from new_events
    {% if is_incremental() %}
    union all
    select
        old_events.visitor_key,
        old_events.event_at,
        case when not old_events.is_anonymous then user_keys.user_id end as known_user_id
    from {{ sessionized_before() }} as old_events
    inner join {{ users }} as user_keys
        on old_events.user_key = user_keys.user_key
    where
        old_events._batch_seq <= {{ processed_through() }}
        and old_events.visitor_key in ({{ touched_visitors() }})
        and {{ is_not_replaced('old_events.source_event_id') }}
    {% endif %}
),

stitched_visitors as (
    select visitor_key from visitor_events
    group by visitor_key
    having count(known_user_id) between 1 and count(*) - 1
),

-- Of several users at one moment the first by id is the one known then.
moments as (
    select
        visitor_key,
        event_at,
        min(known_user_id) as known_user_id,
        count(*) > count(known_user_id) as has_anonymous_event
    from visitor_events
    where visitor_key in (select stitched_visitors.visitor_key from stitched_visitors)
    group by visitor_key, event_at
),

visit_starts as (
    select
        *,
        lag(event_at) over (partition by visitor_key order by event_at) as previous_at
    from moments
),

visits as (
    select
        *,
        max(case when previous_at is null or event_at > previous_at + {{ gap }} then event_at end)
            over (partition by visitor_key order by event_at) as visit_at,
        count(known_user_id) over (partition by visitor_key order by event_at) as known_before,
        count(known_user_id) over (partition by visitor_key order by event_at desc) as known_after
    from visit_starts
),

-- Each of these groups has one moment at which somebody is known: its first, or its last.
neighbours as (
    select
        *,
        max(known_user_id) over (partition by visitor_key, known_before) as previous_user_id,
        max(case when known_user_id is not null then visit_at end)
            over (partition by visitor_key, known_before) as previous_visit_at,
        max(known_user_id) over (partition by visitor_key, known_after) as next_user_id,
        max(case when known_user_id is not null then visit_at end)
            over (partition by visitor_key, known_after) as next_visit_at
    from visits
),

anonymous_moments as (
    select
        visitor_key,
        event_at,
        case
            when next_visit_at = visit_at then next_user_id
            when previous_visit_at = visit_at then previous_user_id
            else coalesce(next_user_id, previous_user_id)
        end as user_id
    from neighbours
    where has_anonymous_event
),

changes as (
    select
        *,
        lag(user_id) over (partition by visitor_key order by event_at) as previous_user_id
    from anonymous_moments
),

final as (
    select
        changes.visitor_key,
        changes.event_at as started_at,
        user_keys.user_key
    from changes
    inner join {{ users }} as user_keys
        on changes.user_id = user_keys.user_id
    where changes.user_id is distinct from changes.previous_user_id
)
{% else %}
final as (
    select
        cast(null as bigint) as visitor_key,
        cast(null as timestamp) as started_at,
        cast(null as bigint) as user_key
    where false
)
{% endif %}

select * from final
