-- grain: one row per experiment, unit and variant that its events state (the event property experiment_group)
-- A view. Variants that the settings do not name, and sessions of bots, are left out.
{{ config(materialized='view') }}

with

variants as (
    select * from {{ ref('int_experiment_variants_assigned_externally') }}
    where assignment = 'stated'
),

contexts as (
    select * from {{ ref('int_event_contexts') }}
),

steps as (
    select * from {{ ref('int_sessionized_events') }}
),

bots as not materialized (
    select * from {{ ref('int_sessions') }}
    where not ({{ is_counted_session() }})
),

visitors as (
    select * from {{ ref('int_user_keys') }}
),

variant_contexts as (
    select
        variants.*,
        contexts.context_key
    from variants
    inner join contexts
        on variants.variant = contexts.experiment_group
),

variant_events as (
    select
        variant_contexts.experiment,
        variant_contexts.variant,
        variant_contexts.position,
        steps.user_key,
        case when variant_contexts.unit = 'session' then steps.session_start_at end as unit_session_start_at,
        steps.event_at,
        case when steps.session_start_at >= variant_contexts.start_at then steps.session_start_at end
            as session_start_at
    from steps
    inner join variant_contexts
        on
            steps.context_key = variant_contexts.context_key
            and steps.event_at >= variant_contexts.start_at
            and steps.event_at < variant_contexts.end_at
    left join bots
        on
            steps.user_key = bots.user_key
            and steps.session_start_at = bots.session_start_at
    where bots.user_key is null
),

first_events as (
    select
        experiment,
        variant,
        position,
        user_key,
        unit_session_start_at,
        min(event_at) as first_seen_at,
        min(session_start_at) as session_start_at
    from variant_events
    group by experiment, variant, position, user_key, unit_session_start_at
),

final as (
    select
        first_events.experiment,
        case
            when first_events.unit_session_start_at is null then visitors.user_id
            else {{ session_key('visitors.user_id', 'first_events.unit_session_start_at') }}
        end as unit_id,
        visitors.user_id,
        first_events.user_key,
        first_events.unit_session_start_at,
        first_events.session_start_at,
        first_events.variant,
        first_events.position,
        first_events.first_seen_at,
        first_events.session_start_at as exposed_at
    from first_events
    inner join visitors
        on first_events.user_key = visitors.user_key
)

select * from final
