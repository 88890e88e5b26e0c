{#
    The bot rule, over a session or the part of it so far. A session is a bot's if it buys nothing, has many events, and
    either clicks faster than a person can or views many products without adding one to the cart. The thresholds are
    settings. A session that buys is never a bot's: the lines of an order share one timestamp, and no rule may remove
    revenue from the metrics.
#}
{% macro is_bot_session(event_count, duration_seconds, purchase_count, product_view_count, add_to_cart_count) -%}
    {{ event_count }} >= {{ var('bot_min_events') }}
        and {{ purchase_count }} = 0
        and (
            {{ duration_seconds }} < ({{ event_count }} - 1) * {{ var('bot_max_mean_gap_seconds') }}
            or (
                {{ product_view_count }} >= {{ var('bot_min_idle_views') }}
                and {{ add_to_cart_count }} = 0
            )
        )
{%- endmacro %}
