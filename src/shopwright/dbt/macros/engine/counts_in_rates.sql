{# Whether a session counts in rates and active users: bots do not, unless the shop says so. #}
{% macro counts_in_rates(is_bot='is_bot') -%}
    {%- if var('include_bots') -%}true{%- else -%}not {{ is_bot }}{%- endif -%}
{%- endmacro %}
