-- Lines, orders, revenue and sellers have the same amounts, to the cent. No join may multiply or lose a
-- line of an
-- order with several lines, payments, reviews or sellers.
with

lines as (
    select
        true as is_total,
        {{ summed_amounts() }}
    from {{ ref('int_order_lines') }}
),

totals as (
    select
        'fct_orders' as model,
        {{ summed_amounts() }}
    from {{ ref('fct_orders') }}
    union all
    select
        'fct_revenue',
        {{ summed_amounts() }}
    from {{ ref('fct_revenue') }}
    union all
    select
        'fct_seller_performance',
        {{ summed_amounts() }}
    from {{ ref('fct_seller_performance') }}
)

select totals.*
from totals
left join lines
    on {{ equal_amounts('totals', 'lines') }}
where lines.is_total is null
