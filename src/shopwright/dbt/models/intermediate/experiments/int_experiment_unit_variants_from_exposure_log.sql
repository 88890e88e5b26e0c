-- grain: one row per experiment, unit and variant in the shop's exposure log
-- A view. The log states a time and no session: it is the session under way at that time, else the next one.
{{ config(materialized='view') }}

with

exposure_log as (
    select * from {{ ref('int_experiment_exposure_log') }}
),

sessions as (
    select * from {{ ref('int_sessions') }}
    where {{ is_counted_session() }}
),

-- Reduced before they are joined: experiments of this kind are few, sessions many.
sessions_of_users as (
    select
        user_key,
        session_start_at,
        session_end_at
    from sessions
    where user_key in (select exposure_log.user_key from exposure_log)
),

next_sessions as (
    select
        exposure_log.experiment,
        exposure_log.unit_id,
        exposure_log.variant,
        min(sessions_of_users.session_start_at) as session_start_at
    from exposure_log
    inner join sessions_of_users
        on
            exposure_log.user_key = sessions_of_users.user_key
            and exposure_log.first_seen_at <= sessions_of_users.session_end_at
            and exposure_log.end_at > sessions_of_users.session_start_at
    group by exposure_log.experiment, exposure_log.unit_id, exposure_log.variant
),

final as (
    select
        exposure_log.experiment,
        exposure_log.unit_id,
        exposure_log.user_id,
        exposure_log.user_key,
        exposure_log.unit_session_start_at,
        coalesce(exposure_log.unit_session_start_at, next_sessions.session_start_at) as session_start_at,
        exposure_log.variant,
        exposure_log.position,
        exposure_log.first_seen_at,
        exposure_log.first_seen_at as exposed_at
    from exposure_log
    left join next_sessions
        on
            exposure_log.experiment = next_sessions.experiment
            and exposure_log.unit_id = next_sessions.unit_id
            and exposure_log.variant = next_sessions.variant
)

select * from final
