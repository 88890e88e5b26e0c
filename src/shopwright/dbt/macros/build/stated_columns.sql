{#
    Whether any event of the shop fills a column, asked once per build. Statistics of the files answer it
    where no event does, the first rows where some do.
#}
{% macro states_event_ids() -%}
    {{ return(is_ever_stated('source_event_id')) }}
{%- endmacro %}

{% macro states_order_ids() -%}
    {{ return(is_ever_stated('order_id')) }}
{%- endmacro %}

{% macro is_ever_stated(column) -%}
    {%- if not execute -%}{{ return(true) }}{%- endif -%}
    {%- set found = run_query(
        'select 1 from ' ~ source('bronze', 'events') ~ ' where ' ~ column ~ ' is not null limit 1'
    ) -%}
    {{ return(found.rows | length > 0) }}
{%- endmacro %}

{#
    Whether every build derives all orders anew. Where the shop states orders, payments or reviews, any batch may speak
    of any order, and a corrected order may have belonged to another customer.
#}
{% macro rebuilds_all_orders() -%}
    {%- if not execute -%}{{ return(true) }}{%- endif -%}
    {%- set found = run_query(
        'select 1 from ' ~ target.database ~ '.bronze.payments union all select 1 from ' ~ target.database
        ~ '.bronze.reviews limit 1'
    ) -%}
    {{ return(states_orders() or found.rows | length > 0) }}
{%- endmacro %}

{#
    Whether the shop states its orders, by themselves or on their lines. Then orders come from there, and purchase
    events are steps of a session and no money; else orders are derived from purchase events.
#}
{% macro states_orders() -%}
    {%- if not execute -%}{{ return(true) }}{%- endif -%}
    {%- set found = run_query(
        'select 1 from ' ~ target.database ~ '.bronze.orders union all select 1 from ' ~ target.database
        ~ '.bronze.order_items limit 1'
    ) -%}
    {{ return(found.rows | length > 0) }}
{%- endmacro %}
