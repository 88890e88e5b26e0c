{#
    What earlier builds have processed. `meta.builds` has one row per finished build, and one with processed_through = 0
    for each full build that began; the row with the highest build_no is the current state. A build that fails or is killed
    adds no row, so the next one applies the same batches again. Every model must give the same result then.
#}

{#
    Fixes both numbers for the whole build, once its state is set up. `graph` is what all models of a dbt run share; asking
    the database again for each model took time.
#}
{% macro fix_state() -%}
    {%- do graph.update({'shopwright_state': {'processed_through': processed_through(), 'target': build_target()}}) -%}
{%- endmacro %}

{# Number of the last batch that a finished build processed; 0 before the first. #}
{% macro processed_through() -%}
    {%- if not execute -%}{{ return(0) }}{%- endif -%}
    {%- if 'shopwright_state' in graph -%}{{ return(graph['shopwright_state'].processed_through) }}{%- endif -%}
    {%- set builds = adapter.get_relation(database=target.database, schema='meta', identifier='builds') -%}
    {%- if builds is none -%}{{ return(0) }}{%- endif -%}
    {%- set last_build = run_query('select processed_through from meta.builds order by build_no desc limit 1') -%}
    {{ return(last_build.columns[0].values()[0] | int if last_build.rows | length else 0) }}
{%- endmacro %}

{# Number of the last batch that this build processes, fixed when it started. #}
{% macro build_target() -%}
    {%- if not execute -%}{{ return(0) }}{%- endif -%}
    {%- if 'shopwright_state' in graph -%}{{ return(graph['shopwright_state'].target) }}{%- endif -%}
    {%- set current = adapter.get_relation(database=target.database, schema='meta', identifier='current_build') -%}
    {%- if current is none -%}{{ return(0) }}{%- endif -%}
    {%- set target_row = run_query('select target_seq from meta.current_build') -%}
    {{ return(target_row.columns[0].values()[0] | int if target_row.rows | length else 0) }}
{%- endmacro %}

{# Overrides dbt's own: without a finished build, incremental models are built in full. #}
{% macro should_full_refresh() -%}
    {%- set configured = config.get('full_refresh') -%}
    {%- if configured is not none -%}{{ return(configured) }}{%- endif -%}
    {{ return(flags.FULL_REFRESH or processed_through() == 0) }}
{%- endmacro %}

{# Whether a finished build has processed earlier batches, for a table that is computed from new batches only. #}
{% macro is_partial_build() -%}
    {%- if not execute -%}{{ return(true) }}{%- endif -%}
    {{ return(not should_full_refresh()) }}
{%- endmacro %}

{#
    The settings that gold depends on, as one text; a change makes the next build a full one. The origin of orders
    and whether visitors are stated are among them. Experiments are not: every build computes their tables in full.
#}
{% macro settings_fingerprint() -%}
    {%- set names = [
        'shop_timezone', 'shop_currency', 'session_gap_minutes', 'bot_min_events', 'bot_max_mean_gap_seconds',
        'bot_min_idle_views', 'include_bots', 'experiment_assignment', 'canceled_statuses', 'attribution_lookback_days', 'orders_complete_through'
    ] -%}
    {%- set pairs = [
        'orders=' ~ ('stated' if source_has_orders() else 'derived'),
        'visitors=' ~ ('stated' if source_has_visitor_ids() else 'none')
    ] -%}
    {%- for name in names -%}{%- do pairs.append(name ~ '=' ~ var(name)) -%}{%- endfor -%}
    {{ return(pairs | join(';')) }}
{%- endmacro %}
