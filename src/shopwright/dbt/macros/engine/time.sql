{# Full seconds from one timestamp to a later one, rounded down. #}
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
{% macro epoch_microseconds(utc_timestamp) -%}
    {{ return(adapter.dispatch('epoch_microseconds')(utc_timestamp)) }}
{%- endmacro %}

{% macro default__epoch_microseconds(utc_timestamp) -%}
    cast(extract(epoch from {{ utc_timestamp }}) * 1000000 as bigint)
{%- endmacro %}

{% macro duckdb__epoch_microseconds(utc_timestamp) -%}
    epoch_us({{ utc_timestamp }})
{%- endmacro %}

{# Date of a UTC timestamp in the shop's time zone. If that is UTC, it is a plain cast, which is far cheaper. #}
{% macro shop_date(utc_timestamp) -%}
    {%- if var('shop_timezone') | upper == 'UTC' -%}
    cast({{ utc_timestamp }} as date)
    {%- else -%}
    cast({{ utc_timestamp }} at time zone 'UTC' at time zone '{{ var("shop_timezone") | replace("'", "''") }}' as date)
    {%- endif -%}
{%- endmacro %}

{#
    Every date from the first to the last, inclusive, one row each: a select item that multiplies its row.
#}
{% macro date_series(first, last) -%}
    {{ return(adapter.dispatch('date_series')(first, last)) }}
{%- endmacro %}

{% macro default__date_series(first, last) -%}
    cast(generate_series(
        cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval '1 day'
    ) as date)
{%- endmacro %}

{% macro duckdb__date_series(first, last) -%}
    cast(unnest(generate_series(
        cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval '1 day'
    )) as date)
{%- endmacro %}

{# The first day of every month from one such date to another, inclusive, one row each. #}
{% macro month_series(first, last) -%}
    {{ return(adapter.dispatch('month_series')(first, last)) }}
{%- endmacro %}

{% macro default__month_series(first, last) -%}
    cast(generate_series(
        cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval '1 month'
    ) as date)
{%- endmacro %}

{% macro duckdb__month_series(first, last) -%}
    cast(unnest(generate_series(
        cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval '1 month'
    )) as date)
{%- endmacro %}
