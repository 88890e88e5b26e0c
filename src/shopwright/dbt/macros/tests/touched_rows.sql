{#
    Overrides dbt's own. In an incremental build, a data test with the config where: "__touched__" tests only rows that the
    build computed again (tables with _build_seq), or that belong to a week, date or user it touched. A full build, a plain
    `dbt test` and the var test_everything test all rows. __this__ stands for the table, as in
    "key in (select key from __this__ where __touched__)". With where: "__full_build_only__" an incremental build tests
    nothing: for views that take long to compute.
#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if not where -%}{{ return(relation) }}{%- endif -%}
    {%- if '__full_build_only__' in where -%}
        {%- if not tests_touched_rows_only() -%}{{ return(relation) }}{%- endif -%}
        {%- set where = 'false' -%}
    {%- elif '__touched__' in where -%}
        {%- if not tests_touched_rows_only() -%}{{ return(relation) }}{%- endif -%}
        {%- set where = where | replace('__touched__', touched_condition(relation)) -%}
        {%- set where = where | replace('__this__', relation | string) -%}
    {%- endif -%}
    {{ return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as dbt_subquery') }}
{%- endmacro %}

{% macro tests_touched_rows_only() -%}
    {{ return(flags.WHICH == 'build' and not var('test_everything') and not should_full_refresh()) }}
{%- endmacro %}

{% macro touched_condition(relation) -%}
    {%- if not execute -%}{{ return('true') }}{%- endif -%}
    {%- set columns = adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
    {%- set sessions = adapter.get_relation(database=target.database, schema='silver', identifier='int_sessions') -%}
    {%- if '_build_seq' in columns -%}
        {{ return('_build_seq > ' ~ processed_through()) }}
    {%- elif 'event_week' in columns -%}
        {{ return(is_in_dates('event_week', touched_weeks(sessions))) }}
    {%- elif 'session_date' in columns -%}
        {{ return(is_in_dates('session_date', query_dates(touched_dates(sessions)))) }}
    {%- endif -%}
    {{ return('user_key in (' ~ touched_users(sessions) ~ ')') }}
{%- endmacro %}
