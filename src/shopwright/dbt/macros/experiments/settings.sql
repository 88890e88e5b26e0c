{# What settings state, as literals. #}
{% macro text_literal(text) -%}
    '{{ text | string | replace("'", "''") }}'
{%- endmacro %}

{# The rank of a type of event in stg_events, null for anything else. #}
{% macro funnel_rank_of(event_type) -%}
    case {{ event_type }}
        when 'page_view' then 0
        when 'search' then 1
        when 'product_view' then 2
        when 'add_to_cart' then 3
        when 'remove_from_cart' then 4
        when 'begin_checkout' then 5
        when 'purchase' then 6
    end
{%- endmacro %}
