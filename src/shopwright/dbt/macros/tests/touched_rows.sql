{#
    Overrides dbt's own. A data test whose config says where: "__touched__" looks, in an incremental
    build, only at rows that the build derived anew (tables with _build_seq) or whose session_date it may
    have changed; a full build, a plain `dbt test` and the var test_everything look at all rows.
#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if not where -%}{{ return(relation) }}{%- endif -%}
    {%- if '__touched__' in where -%}
        {%- if not looks_at_touched_only() -%}{{ return(relation) }}{%- endif -%}
        {%- set where = where | replace('__touched__', touched_condition(relation)) -%}
    {%- endif -%}
    {{ return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as dbt_subquery') }}
{%- endmacro %}

{% macro looks_at_touched_only() -%}
    {{ return(flags.WHICH == 'build' and not var('test_everything') and not should_full_refresh()) }}
{%- endmacro %}

{% macro touched_condition(relation) -%}
    {%- set columns = adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
    {%- if '_build_seq' in columns -%}
        {{ return('_build_seq > ' ~ processed_through()) }}
    {%- endif -%}
    {%- set sessions = adapter.get_relation(database=target.database, schema='silver', identifier='int_sessions') -%}
    {%- set dates = date_literals(
        'select distinct ' ~ each_date(shop_date('session_start_at'), shop_date('session_end_at'))
        ~ ' from ' ~ sessions ~ ' where _build_seq > ' ~ processed_through()
    ) -%}
    {{ return('session_date in (' ~ dates ~ ')') }}
{%- endmacro %}
