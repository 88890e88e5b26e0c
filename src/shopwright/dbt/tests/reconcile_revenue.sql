-- Purchase events and sessions have the same purchased amount, to the cent.
with

-- A session of which a purchase has no price has an unknown amount.
unknown_sessions as (
    select
        user_key,
        session_start_at
    from {{ ref('int_sessions') }}
    where gross_amount is null
),

amounts as (
    select
        'steps' as model,
        {{ money_sum('steps.line_amount') }} as purchased_amount
    from {{ ref('int_sessionized_events') }} as steps
    left join unknown_sessions
        on
            steps.user_key = unknown_sessions.user_key
            and steps.session_start_at = unknown_sessions.session_start_at
    where {{ is_event('purchase') }} and unknown_sessions.user_key is null
    union all
    select
        'int_sessions',
        {{ money_sum('gross_amount') }}
    from {{ ref('int_sessions') }}
    union all
    select
        'fct_sessions',
        {{ money_sum('gross_amount') }}
    from {{ ref('fct_sessions') }}
    union all
    select
        'int_user_session_totals',
        {{ money_sum('purchased_amount') }}
    from {{ ref('int_user_session_totals') }}
),

bounds as (
    select
        min(purchased_amount) as min_amount,
        max(purchased_amount) as max_amount
    from amounts
)

select amounts.*
from amounts
cross join bounds
where bounds.min_amount <> bounds.max_amount
