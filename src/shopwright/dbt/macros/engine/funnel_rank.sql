{#
    Types of events in the order in which a shopper can take them; the position, from 0, is the funnel rank. Events with
    the same timestamp are sorted by it. Last are all other events, which are no step of the funnel. The one place in the
    dbt project where the order is written.
#}
{% macro funnel_event_types() -%}
    {{ return([
        'page_view', 'search', 'product_view', 'add_to_cart', 'remove_from_cart', 'begin_checkout', 'purchase', 'other'
    ]) }}
{%- endmacro %}

{# Funnel rank of an event type, as an expression; null for any other type. #}
{% macro funnel_rank_of(event_type) -%}
    case {{ event_type }}
        {%- for name in funnel_event_types() %}
        when '{{ name }}' then {{ loop.index0 }}
        {%- endfor %}
    end
{%- endmacro %}

{# Event type of a funnel rank, as an expression: the reverse of funnel_rank_of. #}
{% macro event_type_of(funnel_rank) -%}
    case {{ funnel_rank }}
        {%- for name in funnel_event_types() %}
        when {{ loop.index0 }} then '{{ name }}'
        {%- endfor %}
    end
{%- endmacro %}

{# Funnel rank of an event type named in a model, as a literal: an integer compares faster than a text. #}
{% macro funnel_rank_literal(name) -%}
    {%- if name not in funnel_event_types() -%}
        {{ exceptions.raise_compiler_error("'" ~ name ~ "' is not an event type of the funnel") }}
    {%- endif -%}
    {{ return(funnel_event_types().index(name)) }}
{%- endmacro %}

{# Condition: an event is of the named type. #}
{% macro is_event(name, funnel_rank='funnel_rank') -%}
    {{ return(funnel_rank ~ ' = ' ~ funnel_rank_literal(name)) }}
{%- endmacro %}
