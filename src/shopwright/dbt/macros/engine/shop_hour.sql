{# Hour of the day, 0 to 23, in the shop's zone of a UTC timestamp. #}
{% macro shop_hour(moment) -%}
    {%- if var('shop_timezone') | upper == 'UTC' -%}
    cast(extract(hour from {{ moment }}) as integer)
    {%- else -%}
    cast(extract(
        hour from {{ moment }} at time zone 'UTC' at time zone '{{ var("shop_timezone") | replace("'", "''") }}'
    ) as integer)
    {%- endif -%}
{%- endmacro %}
