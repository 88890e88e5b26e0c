{#
    Drops silver tables and views of models that no longer exist, or that the settings switch off, after an upgrade: dbt never
    does, and publishing would copy them with each build. Runs in full builds only. Gold is left alone: readers may have
    queries on it.
#}
{% macro drop_orphans(schema='silver') -%}
    {%- set model_names = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.schema == schema -%}
        {%- do model_names.append(node.alias or node.name) -%}
    {%- endfor -%}
    {%- set relations = run_query(
        "select table_name, table_type from information_schema.tables where table_catalog = '" ~ target.database
        ~ "' and table_schema = '" ~ schema ~ "'"
    ) -%}
    {%- for row in relations.rows if row[0] not in model_names -%}
        {%- set kind = 'view' if row[1] == 'VIEW' else 'table' -%}
        {%- do run_query('drop ' ~ kind ~ ' if exists ' ~ schema ~ '.' ~ adapter.quote(row[0]) ~ ' cascade') -%}
    {%- endfor -%}
{%- endmacro %}
