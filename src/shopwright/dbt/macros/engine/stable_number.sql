{# Hash of a text: an integer below 2^60, the same on every engine. #}
{% macro stable_number(text) -%}
    {{ return(adapter.dispatch('stable_number')(text)) }}
{%- endmacro %}

{% macro default__stable_number(text) -%}
    ('x' || substr(md5({{ text }}), 1, 15))::bit(60)::bigint
{%- endmacro %}

{% macro duckdb__stable_number(text) -%}
    cast('0x' || substr(md5({{ text }}), 1, 15) as bigint)
{%- endmacro %}
