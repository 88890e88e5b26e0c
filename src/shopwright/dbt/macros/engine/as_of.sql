{#
    The last date up to which orders are complete: recency, projections and churn labels are told as of its end. It is
    the last order's date, or what the shop says where its export thins out at its end.
#}
{% macro as_of_date(order_dates) -%}
    {%- if var('orders_complete_through') -%}
    least({{ order_dates }}, date '{{ var("orders_complete_through") }}')
    {%- else -%}
    {{ order_dates }}
    {%- endif -%}
{%- endmacro %}
