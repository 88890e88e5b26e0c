{#
    Average order value: gross less discounts of counted orders (with a sale, not canceled) over their number, as a double;
    null over no counted order. fct_orders.order_value_amount is the value of one order.
#}
{% macro average_order_value(order_value_amount, counted_order_count) -%}
    {{ safe_divide(order_value_amount, counted_order_count) }}
{%- endmacro %}
