-- grain: one row per experiment and unit that takes part, with what describes it at its exposure
with

experiments as (
    select * from {{ ref('int_experiments') }}
),

assignments as (
    select * from {{ ref('int_experiment_assignments') }}
),

-- With no experiment the maximum is null, so nothing is read.
sessions as (
    select * from {{ ref('int_sessions') }}
    where {{ is_counted_session() }} and session_start_at < (select max(experiments.end_at) from experiments)
),

users as (
    select * from {{ ref('int_user_session_totals') }}
    where first_seen_at < (select max(experiments.end_at) from experiments)
),

contexts as (
    select * from {{ ref('int_event_contexts') }}
),

final as (
    select
        -- Any number will do: everything that reads it is built from this very table.
        row_number() over () as unit_key,
        assignments.experiment,
        assignments.unit_id,
        assignments.user_id,
        assignments.user_key,
        assignments.unit_session_start_at,
        assignments.variant,
        assignments.is_control,
        assignments.exposed_at,
        assignments.pre_start_at,
        assignments.start_at,
        assignments.end_at,
        assignments.variant_count,
        devices.device,
        channels.channel,
        countries.country,
        users.first_seen_at >= coalesce(assignments.session_start_at, assignments.exposed_at) as is_new
    from assignments
    left join users
        on assignments.user_key = users.user_key
    left join sessions
        on
            assignments.user_key = sessions.user_key
            and assignments.session_start_at = sessions.session_start_at
    left join contexts as devices
        on {{ context_key('sessions.device_context') }} = devices.context_key
    left join contexts as channels
        on {{ context_key('sessions.channel_context') }} = channels.context_key
    left join contexts as countries
        on {{ context_key('sessions.country_context') }} = countries.context_key
)

select * from final
