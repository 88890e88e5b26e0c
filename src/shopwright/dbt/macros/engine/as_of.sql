{#
    The last date up to which orders are complete: recency, projections and churn labels are computed as of its end. It is
    the last order date, or the setting orders_complete_through for exports that thin out at the end.
#}
{% macro as_of_date(order_dates) -%}
    {%- if var('orders_complete_through') -%}
    least({{ order_dates }}, date '{{ var("orders_complete_through") }}')
    {%- else -%}
    {{ order_dates }}
    {%- endif -%}
{%- endmacro %}
