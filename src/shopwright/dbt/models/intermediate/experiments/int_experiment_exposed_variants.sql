-- grain: one row per experiment, unit and variant that the shop's own tool saw it in
-- A view. The tool tells a moment and no session: it is the one that goes on then, else the next one.
{{ config(materialized='view') }}

with

shown as (
    select * from {{ ref('int_experiment_shown_variants') }}
),

sessions as (
    select * from {{ ref('int_sessions') }}
    where {{ counts_in_rates() }}
),

-- Reduced before they are joined: experiments of this kind are few, sessions many.
sessions_of_visitors as (
    select
        user_key,
        session_start_at,
        session_end_at
    from sessions
    where user_key in (select shown.user_key from shown)
),

next_sessions as (
    select
        shown.experiment,
        shown.unit_id,
        shown.variant,
        min(sessions_of_visitors.session_start_at) as session_start_at
    from shown
    inner join sessions_of_visitors
        on
            shown.user_key = sessions_of_visitors.user_key
            and shown.first_seen_at <= sessions_of_visitors.session_end_at
            and shown.end_at > sessions_of_visitors.session_start_at
    group by shown.experiment, shown.unit_id, shown.variant
),

final as (
    select
        shown.experiment,
        shown.unit_id,
        shown.user_id,
        shown.user_key,
        shown.unit_session_start_at,
        coalesce(shown.unit_session_start_at, next_sessions.session_start_at) as session_start_at,
        shown.variant,
        shown.position,
        shown.first_seen_at,
        shown.first_seen_at as exposed_at
    from shown
    left join next_sessions
        on
            shown.experiment = next_sessions.experiment
            and shown.unit_id = next_sessions.unit_id
            and shown.variant = next_sessions.variant
)

select * from final
