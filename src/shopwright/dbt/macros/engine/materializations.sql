{#
    Views and tables are replaced in one statement. dbt's own way (create under another name, rename the old one, rename the
    new one, drop the old one) is for engines that cannot replace; here it was half of all statements of a small build.
    A transaction surrounds it either way: a model that fails leaves the relation as it was.
#}
{% materialization view, adapter='duckdb' -%}
    {{ return(build_relation('view')) }}
{%- endmaterialization %}

{% materialization table, adapter='duckdb' -%}
    {{ return(build_relation('table')) }}
{%- endmaterialization %}

{# A change of models makes the next build a full one, so new rows always have the columns of the table. #}
{% materialization incremental, adapter='duckdb' -%}
    {{ return(build_relation('table')) }}
{%- endmaterialization %}

{# Builds a model as a view or a table, with its hooks, in one transaction. #}
{% macro build_relation(kind) -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- set build_sql = adding_sql() if is_incremental() else replacing_sql(kind) -%}
    {%- call statement('main') -%}{{ build_sql }}{%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [this.incorporate(type=kind)]}) }}
{%- endmacro %}

{% macro replacing_sql(kind) -%}
    {%- set existing_relation, relation = load_cached_relation(this), this.incorporate(type=kind) -%}
    {%- if existing_relation is not none %}
    drop {{ existing_relation.type }} if exists {{ existing_relation }};
    {%- endif %}
    {{ create_table_as(False, relation, sql) if kind == 'table' else create_view_as(relation, sql) }}
{%- endmacro %}

{# SQL that adds a model's new rows to its table, by the model's incremental strategy. #}
{% macro adding_sql() -%}
    {%- set new_rows = make_temp_relation(this) -%}
    {%- do run_query(create_table_as(True, new_rows, sql)) -%}
    {%- set strategy = adapter.get_incremental_strategy_macro(context, config.get('incremental_strategy') or 'append') -%}
    {{ return(strategy({
        'target_relation': this.incorporate(type='table'),
        'temp_relation': new_rows,
        'unique_key': config.get('unique_key'),
        'dest_columns': adapter.get_columns_in_relation(this),
        'incremental_predicates': none,
    })) }}
{%- endmacro %}
