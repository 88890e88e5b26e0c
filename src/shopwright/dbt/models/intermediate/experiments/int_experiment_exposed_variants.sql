-- grain: one row per experiment, unit and variant that the shop's own tool saw it in
-- A view. Variants that the settings do not name are left out; units that never clicked have no user_key.
-- The tool tells a moment and no session: it is the one that goes on then, else the next one.
{{ config(materialized='view') }}

with

experiments as (
    select * from {{ ref('int_experiments') }}
    where assignment = 'exposures'
),

variants as (
    select * from {{ ref('int_experiment_variants') }}
),

exposures as (
    select * from {{ ref('stg_exposures') }}
),

published_sessions as (
    select * from {{ ref('fct_sessions') }}
),

sessions as (
    select * from {{ ref('int_sessions') }}
    where {{ counts_in_rates() }}
),

visitors as (
    select * from {{ ref('int_visitors') }}
),

seen as (
    select
        experiments.experiment,
        experiments.end_at,
        exposures.unit_id,
        case when experiments.unit = 'user' then exposures.unit_id end as user_id,
        case when experiments.unit = 'session' then exposures.unit_id end as session_key,
        variants.variant,
        variants.position,
        min(exposures.exposed_at) as first_seen_at
    from exposures
    inner join experiments
        on
            exposures.experiment = experiments.experiment
            and exposures.exposed_at >= experiments.start_at
            and exposures.exposed_at < experiments.end_at
    inner join variants
        on
            exposures.experiment = variants.experiment
            and exposures.variant = variants.variant
    group by
        experiments.experiment, experiments.end_at, experiments.unit, exposures.unit_id, variants.variant,
        variants.position
),

seen_sessions as (
    select
        session_key,
        user_id,
        session_start_at
    from published_sessions
    where session_key in (select seen.session_key from seen)
),

known as (
    select
        seen.*,
        coalesce(seen.user_id, seen_sessions.user_id) as known_user_id,
        seen_sessions.session_start_at as unit_session_start_at
    from seen
    left join seen_sessions
        on seen.session_key = seen_sessions.session_key
),

-- Reduced before they are joined: experiments of this kind are few, visitors and sessions many.
seen_visitors as (
    select
        user_id,
        user_key
    from visitors
    where user_id in (select known.known_user_id from known)
),

sessions_of_visitors as (
    select
        user_key,
        session_start_at,
        session_end_at
    from sessions
    where user_key in (select seen_visitors.user_key from seen_visitors)
),

next_sessions as (
    select
        known.experiment,
        known.unit_id,
        known.variant,
        min(sessions_of_visitors.session_start_at) as session_start_at
    from known
    inner join seen_visitors
        on known.known_user_id = seen_visitors.user_id
    inner join sessions_of_visitors
        on
            seen_visitors.user_key = sessions_of_visitors.user_key
            and known.first_seen_at <= sessions_of_visitors.session_end_at
            and known.end_at > sessions_of_visitors.session_start_at
    group by known.experiment, known.unit_id, known.variant
),

final as (
    select
        known.experiment,
        known.unit_id,
        known.known_user_id as user_id,
        seen_visitors.user_key,
        known.unit_session_start_at,
        coalesce(known.unit_session_start_at, next_sessions.session_start_at) as session_start_at,
        known.variant,
        known.position,
        known.first_seen_at,
        known.first_seen_at as exposed_at
    from known
    left join seen_visitors
        on known.known_user_id = seen_visitors.user_id
    left join next_sessions
        on
            known.experiment = next_sessions.experiment
            and known.unit_id = next_sessions.unit_id
            and known.variant = next_sessions.variant
)

select * from final
