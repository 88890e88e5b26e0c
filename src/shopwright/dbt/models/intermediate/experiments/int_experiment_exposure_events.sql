-- grain: one row per experiment and event that may expose its unit
-- A view, of experiments whose exposure is an event type. Where events or a log state the variant, an event
-- exposes a unit only from the moment its variant is known: an event of that very moment counts, an earlier
-- one does not.
{{ config(materialized='view') }}

with

experiments as (
    select * from {{ ref('int_experiments') }}
),

steps as (
    select * from {{ ref('int_sessionized_events') }}
),

bots as not materialized (
    select * from {{ ref('int_sessions') }}
    where not ({{ is_counted_session() }})
),

first_variants as (
    select * from {{ ref('int_experiment_unit_variants') }}
    where is_first_variant
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
        events.event_at as exposed_at
    from events
    left join first_variants
        on
            events.experiment = first_variants.experiment
            and events.user_key = first_variants.user_key
            and {{ null_safe_equal('events.unit_session_start_at', 'first_variants.unit_session_start_at') }}
    where
        events.assignment in ('hash', 'md5_parity')
        or events.event_at >= first_variants.first_seen_at
)

select * from final
