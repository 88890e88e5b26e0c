{# Condition: a session counts in rates and active users. Bot sessions do not, unless the var include_bots is true. #}
{% macro is_counted_session(is_bot='is_bot') -%}
    {%- if var('include_bots') -%}true{%- else -%}not {{ is_bot }}{%- endif -%}
{%- endmacro %}
