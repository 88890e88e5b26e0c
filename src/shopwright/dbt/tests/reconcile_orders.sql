-- To the cent, amount by amount: lines, orders, revenue and sellers tell the same money. No join may multiply
-- or lose a line of an order with several lines, payments, reviews or sellers.
with

lines as (
    select {{ summed_amounts() }} from {{ ref('int_order_lines') }}
),

told as (
    select
        'fct_orders' as told_by,
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

select told.*
from told
left join lines
    on {{ equal_amounts('told', 'lines') }}
where lines.total_amount is null
