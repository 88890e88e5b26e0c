-- grain: one row per line, and one with category '(all)' per order
-- A view: the input of agg_sales_kpi. Columns that belong to the order are set on its first line of each
-- category and null on the others.
{{ config(materialized='view') }}
{%- set order_columns = ['customer_id', 'is_on_time', 'days_late', 'delivery_days', 'review_score'] %}
{%- set amounts = ['gross', 'discount', 'return', 'canceled', 'net', 'freight'] %}

with

orders as (
    select
        *,
        cast(date_trunc('month', order_date) as date) as order_month
    from {{ ref('fct_orders') }}
),

lines as (
    select
        *,
        {{ has_unknown_cost() }} as is_cost_unknown
    from {{ ref('int_order_lines') }}
),

final as (
    select
        order_month,
        '(all)' as category,
        status,
        country,
        region,
        true as is_first,
        is_counted,
        customer_id is not null as is_known_customer,
        {% for column in order_columns -%}
        {{ column }},
        {% endfor -%}
        {% for amount in amounts -%}
        {{ amount }}_amount,
        {% endfor -%}
        cost_amount,
        cost_amount is null as is_cost_unknown,
        unit_count
    from orders
    union all
    select
        orders.order_month,
        lines.category,
        orders.status,
        orders.country,
        orders.region,
        lines.is_first_of_category,
        orders.is_counted,
        orders.customer_id is not null,
        {% for column in order_columns -%}
        case when lines.is_first_of_category then orders.{{ column }} end,
        {% endfor -%}
        {% for amount in amounts -%}
        lines.{{ amount }}_amount,
        {% endfor -%}
        lines.cost_amount,
        lines.is_cost_unknown,
        case when lines.kind = 'sale' then lines.unit_count else 0 end
    from lines
    inner join orders
        on lines.order_key = orders.order_key
)

select * from final
