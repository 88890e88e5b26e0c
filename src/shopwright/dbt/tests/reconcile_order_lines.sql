-- Every line that the source states, or every purchase of a session, is one line of one order, with its whole
-- amount; lines whose order has not come in are none.
{% set lines, orders, sessions = ref('stg_order_items'), ref('int_stated_orders'), ref('int_sessions') %}
with

stated as (
    {% if states_orders() -%}
    select
        count(*) as line_count,
        cast(coalesce(sum(unit_price * quantity + freight), 0) as decimal(38, 4)) as total_amount
    from {{ lines }}
    where order_id in (select order_id from {{ orders }})
    {%- else -%}
    select
        cast(coalesce(sum(purchase_count), 0) as bigint) as line_count,
        {{ money_sum('gross_amount') }} as total_amount
    from {{ sessions }}
    {%- endif %}
),

kept as (
    select
        count(*) as line_count,
        {{ money_sum('total_amount') }} as total_amount
    from {{ ref('int_order_lines') }}
)

select
    stated.line_count as stated_line_count,
    kept.line_count as kept_line_count,
    stated.total_amount as stated_total_amount,
    kept.total_amount as kept_total_amount
from stated
cross join kept
where stated.line_count <> kept.line_count or stated.total_amount <> kept.total_amount
