-- To the cent: what purchase events, sessions, orders, revenue, users and products say was sold is one
-- amount.
with

amounts as (
    select
        'steps' as said_by,
        {{ money_sum('price * coalesce(quantity, 1)') }} as gross_amount
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
        'int_orders',
        {{ money_sum('gross_amount') }}
    from {{ ref('int_orders') }}
    union all
    select
        'fct_revenue',
        {{ money_sum('gross_amount') }}
    from {{ ref('fct_revenue') }}
    union all
    select
        'int_user_totals',
        {{ money_sum('lifetime_value_amount') }}
    from {{ ref('int_user_totals') }}
    union all
    select
        'int_product_weeks',
        {{ money_sum('gross_amount') }}
    from {{ ref('int_product_weeks') }}
),

spread as (
    select
        min(gross_amount) as lowest,
        max(gross_amount) as highest
    from amounts
)

select amounts.*
from amounts
cross join spread
where spread.lowest <> spread.highest
