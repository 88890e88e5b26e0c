{# Key of the context that a *_context column of int_sessions points to. #}
{% macro context_key_of(column) -%}
    {{ column }} % 4294967296
{%- endmacro %}
