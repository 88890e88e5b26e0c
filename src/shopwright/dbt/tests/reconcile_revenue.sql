-- To the cent: what purchase events and sessions say was bought is one amount.
{% set lines = ref('int_order_lines') %}
with

amounts as (
    select
        'steps' as said_by,
        {{ money_sum('price * coalesce(quantity, 1)') }} as purchased_amount
    from {{ ref('int_event_steps') }}
    where funnel_rank = 6
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
        'int_user_totals',
        {{ money_sum('purchased_amount') }}
    from {{ ref('int_user_totals') }}
    {% if not states_orders() %}
    union all
    select
        'int_order_lines',
        {{ money_sum('gross_amount') }}
    from {{ lines }}
    {% endif %}
),

spread as (
    select
        min(purchased_amount) as lowest,
        max(purchased_amount) as highest
    from amounts
)

select amounts.*
from amounts
cross join spread
where spread.lowest <> spread.highest
