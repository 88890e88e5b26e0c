-- Every source event is one event of one session, versions of an event count once, and no event is
-- invented.
-- Counting versions sorts all events that have an id, so an incremental build only checks that there are
-- not more.


with

source_events as (
    select
        count(*) as event_count,
        count(source_event_id) as identified_count
    from {{ ref('stg_events') }}
),

{% if not tests_touched_rows_only() %}
versions as (
    select count(*) as distinct_count
    from (
        select distinct source_event_id
        from {{ ref('stg_events') }}
        where source_event_id is not null
    ) as identified
),
{% endif %}

session_events as (
    select
        count(*) as event_count,
        count(source_event_id) as identified_count
    from {{ ref('int_sessionized_events') }}
),

sessions as (
    select coalesce(sum(event_count), 0) as event_count from {{ ref('int_sessions') }}
),

published as (
    select coalesce(sum(event_count), 0) as event_count from {{ ref('fct_sessions') }}
)

select
    source_events.event_count as source_count,
    session_events.event_count as session_event_count,
    sessions.event_count as session_count,
    published.event_count as published_count
from source_events
cross join session_events
cross join sessions
cross join published
{% if not tests_touched_rows_only() %}cross join versions{% endif %}
where
    session_events.event_count <> sessions.event_count
    or session_events.event_count <> published.event_count
    or source_events.event_count - source_events.identified_count
    <> session_events.event_count - session_events.identified_count
    or session_events.identified_count > source_events.identified_count
    {% if not tests_touched_rows_only() %}
    or session_events.identified_count <> versions.distinct_count
    {% endif %}
