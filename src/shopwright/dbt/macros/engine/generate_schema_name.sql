{# Models land exactly in the schema they name (silver, gold, ...), whatever the profile's own schema is. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
