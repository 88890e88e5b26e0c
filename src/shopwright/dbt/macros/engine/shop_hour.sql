{# Hour of the day (0-23) of a UTC timestamp, in the shop's time zone. #}
{% macro shop_hour(utc_timestamp) -%}
    {%- if var('shop_timezone') | upper == 'UTC' -%}
    cast(extract(hour from {{ utc_timestamp }}) as integer)
    {%- else -%}
    cast(extract(
        hour from {{ utc_timestamp }} at time zone 'UTC' at time zone '{{ var("shop_timezone") | replace("'", "''") }}'
    ) as integer)
    {%- endif -%}
{%- endmacro %}
