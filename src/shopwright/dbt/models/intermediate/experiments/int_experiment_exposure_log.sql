-- grain: one row per experiment, unit and variant in the shop's exposure log (stg_exposures), with the user
-- A view, of experiments with assignment = 'exposures'. Variants that the settings do not name are left out;
-- units that never clicked have no user_key.
{{ config(materialized='view') }}

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

logged as (
    select
        variants.experiment,
        variants.end_at,
        exposures.unit_id,
        case when variants.unit = 'user' then exposures.unit_id end as user_id,
        case when variants.unit = 'session' then exposures.unit_id end as session_key,
        variants.variant,
        variants.position,
        min(exposures.exposed_at) as first_seen_at
    from exposures
    inner join variants
        on
            exposures.experiment = variants.experiment
            and exposures.variant = variants.variant
            and exposures.exposed_at >= variants.start_at
            and exposures.exposed_at < variants.end_at
    group by
        variants.experiment, variants.end_at, variants.unit, exposures.unit_id, variants.variant,
        variants.position
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
