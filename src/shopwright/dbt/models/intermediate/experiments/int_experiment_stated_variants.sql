-- grain: one row per experiment, unit and variant that its events stated
-- A view. Variants that the settings do not name, and sessions of bots, are left out.
{{ config(materialized='view') }}

with

variants as (
    select * from {{ ref('int_experiment_told_variants') }}
    where assignment = 'stated'
),

contexts as (
    select * from {{ ref('int_contexts') }}
),

steps as (
    select * from {{ ref('int_event_steps') }}
),

bots as not materialized (
    select * from {{ ref('int_sessions') }}
    where not ({{ counts_in_rates() }})
),

visitors as (
    select * from {{ ref('int_visitors') }}
),

stated_contexts as (
    select
        variants.*,
        contexts.context_key
    from variants
    inner join contexts
        on variants.variant = contexts.experiment_group
),

stated_steps as (
    select
        stated_contexts.experiment,
        stated_contexts.variant,
        stated_contexts.position,
        steps.user_key,
        case when stated_contexts.unit = 'session' then steps.session_start_at end as unit_session_start_at,
        steps.event_at,
        case when steps.session_start_at >= stated_contexts.start_at then steps.session_start_at end
            as session_start_at
    from steps
    inner join stated_contexts
        on
            steps.context_key = stated_contexts.context_key
            and steps.event_at >= stated_contexts.start_at
            and steps.event_at < stated_contexts.end_at
    left join bots
        on
            steps.user_key = bots.user_key
            and steps.session_start_at = bots.session_start_at
    where bots.user_key is null
),

seen as (
    select
        experiment,
        variant,
        position,
        user_key,
        unit_session_start_at,
        min(event_at) as first_seen_at,
        min(session_start_at) as session_start_at
    from stated_steps
    group by experiment, variant, position, user_key, unit_session_start_at
),

final as (
    select
        seen.experiment,
        case
            when seen.unit_session_start_at is null then visitors.user_id
            else {{ session_key('visitors.user_id', 'seen.unit_session_start_at') }}
        end as unit_id,
        visitors.user_id,
        seen.user_key,
        seen.unit_session_start_at,
        seen.session_start_at,
        seen.variant,
        seen.position,
        seen.first_seen_at,
        seen.session_start_at as exposed_at
    from seen
    inner join visitors
        on seen.user_key = visitors.user_key
)

select * from final
