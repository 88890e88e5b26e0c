{# Overrides dbt's own: the schema is exactly the configured one (silver, gold, ...), without the profile's as prefix. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
