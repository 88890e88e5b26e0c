-- grain: one row per experiment and event that may expose its unit
-- A view, of experiments that a type of event exposes. Where variants are told, nothing exposes a unit before
-- it was first seen in one: an event of that very moment counts, an earlier one does not.
{{ config(materialized='view') }}

with

experiments as (
    select * from {{ ref('int_experiments') }}
),

steps as (
    select * from {{ ref('int_event_steps') }}
),

bots as not materialized (
    select * from {{ ref('int_sessions') }}
    where not ({{ counts_in_rates() }})
),

first_sightings as (
    select * from {{ ref('int_experiment_sightings') }}
    where is_first_seen
),

events as (
    select
        experiments.experiment,
        experiments.assignment,
        steps.user_key,
        case when experiments.unit = 'session' then steps.session_start_at end as unit_session_start_at,
        steps.session_start_at,
        steps.event_at
    from steps
    inner join experiments
        on
            steps.funnel_rank = experiments.exposure_rank
            and steps.event_at >= experiments.start_at
            and steps.event_at < experiments.end_at
    left join bots
        on
            steps.user_key = bots.user_key
            and steps.session_start_at = bots.session_start_at
    where
        bots.user_key is null
        and (experiments.unit = 'user' or steps.session_start_at >= experiments.start_at)
),

final as (
    select
        events.experiment,
        events.user_key,
        events.unit_session_start_at,
        events.session_start_at,
        events.event_at as moment_at
    from events
    left join first_sightings
        on
            events.experiment = first_sightings.experiment
            and events.user_key = first_sightings.user_key
            and {{ same('events.unit_session_start_at', 'first_sightings.unit_session_start_at') }}
    where
        events.assignment in ('hash', 'md5_parity')
        or events.event_at >= first_sightings.first_seen_at
)

select * from final
