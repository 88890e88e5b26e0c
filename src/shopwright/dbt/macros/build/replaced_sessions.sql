{#
    What the last finished build made of the events, and which of its sessions this build takes apart. The models that read
    it come before int_sessionized_events, so they cannot ref it.
#}

{# The sessionized events as earlier builds left them. #}
{% macro sessionized_before() -%}
    {{ return(target.database ~ '.silver.int_sessionized_events') }}
{%- endmacro %}

{% macro replaced_sessions() -%}
    {{ return(target.database ~ '.silver.int_replaced_sessions') }}
{%- endmacro %}

{# Removes what finished builds have replaced. #}
{% macro forget_replaced_sessions() -%}
    {%- if is_incremental() -%}
    delete from {{ this }} where _build_seq <= {{ processed_through() }}
    {%- endif -%}
{%- endmacro %}

{# Visitors of whom a new batch has an event, or a new version of one. #}
{% macro touched_visitors() -%}
    select {{ stable_number('visitor_id') }}
    from (
        select distinct visitor_id from {{ ref('stg_events') }}
        where _batch_seq > {{ processed_through() }} and visitor_id is not null
    ) as new_visitors
    {%- if source_has_event_ids() %}
    union
    select visitor_key from {{ sessionized_before() }}
    where visitor_key is not null and source_event_id in ({{ new_event_ids() }})
    {%- endif %}
{%- endmacro %}

{#
    Condition: a timestamp is within the sessions that this build takes apart. Coarse but cheap, since scans can use it.
#}
{% macro is_near_replaced_sessions(column) -%}
    {%- set bounds = replaced_bounds() -%}
    {%- if not bounds -%}{{ return('false') }}{%- endif -%}
    {{ return(column ~ " between timestamp '" ~ bounds[0] ~ "' and timestamp '" ~ bounds[1] ~ "'") }}
{%- endmacro %}

{# First start and last end of the sessions that this build takes apart; nothing if there are none. #}
{% macro replaced_bounds() -%}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- set row = run_query(
        'select min(session_start_at), max(session_end_at) from ' ~ replaced_sessions() ~ ' where _build_seq > '
        ~ processed_through()
    ).rows[0] -%}
    {{ return([row[0], row[1]] if row[0] is not none else []) }}
{%- endmacro %}
