-- grain: one row per experiment and unit for which the moment came that exposes it
-- A view: when, whatever the variant. session_start_at is the session of that moment; unit_id and user_id
-- are known here only where the variant is told and the exposure is the assignment.
{{ config(materialized='view') }}

with

experiments as (
    select * from {{ ref('int_experiments') }}
),

sessions as (
    select * from {{ ref('int_sessions') }}
    where {{ counts_in_rates() }}
),

exposing_events as (
    select * from {{ ref('int_experiment_exposing_events') }}
),

sightings as (
    select * from {{ ref('int_experiment_sightings') }}
),

exposing_sessions as (
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
        experiments.exposure = 'assigned'
        and experiments.assignment in ('hash', 'md5_parity')
),

exposing_clicks as (
    select * from exposing_sessions
    union all
    select * from exposing_events
),

told_by_clicks as (
    select
        experiment,
        cast(null as varchar) as unit_id,
        cast(null as varchar) as user_id,
        user_key,
        unit_session_start_at,
        min(session_start_at) as session_start_at,
        min(moment_at) as exposed_at
    from exposing_clicks
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
    select * from told_by_clicks
    union all
    select * from told_by_sightings
)

select * from final
