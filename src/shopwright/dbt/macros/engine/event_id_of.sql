{#
    The id of an event, as the contract of events defines it: the source's own or, without one, the MD5 of the event's
    content. Columns that the contract gained later are part of it only where they have a value, so ids of events loaded
    before stay.
#}
{% macro event_id_of() -%}
    coalesce(source_event_id, md5(concat_ws(
            chr(31), {{ epoch_microseconds('event_at') }}, event_type, coalesce(user_id, ''),
            coalesce(session_hint, ''), coalesce(product_id, ''), coalesce(cast(price as varchar), ''),
            coalesce(cast(quantity as varchar), ''),
            coalesce(order_id, ''), coalesce(category_id, ''), coalesce(category, ''), coalesce(brand, ''),
            coalesce(properties, '')
            {%- for name in later_event_columns() -%}
            , '{{ name }}=' || cast({{ name }} as varchar)
            {%- endfor -%}
        )))
{%- endmacro %}

{% macro later_event_columns() -%}
    {{ return([
        'visitor_id', 'referrer', 'utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content', 'gclid', 'fbclid',
        'msclkid', 'list_position', 'value', 'tax', 'shipping', 'coupon', 'consent', 'event_name'
    ]) }}
{%- endmacro %}
