-- grain: one row per experiment, unit and variant in the shop's exposure log (stg_exposures), with the user
-- A view, of experiments with assignment = 'exposures'. Variants that the settings do not name are left out;
-- units that never clicked have no user_key. A unit that is a visitor's id counts for its person, once.
{{ config(materialized='view') }}

{%- set steps = ref('int_sessionized_events') %}
{%- set has_visitor_ids = source_has_visitor_ids() %}

with

variants as (
    select * from {{ ref('int_experiment_variants_assigned_externally') }}
    where assignment = 'exposures'
),

exposures as (
    select * from {{ ref('stg_exposures') }}
),

published_sessions as (
    select * from {{ ref('fct_sessions') }}
),

visitors as (
    select * from {{ ref('int_user_keys') }}
),

log_rows as (
    select
        variants.experiment,
        variants.end_at,
        variants.unit,
        exposures.unit_id,
        variants.variant,
        variants.position,
        exposures.exposed_at
    from exposures
    inner join variants
        on
            exposures.experiment = variants.experiment
            and exposures.variant = variants.variant
            and exposures.exposed_at >= variants.start_at
            and exposures.exposed_at < variants.end_at
),

{% if has_visitor_ids %}
-- An id that has sessions is a person's. Any other may be a visitor's: its events are those of a person.
logged_people as (
    select distinct user_id from published_sessions
    where user_id in (select log_rows.unit_id from log_rows)
),

logged_visitors as (
    select distinct
        log_rows.unit_id,
        log_rows.exposed_at,
        {{ stable_number('log_rows.unit_id') }} as visitor_key
    from log_rows
    left join logged_people
        on log_rows.unit_id = logged_people.user_id
    where log_rows.unit = 'user' and logged_people.user_id is null
),

visitor_events as (
    select
        events.visitor_key,
        events.event_at,
        visitors.user_id
    from {{ steps }} as events
    inner join visitors
        on events.user_key = visitors.user_key
    where events.visitor_key in (select logged_visitors.visitor_key from logged_visitors)
),

-- The person who used the device next, else the one who used it last.
visitor_people as (
    select
        logged_visitors.unit_id,
        logged_visitors.exposed_at,
        coalesce(
            {{ first_by(
                'case when visitor_events.event_at >= logged_visitors.exposed_at then visitor_events.user_id end',
                'row(visitor_events.event_at, visitor_events.user_id)'
            ) }},
            {{ last_by('visitor_events.user_id', 'row(visitor_events.event_at, visitor_events.user_id)') }}
        ) as user_id
    from logged_visitors
    inner join visitor_events
        on logged_visitors.visitor_key = visitor_events.visitor_key
    group by logged_visitors.unit_id, logged_visitors.exposed_at
),

people_rows as (
    select
        log_rows.experiment,
        log_rows.end_at,
        log_rows.unit,
        coalesce(visitor_people.user_id, log_rows.unit_id) as unit_id,
        log_rows.variant,
        log_rows.position,
        log_rows.exposed_at
    from log_rows
    left join visitor_people
        on
            log_rows.unit = 'user'
            and log_rows.unit_id = visitor_people.unit_id
            and log_rows.exposed_at = visitor_people.exposed_at
),
{% else %}
people_rows as (
    select * from log_rows
),
{% endif %}

logged as (
    select
        experiment,
        end_at,
        unit_id,
        case when unit = 'user' then unit_id end as user_id,
        case when unit = 'session' then unit_id end as session_key,
        variant,
        position,
        min(exposed_at) as first_seen_at
    from people_rows
    group by experiment, end_at, unit, unit_id, variant, position
),

-- Reduced before they are joined: experiments of this kind are few, sessions and visitors many.
logged_sessions as (
    select
        session_key,
        user_id,
        session_start_at
    from published_sessions
    where session_key in (select logged.session_key from logged)
),

identified as (
    select
        logged.*,
        coalesce(logged.user_id, logged_sessions.user_id) as resolved_user_id,
        logged_sessions.session_start_at as unit_session_start_at
    from logged
    left join logged_sessions
        on logged.session_key = logged_sessions.session_key
),

logged_users as (
    select
        user_id,
        user_key
    from visitors
    where user_id in (select identified.resolved_user_id from identified)
),

final as (
    select
        identified.experiment,
        identified.end_at,
        identified.unit_id,
        identified.resolved_user_id as user_id,
        logged_users.user_key,
        identified.unit_session_start_at,
        identified.variant,
        identified.position,
        identified.first_seen_at
    from identified
    left join logged_users
        on identified.resolved_user_id = logged_users.user_id
)

select * from final
