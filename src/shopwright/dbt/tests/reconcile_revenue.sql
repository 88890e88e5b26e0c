-- Purchase events and sessions have the same purchased amount, to the cent.
{% set lines = ref('int_order_lines') %}
with

amounts as (
    select
        'steps' as model,
        {{ money_sum('price * coalesce(quantity, 1)') }} as purchased_amount
    from {{ ref('int_sessionized_events') }}
    where {{ is_event('purchase') }}
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
    {% if not source_has_orders() %}
    union all
    select
        'int_order_lines',
        {{ money_sum('gross_amount') }}
    from {{ lines }}
    {% endif %}
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
