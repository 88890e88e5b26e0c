{# context_key inside a *_context column of int_sessions, which also holds a step number in its upper bits. #}
{% macro context_key(column) -%}
    {{ column }} % 4294967296
{%- endmacro %}
