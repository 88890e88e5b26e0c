-- grain: one row per experiment and unit for which the moment came that exposes it
-- A view: when, whatever the variant. session_start_at is the session of that moment; unit_id and user_id
-- are known here only where the variant is stated.
{{ config(materialized='view') }}

with

experiments as (
    select * from {{ ref('int_experiments') }}
),

sessions as not materialized (
    select * from {{ ref('int_sessions') }}
),

steps as (
    select * from {{ ref('int_event_steps') }}
),

sightings as (
    select * from {{ ref('int_experiment_sightings') }}
),

session_moments as (
    select
        experiments.experiment,
        sessions.user_key,
        case when experiments.unit = 'session' then sessions.session_start_at end as unit_session_start_at,
        sessions.session_start_at,
        sessions.session_start_at as moment_at
    from sessions
    inner join experiments
        on
            sessions.session_start_at >= experiments.start_at
            and sessions.session_start_at < experiments.end_at
    where
        {{ counts_in_rates('sessions.is_bot') }}
        and experiments.exposure = 'assigned'
        and experiments.assignment in ('hash', 'md5_parity')
),

event_moments as (
    select
        experiments.experiment,
        steps.user_key,
        case when experiments.unit = 'session' then steps.session_start_at end as unit_session_start_at,
        steps.session_start_at,
        steps.event_at as moment_at
    from steps
    inner join experiments
        on
            steps.funnel_rank = experiments.exposure_rank
            and steps.event_at >= experiments.start_at
            and steps.event_at < experiments.end_at
    left join sessions
        on
            steps.user_key = sessions.user_key
            and steps.session_start_at = sessions.session_start_at
            and not ({{ counts_in_rates('sessions.is_bot') }})
    where
        sessions.user_key is null
        and (experiments.unit = 'user' or steps.session_start_at >= experiments.start_at)
),

moments as (
    select * from session_moments
    union all
    select * from event_moments
),

told_by_clicks as (
    select
        experiment,
        user_key,
        unit_session_start_at,
        min(session_start_at) as session_start_at,
        min(moment_at) as exposed_at
    from moments
    group by experiment, user_key, unit_session_start_at
),

told_by_sightings as (
    select
        sightings.experiment,
        sightings.unit_id,
        sightings.user_id,
        sightings.user_key,
        sightings.unit_session_start_at,
        min(sightings.session_start_at) as session_start_at,
        min(sightings.exposed_at) as exposed_at
    from sightings
    inner join experiments
        on sightings.experiment = experiments.experiment
    where experiments.exposure = 'assigned'
    group by
        sightings.experiment, sightings.unit_id, sightings.user_id, sightings.user_key,
        sightings.unit_session_start_at
    having min(sightings.exposed_at) is not null
),

final as (
    select
        experiment,
        cast(null as varchar) as unit_id,
        cast(null as varchar) as user_id,
        user_key,
        unit_session_start_at,
        session_start_at,
        exposed_at
    from told_by_clicks
    union all
    select
        experiment,
        unit_id,
        user_id,
        user_key,
        unit_session_start_at,
        session_start_at,
        exposed_at
    from told_by_sightings
)

select * from final
