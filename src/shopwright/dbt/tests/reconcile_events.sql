-- Every landed event is one step of one session, versions of one event counted once, and no step is made
-- up. Counting versions sorts all events that bring an id, so an incremental build only checks that steps
-- are no more.


with

landed as (
    select
        count(*) as event_count,
        count(source_event_id) as identified_count
    from {{ ref('stg_events') }}
),

{% if not looks_at_touched_only() %}
versions as (
    select count(*) as distinct_count
    from (
        select distinct
            user_id,
            event_at,
            funnel_rank,
            source_event_id
        from {{ ref('stg_events') }}
        where source_event_id is not null
    ) as identified
),
{% endif %}

steps as (
    select
        count(*) as event_count,
        count(source_event_id) as identified_count
    from {{ ref('int_event_steps') }}
),

sessions as (
    select coalesce(sum(event_count), 0) as event_count from {{ ref('int_sessions') }}
),

published as (
    select coalesce(sum(event_count), 0) as event_count from {{ ref('fct_sessions') }}
)

select
    landed.event_count as landed_count,
    steps.event_count as step_count,
    sessions.event_count as session_count,
    published.event_count as published_count
from landed
cross join steps
cross join sessions
cross join published
{% if not looks_at_touched_only() %}cross join versions{% endif %}
where
    steps.event_count <> sessions.event_count
    or steps.event_count <> published.event_count
    or landed.event_count - landed.identified_count <> steps.event_count - steps.identified_count
    or steps.identified_count > landed.identified_count
    {% if not looks_at_touched_only() %}or steps.identified_count <> versions.distinct_count{% endif %}
