{# Runs before the first model: creates the state tables, and resets the state if this is a full build. #}
{% macro start_build() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'snapshot', 'test') -%}
        {%- do run_query('create schema if not exists meta') -%}
        {%- for statement in state_tables() -%}{%- do run_query(statement) -%}{%- endfor -%}
        {%- do run_query('delete from meta.current_build') -%}
        {%- do run_query('insert into meta.current_build select coalesce(max(_batch_seq), 0) from bronze.events') -%}
        {%- if flags.WHICH in ('build', 'run') -%}{%- do reset_state_if_full() -%}{%- endif -%}
        {%- do fix_state() -%}
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
    A full build that fails half way must be followed by another full build, so the state is reset before the first model
    is built. The same applies when a setting changed since the last build.
#}
{% macro reset_state_if_full() -%}
    {%- set last_build = run_query('select settings from meta.builds order by build_no desc limit 1') -%}
    {%- set settings = last_build.columns[0].values()[0] if last_build.rows | length else none -%}
    {%- if flags.FULL_REFRESH or (settings is not none and settings != settings_fingerprint()) -%}
        {%- do record_build(0) -%}
        {%- do drop_orphans() -%}
        {#- Looking up a relation may have opened a transaction, and dbt rolls a hook's transaction back at its end. -#}
        {%- call statement('reset_state', auto_begin=true) -%}select 1{%- endcall -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}

{% macro record_build(through) -%}
    {%- do run_query(
        "insert into meta.builds select coalesce(max(build_no), 0) + 1, '" ~ invocation_id ~ "', " ~ through
        ~ ", timestamp '" ~ run_started_at.astimezone(modules.pytz.utc).strftime('%Y-%m-%d %H:%M:%S') ~ "', "
        ~ (processed_through() == 0) ~ ", '" ~ (settings_fingerprint() | replace("'", "''")) ~ "' from meta.builds"
    ) -%}
{%- endmacro %}
