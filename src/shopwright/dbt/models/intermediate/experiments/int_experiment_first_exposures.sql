-- grain: one row per experiment and exposed unit, with the first time that exposes it
-- A view: when, whatever the variant. session_start_at is the session of that time. unit_id and user_id are
-- known here only where events or a log state the variant and the exposure is the assignment; elsewhere only
-- user_key is.
{{ config(materialized='view') }}

with

experiments as (
    select * from {{ ref('int_experiments') }}
),

sessions as (
    select * from {{ ref('int_sessions') }}
    where {{ is_counted_session() }}
),

exposure_events as (
    select * from {{ ref('int_experiment_exposure_events') }}
),

unit_variants as (
    select * from {{ ref('int_experiment_unit_variants') }}
),

exposure_sessions as (
    select
        experiments.experiment,
        sessions.user_key,
        case when experiments.unit = 'session' then sessions.session_start_at end as unit_session_start_at,
        sessions.session_start_at,
        sessions.session_start_at as exposed_at
    from sessions
    inner join experiments
        on
            sessions.session_start_at >= experiments.start_at
            and sessions.session_start_at < experiments.end_at
    where
        experiments.exposure = 'assigned'
        and experiments.assignment in ('hash', 'md5_parity')
),

exposures_from_clicks as (
    select * from exposure_sessions
    union all
    select * from exposure_events
),

first_exposures_from_clicks as (
    select
        experiment,
        cast(null as varchar) as unit_id,
        cast(null as varchar) as user_id,
        user_key,
        unit_session_start_at,
        min(session_start_at) as session_start_at,
        min(exposed_at) as exposed_at
    from exposures_from_clicks
    group by experiment, user_key, unit_session_start_at
),

first_exposures_from_variants as (
    select
        unit_variants.experiment,
        unit_variants.unit_id,
        unit_variants.user_id,
        unit_variants.user_key,
        unit_variants.unit_session_start_at,
        min(unit_variants.session_start_at) as session_start_at,
        min(unit_variants.exposed_at) as exposed_at
    from unit_variants
    inner join experiments
        on unit_variants.experiment = experiments.experiment
    where experiments.exposure = 'assigned'
    group by
        unit_variants.experiment, unit_variants.unit_id, unit_variants.user_id, unit_variants.user_key,
        unit_variants.unit_session_start_at
    having min(unit_variants.exposed_at) is not null
),

final as (
    select * from first_exposures_from_clicks
    union all
    select * from first_exposures_from_variants
)

select * from final
