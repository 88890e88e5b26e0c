{#
    The id of an event, as the contract of events defines it: the source's own or, without one, the MD5 of the event's
    content.
#}
{% macro event_id_of() -%}
    coalesce(source_event_id, md5(concat_ws(
            chr(31), {{ epoch_microseconds('event_at') }}, event_type, user_id, coalesce(session_hint, ''),
            coalesce(product_id, ''), coalesce(cast(price as varchar), ''),
            coalesce(cast(quantity as varchar), ''),
            coalesce(order_id, ''), coalesce(category_id, ''), coalesce(category, ''), coalesce(brand, ''),
            coalesce(properties, '')
        )))
{%- endmacro %}
