{#
    What earlier builds have done. `meta.builds` has one row per finished build, and one with
    processed_through = 0 wherever a full build began; the row with the highest build_no is the state. A
    build that fails or is killed leaves no row, so the next one applies the same batches again, and every
    model can take that.
#}

{# Number of the last batch that a finished build has taken in; 0 where everything is still to do. #}
{% macro processed_through() -%}
    {%- if not execute -%}{{ return(0) }}{%- endif -%}
    {%- set builds = adapter.get_relation(database=target.database, schema='meta', identifier='builds') -%}
    {%- if builds is none -%}{{ return(0) }}{%- endif -%}
    {%- set found = run_query('select processed_through from meta.builds order by build_no desc limit 1') -%}
    {{ return(found.columns[0].values()[0] | int if found.rows | length else 0) }}
{%- endmacro %}

{# Number of the last batch that this build takes in, fixed when it started. #}
{% macro build_target() -%}
    {%- if not execute -%}{{ return(0) }}{%- endif -%}
    {%- set current = adapter.get_relation(database=target.database, schema='meta', identifier='current_build') -%}
    {%- if current is none -%}{{ return(0) }}{%- endif -%}
    {%- set found = run_query('select target_seq from meta.current_build') -%}
    {{ return(found.columns[0].values()[0] | int if found.rows | length else 0) }}
{%- endmacro %}

{# Overrides dbt's own: with no finished build to stand on, an incremental model is built anew. #}
{% macro should_full_refresh() -%}
    {%- set configured = config.get('full_refresh') -%}
    {%- if configured is not none -%}{{ return(configured) }}{%- endif -%}
    {{ return(flags.FULL_REFRESH or processed_through() == 0) }}
{%- endmacro %}

{#
    The settings that gold depends on, as one text; a build under other settings starts from nothing. Where orders come
    from is one of them. Experiments are not: their tables are computed as a whole by each build.
#}
{% macro settings_text() -%}
    {%- set names = [
        'shop_timezone', 'shop_currency', 'session_gap_minutes', 'bot_min_events', 'bot_max_mean_gap_seconds',
        'bot_min_idle_views', 'include_bots', 'experiment_assignment', 'canceled_statuses', 'orders_complete_through'
    ] -%}
    {%- set said = ['orders=' ~ ('stated' if states_orders() else 'derived')] -%}
    {%- for name in names -%}{%- do said.append(name ~ '=' ~ var(name)) -%}{%- endfor -%}
    {{ return(said | join(';')) }}
{%- endmacro %}
