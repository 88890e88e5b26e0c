{# Runs before the first model: makes the tables of state, forgets the state if this build is a full one. #}
{% macro start_build() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'snapshot', 'test') -%}
        {%- do run_query('create schema if not exists meta') -%}
        {%- for statement in state_tables() -%}{%- do run_query(statement) -%}{%- endfor -%}
        {%- do run_query('delete from meta.current_build') -%}
        {%- do run_query('insert into meta.current_build select coalesce(max(_batch_seq), 0) from bronze.events') -%}
        {%- if flags.WHICH in ('build', 'run') -%}{%- do forget_state_if_full() -%}{%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro state_tables() -%}
    {{ return([
        "create table if not exists meta.builds (build_no bigint, invocation_id varchar, processed_through bigint,
            built_at timestamp, is_full_refresh boolean, settings varchar)",
        "create table if not exists meta.current_build (target_seq bigint)",
        "create table if not exists meta.test_results (invocation_id varchar, test_name varchar, model_name varchar,
            column_name varchar, status varchar, failing_rows bigint, severity varchar, execution_seconds double,
            executed_at timestamp)",
    ]) }}
{%- endmacro %}

{#
    A full build that dies half way must be followed by another full one, so the state is forgotten before the
    first model is touched. The same holds where a setting has changed since the last build.
#}
{% macro forget_state_if_full() -%}
    {%- set found = run_query('select settings from meta.builds order by build_no desc limit 1') -%}
    {%- set settings = found.columns[0].values()[0] if found.rows | length else none -%}
    {%- if flags.FULL_REFRESH or (settings is not none and settings != settings_text()) -%}
        {%- do record_build(0) -%}
    {%- endif -%}
{%- endmacro %}

{% macro record_build(through) -%}
    {%- do run_query(
        "insert into meta.builds select coalesce(max(build_no), 0) + 1, '" ~ invocation_id ~ "', " ~ through
        ~ ", timestamp '" ~ run_started_at.astimezone(modules.pytz.utc).strftime('%Y-%m-%d %H:%M:%S') ~ "', "
        ~ (processed_through() == 0) ~ ", '" ~ (settings_text() | replace("'", "''")) ~ "' from meta.builds"
    ) -%}
{%- endmacro %}
