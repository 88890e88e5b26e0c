{# Whole seconds from one timestamp to a later one, rounded down. #}
{% macro seconds_between(earlier, later) -%}
    {{ return(adapter.dispatch('seconds_between')(earlier, later)) }}
{%- endmacro %}

{% macro default__seconds_between(earlier, later) -%}
    cast(floor(extract(epoch from {{ later }} - {{ earlier }})) as bigint)
{%- endmacro %}

{% macro duckdb__seconds_between(earlier, later) -%}
    datesub('second', {{ earlier }}, {{ later }})
{%- endmacro %}

{# Microseconds since 1970 of a UTC timestamp. #}
{% macro epoch_microseconds(moment) -%}
    {{ return(adapter.dispatch('epoch_microseconds')(moment)) }}
{%- endmacro %}

{% macro default__epoch_microseconds(moment) -%}
    cast(extract(epoch from {{ moment }}) * 1000000 as bigint)
{%- endmacro %}

{% macro duckdb__epoch_microseconds(moment) -%}
    epoch_us({{ moment }})
{%- endmacro %}

{# Date in the shop's zone of a UTC timestamp. In UTC itself it is a plain cast, which is far cheaper. #}
{% macro shop_date(moment) -%}
    {%- if var('shop_timezone') | upper == 'UTC' -%}
    cast({{ moment }} as date)
    {%- else -%}
    cast({{ moment }} at time zone 'UTC' at time zone '{{ var("shop_timezone") | replace("'", "''") }}' as date)
    {%- endif -%}
{%- endmacro %}

{#
    Every date from the first to the last, both included, one row each: a select item that multiplies its
    row.
#}
{% macro each_date(first, last) -%}
    {{ return(adapter.dispatch('each_date')(first, last)) }}
{%- endmacro %}

{% macro default__each_date(first, last) -%}
    cast(generate_series(
        cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval '1 day'
    ) as date)
{%- endmacro %}

{% macro duckdb__each_date(first, last) -%}
    cast(unnest(generate_series(
        cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval '1 day'
    )) as date)
{%- endmacro %}

{# The first day of every month from one such date to another, both included, one row each. #}
{% macro each_month(first, last) -%}
    {{ return(adapter.dispatch('each_month')(first, last)) }}
{%- endmacro %}

{% macro default__each_month(first, last) -%}
    cast(generate_series(
        cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval '1 month'
    ) as date)
{%- endmacro %}

{% macro duckdb__each_month(first, last) -%}
    cast(unnest(generate_series(
        cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval '1 month'
    )) as date)
{%- endmacro %}
