-- Every line in the source, or every purchase of a session, is one line of one order with its full amount, as
-- stated. Lines whose order has not arrived are left out, and sessions of which a purchase has no price.
{% set lines, orders, sessions = ref('stg_order_items'), ref('int_source_orders'), ref('int_sessions') %}
with

source_lines as (
    {% if source_has_orders() -%}
    select
        count(*) as line_count,
        {{ money_sum('line_amount - included_tax_amount + tax_amount - discount_amount + freight') }}
            as total_amount
    from {{ lines }}
    where order_id in (select order_id from {{ orders }})
    {%- else -%}
    select
        cast(coalesce(sum(purchase_count), 0) as bigint) as line_count,
        case when count(gross_amount) = count(*) then {{ money_sum('gross_amount') }} end as total_amount
    from {{ sessions }}
    {%- endif %}
),

order_lines as (
    select
        count(*) as line_count,
        {{ money_sum('presentment_amount') }} as total_amount
    from {{ ref('int_order_lines') }}
    where not is_derived_line
)

select
    source_lines.line_count as source_line_count,
    order_lines.line_count as order_line_count,
    source_lines.total_amount as source_total_amount,
    order_lines.total_amount as order_total_amount
from source_lines
cross join order_lines
where
    source_lines.line_count <> order_lines.line_count
    or source_lines.total_amount <> order_lines.total_amount
