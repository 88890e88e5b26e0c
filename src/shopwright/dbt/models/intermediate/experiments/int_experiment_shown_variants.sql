-- grain: one row per experiment, unit and variant that the shop's own tool showed it
-- A view. Variants that the settings do not name are left out; units that never clicked have no user_key.
{{ config(materialized='view') }}

with

variants as (
    select * from {{ ref('int_experiment_told_variants') }}
    where assignment = 'exposures'
),

exposures as (
    select * from {{ ref('stg_exposures') }}
),

published_sessions as (
    select * from {{ ref('fct_sessions') }}
),

visitors as (
    select * from {{ ref('int_visitors') }}
),

shown as (
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
shown_sessions as (
    select
        session_key,
        user_id,
        session_start_at
    from published_sessions
    where session_key in (select shown.session_key from shown)
),

known as (
    select
        shown.*,
        coalesce(shown.user_id, shown_sessions.user_id) as known_user_id,
        shown_sessions.session_start_at as unit_session_start_at
    from shown
    left join shown_sessions
        on shown.session_key = shown_sessions.session_key
),

shown_visitors as (
    select
        user_id,
        user_key
    from visitors
    where user_id in (select known.known_user_id from known)
),

final as (
    select
        known.experiment,
        known.end_at,
        known.unit_id,
        known.known_user_id as user_id,
        shown_visitors.user_key,
        known.unit_session_start_at,
        known.variant,
        known.position,
        known.first_seen_at
    from known
    left join shown_visitors
        on known.known_user_id = shown_visitors.user_id
)

select * from final
