{# Runs after the last model: saves the test results, and advances the state if a complete build succeeded. #}
{% macro finish_build(results) -%}
    {%- if execute and flags.WHICH in ('build', 'test', 'run', 'snapshot') -%}
        {%- do save_test_results(results) -%}
        {%- if flags.WHICH == 'build' and all_succeeded(results) and is_complete_build(results) -%}
            {%- do record_build(build_target()) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro all_succeeded(results) -%}
    {%- set failures = results | selectattr('status', 'in', ['error', 'fail', 'skipped', 'runtime error']) | list -%}
    {{ return(failures | length == 0) }}
{%- endmacro %}

{# Whether every model and snapshot of the project was built, as opposed to a selection. #}
{% macro is_complete_build(results) -%}
    {%- set built = results | map(attribute='node') | map(attribute='unique_id') | list -%}
    {%- for node in graph.nodes.values() -%}
        {%- if node.resource_type in ('model', 'snapshot') and node.unique_id not in built -%}
            {{ return(false) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(true) }}
{%- endmacro %}

{% macro save_test_results(results) -%}
    {%- set rows = [] -%}
    {%- for result in results if result.node.resource_type == 'test' -%}
        {%- do rows.append(test_result_row(result)) -%}
    {%- endfor -%}
    {%- if rows -%}
        {%- do run_query('insert into meta.test_results values ' ~ rows | join(', ')) -%}
    {%- endif -%}
{%- endmacro %}

{% macro test_result_row(result) -%}
    {%- set node = result.node -%}
    {%- set model = (node.attached_node or '').split('.')[-1] -%}
    {%- set completed_at = result.timing[-1].completed_at if result.timing else run_started_at -%}
    {{ return("('%s', '%s', %s, %s, '%s', %s, '%s', %s, timestamp '%s')" % (
        invocation_id,
        node.name,
        "'" ~ model ~ "'" if model else 'null',
        "'" ~ node.column_name ~ "'" if node.column_name else 'null',
        result.status,
        result.failures if result.failures is not none else 'null',
        node.config.severity | lower,
        result.execution_time,
        completed_at.strftime('%Y-%m-%d %H:%M:%S'),
    )) }}
{%- endmacro %}
